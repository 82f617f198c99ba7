"""When to say again what has been said already: at once when it is news, then after waits that double.

Who waits for something outside says what for, also to whoever looks an hour later, and yet does not fill the log.
Must not know what is said, nor where.
"""

import time
from collections.abc import Callable

FIRST = 10.0  #: seconds until the same is said again
LONGEST = 600.0


class Refrain:
    """One matter. `grace`: seconds that it must have lasted before anything is said. For one thread."""

    def __init__(
        self,
        *,
        grace: float = 0.0,
        first: float = FIRST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._grace = grace
        self._first = first
        self._clock = clock
        self._words: str | None = None
        self._wait = first
        self._next = 0.0

    def due(self, words: str) -> bool:
        """Whether it is time to say so. Other words than the last are news, and so is everything after `over`."""
        now = self._clock()
        if words != self._words:
            self._next = now + (self._grace if self._words is None else 0.0)
            self._words, self._wait = words, self._first
        if now < self._next:
            return False
        self._next = now + self._wait
        self._wait = min(2 * self._wait, LONGEST)
        return True

    def over(self) -> None:
        """The matter is settled."""
        self._words = None
