"""Who may lead on one machine: whoever holds a file's lock. Implements `ports.Election`.

The kernel frees the lock the moment its holder's process is gone, however it went, and at no other time: a
process that is stopped keeps it. So there is no lease to run out, nothing to renew, and trust never fades.
The database's term fences a leader that would go on regardless.
"""

import fcntl
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

from moroccron.refrain import Refrain

log = logging.getLogger(__name__)

_LOOK = 1.0  #: seconds between two moments in which to say that we wait


class FileElection:
    """Won by `flock`. `on_loss` is never called: a lock is not lost before its process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._decided = threading.Event()
        self._resigned = False
        self._lock: int | None = None

    def wait(self, on_loss: Callable[[str], None]) -> None:
        """Block until elected or resigned; signals are heeded."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # A thread, since neither a signal nor `resign` can wake up one that waits for a lock.
        threading.Thread(target=self._take, args=(lock,), name="election", daemon=True).start()
        standing_by = Refrain()
        while not self._decided.wait(_LOOK):
            if standing_by.due("another leads"):
                log.info("standing by: another process of this machine holds %s", self._path)

    def trusted(self) -> bool:
        return self._lock is not None

    def resign(self) -> None:
        with self._guard:
            self._resigned = True
            lock, self._lock = self._lock, None
            if lock is not None:
                os.close(lock)
        self._decided.set()

    def _take(self, lock: int) -> None:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with self._guard:
            if self._resigned:
                os.close(lock)
                return
            self._lock = lock
        self._decided.set()
