"""Moments at which something must be looked at: a heap for the many, named alarms for the few.

Entries are not taken back one by one: whoever is woken checks whether the reason still holds. Those whose subject
is gone are swept out when there have come to be many.
"""

import heapq
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from moroccron.model.run import AttemptKey, JobRunKey


class RunExpiry(NamedTuple):
    """A run that has taken as long as it may."""

    run_id: str


#: a DAG whose schedule fires; an attempt whose delay, wait or patience ends; a job or a run whose time is up
Subject = str | AttemptKey | JobRunKey | RunExpiry


_MANY = 10_000


class Timers:
    """When to wake, and for whom."""

    def __init__(self, matters: Callable[[Subject], bool] = lambda _: True) -> None:
        """`matters`: whether there is still what an entry was made for."""
        self._matters = matters
        self._heap: list[tuple[datetime, int, Subject]] = []
        self._most = _MANY  #: entries at which those that do not matter are swept out
        self._drawn = 0
        self.alarms: dict[str, datetime] = {}
        self._ringing: set[str] = set()

    def add(self, at: datetime, subject: Subject) -> None:
        self._drawn += 1
        heapq.heappush(self._heap, (at, self._drawn, subject))
        if len(self._heap) > self._most:
            self._sweep()

    def __len__(self) -> int:
        return len(self._heap)

    def _sweep(self) -> None:
        """Costs as much as there are entries, and comes after as many were added: little for each."""
        self._heap = [entry for entry in self._heap if self._matters(entry[2])]
        heapq.heapify(self._heap)
        self._most = max(_MANY, 2 * len(self._heap))

    def set_alarm(self, name: str, at: datetime | None) -> None:
        if at is None:
            self.alarms.pop(name, None)
        else:
            self.alarms[name] = at

    def due(self, now: datetime) -> Iterator[Subject]:
        """Take out, in order of time, every subject whose moment has come."""
        while self._heap and self._heap[0][0] <= now:
            yield heapq.heappop(self._heap)[2]

    def ring(self, now: datetime) -> None:
        """Take out the alarms whose moment has come: they ring until the next call, and wake nobody again."""
        self._ringing = {name for name, at in self.alarms.items() if at <= now}
        for name in self._ringing:
            del self.alarms[name]

    def rings(self, name: str) -> bool:
        """Whether an alarm's moment has come."""
        return name in self._ringing

    def next_wake(self) -> datetime | None:
        """The earliest moment anything waits for; None: nothing does."""
        candidates = list(self.alarms.values())
        if self._heap:
            candidates.append(self._heap[0][0])
        return min(candidates, default=None)
