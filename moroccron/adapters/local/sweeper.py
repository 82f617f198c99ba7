"""Removes old sandboxes, a bounded number at a time, off the agent's loop.

A sandbox is old when its task is over and acknowledged (its record is in it) and nothing in its folder was
added or removed for as long as is to be kept.
"""

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable

from moroccron.adapters.local.paths import WorkDir

DAY = 86_400.0
PAUSE = 3600.0  #: seconds between two looks
HURRY = 60.0  #: seconds to the next one when the last found more than it may remove
AT_MOST = 1000  #: sandboxes removed by one look

log = logging.getLogger("moroccron.agent")


class Sweeper:
    """Looks again and again, each time in a thread of its own that ends with the look."""

    def __init__(
        self, work_dir: WorkDir, keep: float, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self._work_dir = work_dir
        self._keep = keep
        self._wall_clock = wall_clock
        self._thread: threading.Thread | None = None
        self._more = False

    def sweep(self) -> float:
        """Begin a look, unless one is under way; the seconds until the next."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self.look, name="sweeper", daemon=True)
            self._thread.start()
        return HURRY if self._more else PAUSE

    def look(self) -> int:
        """Remove what is old, at most so many; how many there were to remove."""
        before = self._wall_clock() - self._keep
        removed = 0
        self._more = False
        with os.scandir(self._work_dir.sandboxes) as entries:
            for entry in entries:
                if entry.stat(follow_symlinks=False).st_mtime >= before:
                    continue
                if (self._work_dir.live / entry.name).exists():
                    continue
                if removed == AT_MOST:
                    self._more = True
                    break
                shutil.rmtree(entry.path, ignore_errors=True)
                removed += 1
        if removed:
            log.info(
                "removed %d sandboxes that ended more than %g days ago", removed, self._keep / DAY
            )
        return removed
