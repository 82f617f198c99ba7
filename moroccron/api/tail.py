"""The end of the history, watched for all open streams at once.

Owns how often the database is asked and how many streams may be open (each holds a thread of the server).
Knows nothing of HTTP.
"""

import threading
import time

from moroccron.ports import Queries

POLL_SECONDS = 0.25


class Tail:
    """Says when there is more history. However many ask, the database is asked once per interval."""

    def __init__(
        self, queries: Queries, max_streams: int, poll_seconds: float = POLL_SECONDS
    ) -> None:
        self.max_streams = max_streams
        self._queries = queries
        self._poll_seconds = poll_seconds
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(max_streams)
        self._stopping = threading.Event()
        self._newest = 0
        self._asked_at = float("-inf")

    def try_take(self) -> bool:
        """Take the place of a stream, if one is free."""
        return not self.stopped and self._slots.acquire(blocking=False)

    def give_back(self) -> None:
        """Free the place of a stream that ended."""
        self._slots.release()

    def newest(self) -> int:
        """The number of the newest history line, at most one interval old."""
        with self._lock:
            now = time.monotonic()
            if now - self._asked_at >= self._poll_seconds:
                self._newest = self._queries.last_history_id()
                self._asked_at = now
            return self._newest

    def rest(self) -> bool:
        """Wait one interval; False when the server stops."""
        return self.pause(self._poll_seconds)

    def pause(self, seconds: float) -> bool:
        """Wait so long; False, at once, when the server stops."""
        return not self._stopping.wait(seconds)

    @property
    def stopped(self) -> bool:
        return self._stopping.is_set()

    def stop(self) -> None:
        """End all streams: the server is going down."""
        self._stopping.set()
