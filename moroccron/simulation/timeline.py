"""What is to happen when. Knows nothing of clusters, and moves no clock."""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from moroccron.simulation.clock import VirtualClock


class Timeline:
    """Things to do at moments to come, in order of time and, at one moment, of being planned."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._plan: list[tuple[datetime, int, Callable[..., None], tuple[Any, ...]]] = []
        self._planned = 0

    def after(self, seconds: float, act: Callable[..., None], *arguments: Any) -> None:
        """Plan an act for so many seconds from now."""
        self._planned += 1
        moment = self._clock.now() + timedelta(seconds=seconds)
        heapq.heappush(self._plan, (moment, self._planned, act, arguments))

    def next(self) -> datetime | None:
        """When the next thing happens."""
        return self._plan[0][0] if self._plan else None

    def run_due(self) -> None:
        """Do everything that is planned for now or before, and what that plans for now."""
        plan, now = self._plan, self._clock.now()
        while plan and plan[0][0] <= now:
            _, _, act, arguments = heapq.heappop(plan)
            act(*arguments)
