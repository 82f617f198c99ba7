"""Who may lead on one machine: whoever holds a file's lock. Implements `ports.Election`.

The kernel frees the lock the moment its holder's process is gone, however it went. The database's term fences
a leader that would go on regardless.
"""

import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path

from moroccron.model.errors import MoroccronError


class Resigned(MoroccronError):
    """`resign` was called before the election was won."""


class FileElection:
    """Won by `flock`. `on_loss` is never called: a lock is not lost before its process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._decided = threading.Event()
        self._resigned = False
        self._lock: int | None = None

    def wait(self, on_loss: Callable[[str], None]) -> None:
        """Block until elected. Raises `Resigned` when `resign` comes first; signals are heeded."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # A thread, since neither a signal nor `resign` can wake up one that waits for a lock.
        threading.Thread(target=self._take, args=(lock,), name="election", daemon=True).start()
        self._decided.wait()
        if self._resigned:
            raise Resigned("resigned before being elected")

    def resign(self) -> None:
        """Let the next candidate win at once."""
        with self._guard:
            self._resigned = True
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None
        self._decided.set()

    def _take(self, lock: int) -> None:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with self._guard:
            if self._resigned:
                os.close(lock)
                return
            self._lock = lock
        self._decided.set()
