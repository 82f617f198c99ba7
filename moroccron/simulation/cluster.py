"""The simulated cluster: `ports.Driver` in front of a simulated master, in virtual time and without threads.

Nothing happens by itself: whoever moves the clock calls `advance`, and events go to the engine. The same calls,
script and seed always give the same events. Faults are methods, to be called by a test or planned with `plan`.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from moroccron.model.effects import (
    Accept,
    AcceptInverse,
    Acknowledge,
    Decline,
    DeclineInverse,
    Effect,
    Kill,
    ReadOutput,
    Reconcile,
    Revive,
    Suppress,
)
from moroccron.model.events import Disconnected, Event, OutputRead, StatusReceived, Subscribed
from moroccron.model.states import ReportedState
from moroccron.simulation.agents import AgentSpec, Reach
from moroccron.simulation.clock import VirtualClock
from moroccron.simulation.master import Master
from moroccron.simulation.tasks import Course, Script
from moroccron.simulation.timeline import Timeline


class SimulatedCluster:
    """Fulfils `ports.Driver`. The engine reads the same clock."""

    def __init__(
        self,
        agents: Iterable[AgentSpec],
        clock: VirtualClock,
        *,
        script: Script | None = None,
        seed: int = 0,
        latency: float = 0.001,
        allocation_interval: float = 1.0,
        agent_timeout: float = 75.0,
        offer_timeout: float = 30.0,
        roles: Sequence[str] = (),
    ) -> None:
        """`script` says what becomes of a launch; without one every task ends well after a second.

        `latency`: until a call has reached the master. `agent_timeout`: of silence, until an agent is given up.
        `offer_timeout`: until offers whose ACCEPT was lost are rescinded. `roles`: those of the framework; without
        any the cluster behaves as the embedded agent, which knows none.
        """
        self._clock = clock
        self._timeline = Timeline(clock)
        self._latency = latency
        self._agent_timeout = agent_timeout
        self._offer_timeout = offer_timeout
        self._chance = random.Random(seed)
        self._emit: Callable[[Event], None] | None = None
        self._framework_id: str | None = None
        self._connected = False
        self._connections = 0
        self._suppressed: frozenset[str] = frozenset()  #: what a SUBSCRIBE says
        self._accepts_to_drop = 0
        self._share_doubled = 0.0
        self.master = Master(
            agents,
            script or (lambda launch: Course(1.0)),
            clock,
            self._timeline,
            self._tell,
            allocation_interval=allocation_interval,
            roles=roles,
        )

    # ------------------------------------------------------------------ time

    def advance(self) -> None:
        """Let happen what is due by now, and give the engine the events of it."""
        self._timeline.run_due()

    def next_due(self) -> datetime | None:
        """When something happens next, if nobody calls before."""
        return self._timeline.next()

    def plan(self, seconds: float, act: Callable[..., None], *arguments: object) -> None:
        """Let something happen so many seconds from now: a fault, mostly."""
        self._timeline.after(seconds, act, *arguments)

    @property
    def starts(self) -> Sequence[str]:
        """Ids of the tasks that ever began to run, in that order: the witness for what ran how often."""
        return self.master.starts

    # ------------------------------------------------------------------ ports.Driver

    def start(self, framework_id: str | None, emit: Callable[[Event], None]) -> None:
        """A scheduler begins, the first one or the next; what runs runs on."""
        self._framework_id = framework_id or self._framework_id or "simulated-framework"
        self._emit = emit
        self._suppressed = frozenset()
        self._connections += 1
        self._timeline.after(self._latency, self._subscribe, self._connections)

    def perform(self, effects: Sequence[Effect]) -> None:
        """Send calls, in order; they take effect one latency from now, unless the connection is lost by then."""
        if self._connected:
            self._timeline.after(self._latency, self._take, tuple(effects), self._connections)

    def stop(self) -> None:
        """The scheduler goes away without a word."""
        self._leave()
        self._emit = None

    # ------------------------------------------------------------------ faults

    def disconnect(self, seconds: float, reason: str = "connection lost") -> None:
        """The connection breaks, with the calls on it, and is there again after a while."""
        if not self._connected:
            return
        self._tell(Disconnected(reason))
        self._leave()
        self._timeline.after(seconds, self._subscribe, self._connections)

    def partition(self, agent_id: str) -> None:
        """An agent is cut off. What runs there goes on; `heal` brings it back."""
        self.master.cut(agent_id, self._agent_timeout)

    def heal(self, agent_id: str) -> None:
        """A cut-off agent is there again."""
        self.master.welcome_back(agent_id)

    def lose_agent(self, agent_id: str) -> None:
        """An agent's machine dies, with all that runs there. The master only sees that it is silent."""
        self.master.agents[agent_id].alive = False
        self.partition(agent_id)

    def mark_gone(self, agent_id: str) -> None:
        """An operator tells the master that an agent will not come back."""
        agent = self.master.agents[agent_id]
        agent.alive = False
        self.master.remove(agent, Reach.GONE, ReportedState.GONE_BY_OPERATOR, "agent_removed")

    def maintain(self, agent_id: str, seconds: float) -> None:
        """An operator plans to maintain an agent, so many seconds from now."""
        self.master.maintain(agent_id, self._clock.now() + timedelta(seconds=seconds))

    def drop_accepts(self, number: int = 1) -> None:
        """The next ACCEPTs do not arrive, although nothing tells that the connection is lost."""
        self._accepts_to_drop += number

    def double_updates(self, share: float) -> None:
        """From now on this share of the updates comes twice, drawn by the seed."""
        self._share_doubled = share

    # ------------------------------------------------------------------ the connection

    def _subscribe(self, connection: int) -> None:
        if connection != self._connections or self._emit is None:
            return
        assert self._framework_id is not None
        self.master.allocator.reset(self._suppressed)
        self._connected = True
        self._emit(Subscribed(self._framework_id, self._suppressed))
        self.master.allocate()

    def _leave(self) -> None:
        self._connected = False
        self._connections += 1
        self.master.allocator.reset()

    def _tell(self, event: Event) -> bool:
        if not self._connected or self._emit is None:
            return False
        self._emit(event)
        if (
            self._share_doubled
            and isinstance(event, StatusReceived)
            and self._chance.random() < self._share_doubled
        ):
            self._emit(event)
        return True

    # ------------------------------------------------------------------ calls

    def _take(self, effects: tuple[Effect, ...], connection: int) -> None:
        if connection != self._connections:
            return
        for effect in effects:
            self._take_one(effect)

    def _take_one(self, effect: Effect) -> None:
        master = self.master
        match effect:
            case Acknowledge(task_id, agent_id, uuid):
                master.acknowledge(task_id, agent_id, uuid)
            case Accept():
                self._take_accept(effect)
            case Decline():
                master.decline(effect)
            case AcceptInverse() | DeclineInverse():
                master.take_answer(effect)
            case Kill(task_id, agent_id):
                master.kill(task_id, agent_id)
            case ReadOutput(attempt):
                self._timeline.after(self._latency, self._read_output, attempt.task_id or "")
            case Reconcile(tasks):
                master.reconcile(tasks)
            case Suppress(roles):
                master.allocator.suppress(roles)
                self._suppressed = master.allocator.suppressed
            case Revive(roles):
                master.allocator.revive(roles)
                self._suppressed = master.allocator.suppressed
                master.allocate()

    def _read_output(self, task_id: str) -> None:
        self._tell(OutputRead(task_id, self.master.output_of(task_id)))

    def _take_accept(self, call: Accept) -> None:
        if self._accepts_to_drop:
            self._accepts_to_drop -= 1
            self._timeline.after(self._offer_timeout, self.master.rescind, call.offer_ids)
        else:
            self.master.accept(call)
