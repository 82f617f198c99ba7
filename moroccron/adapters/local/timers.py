"""Moments to be woken at, for the agent's loop. Pure but for the clock that it is given."""

import heapq
import itertools
from collections.abc import Callable, Collection


class Timers:
    """A heap of (moment, kind, name). There is no cancelling: who is woken looks whether it still matters."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, str, str]] = []
        self._number = itertools.count()

    def add(self, delay: float, kind: str, name: str = "") -> None:
        heapq.heappush(self._heap, (self._clock() + delay, next(self._number), kind, name))

    def due(self) -> list[tuple[str, str]]:
        """What is due by now, in order; it is forgotten."""
        passed = []
        now = self._clock()
        while self._heap and self._heap[0][0] <= now:
            _, _, kind, name = heapq.heappop(self._heap)
            passed.append((kind, name))
        return passed

    def next(self) -> float | None:
        """The earliest moment."""
        return self._heap[0][0] if self._heap else None

    def prune(self, names: Collection[str]) -> None:
        """Forget moments of names that are gone, once they are most of the heap."""
        if len(self._heap) > 100 + 4 * len(names):
            self._heap = [entry for entry in self._heap if not entry[3] or entry[3] in names]
            heapq.heapify(self._heap)
