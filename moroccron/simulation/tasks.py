"""Simulated tasks: what is to become of each, and its updates on their way to the framework.

As a Mesos agent does it: updates of a task are sent in order, the next one only when the one before was
acknowledged, and each again and again until it was.
"""

import heapq
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from moroccron.model.events import StatusReceived
from moroccron.model.offer import Launch
from moroccron.model.states import ReportedState
from moroccron.simulation.agents import SimulatedAgent

FIRST_REPEAT = 10.0  #: seconds until an unacknowledged update is sent again; doubled each time,
LONGEST_REPEAT = 600.0  #: up to this

_ROUNDING = 1e-6  #: moments are kept in whole microseconds


class Course(NamedTuple):
    """What becomes of a task: how long it runs, and how it ends."""

    seconds: float
    state: ReportedState = ReportedState.FINISHED
    exit_code: int | None = 0
    reason: str | None = None  #: None: the usual one
    output: bytes | None = None  #: what it writes for others


Script = Callable[[Launch], Course]


class Task:
    """A task as its agent and the master know it."""

    __slots__ = (
        "agent",
        "arrived",
        "holds",
        "killed",
        "known",
        "launch",
        "output",
        "pending",
        "state",
        "updates",
    )

    def __init__(self, launch: Launch, agent: SimulatedAgent) -> None:
        self.launch = launch
        self.agent = agent
        self.state = ReportedState.STAGING  #: in truth
        self.known = ReportedState.STAGING  #: as the master has last passed it on
        self.arrived = False  #: the agent has got it
        self.holds = True  #: its resources are accounted for
        self.killed = False  #: the master is to see to its end
        self.pending: deque[StatusReceived] = deque()  #: updates not acknowledged, the oldest first
        self.updates = 0
        self.output: bytes | None = None  #: what it wrote for others

    @property
    def ended(self) -> bool:
        return self.state in ENDS

    def update(
        self,
        state: ReportedState,
        at: datetime,
        *,
        exit_code: int | None = None,
        reason: str | None = None,
    ) -> StatusReceived:
        """The task is in another state: the update that says so, put behind those that wait."""
        self.state = state
        self.updates += 1
        task_id = self.launch.task_id
        found = StatusReceived(
            task_id,
            self.agent.id,
            state,
            at,
            f"{task_id}#{self.updates}",
            exit_code,
            reason,
            None,
            f"/simulated/{task_id}",
        )
        self.pending.append(found)
        return found


ENDS = frozenset(
    {ReportedState.FINISHED, ReportedState.FAILED, ReportedState.KILLED, ReportedState.ERROR}
)


class Repeats:
    """Which updates are to be sent again, and when. What was acknowledged is found out when its time comes."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Task, str, float]] = []
        self._count = 0

    def add(self, now: float, task: Task, uuid: str, wait: float = FIRST_REPEAT) -> None:
        self._count += 1
        heapq.heappush(self._waiting, (now + wait, self._count, task, uuid, wait))

    def next(self) -> float | None:
        """When the next update that is still not acknowledged is to be sent again."""
        while self._waiting and not _is_pending(*self._waiting[0][2:4]):
            heapq.heappop(self._waiting)
        return self._waiting[0][0] if self._waiting else None

    def due(self, now: float) -> list[Task]:
        """Tasks whose first update is to be sent again now; it will be again, after twice the time."""
        found = []
        while (moment := self.next()) is not None and moment <= now + _ROUNDING:
            _, _, task, uuid, wait = heapq.heappop(self._waiting)
            self.add(now, task, uuid, min(2 * wait, LONGEST_REPEAT))
            found.append(task)
        return found


def _is_pending(task: Task, uuid: str) -> bool:
    return bool(task.pending) and task.pending[0].uuid == uuid
