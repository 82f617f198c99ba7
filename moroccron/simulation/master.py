"""The simulated master with its agents: what it does with the calls of a framework, and what it says of tasks.

Behaviour is that of Mesos 1.11: an ACCEPT with a bad offer, or with offers of two roles, drops all its tasks,
explicit reconciliation is answered by what the master knows, implicit leaves out tasks on unreachable agents, a
kill of a task nobody knows is answered and forgotten. Connections and time are the cluster's matter.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from moroccron.model.effects import Accept, AcceptInverse, Decline, DeclineInverse
from moroccron.model.events import (
    AgentLost,
    Event,
    InverseOffersReceived,
    OfferRescinded,
    OffersReceived,
    StatusReceived,
)
from moroccron.model.offer import InverseOffer, Launch, PortRange
from moroccron.model.states import ReportedState
from moroccron.simulation.agents import AgentSpec, Reach, SimulatedAgent, without
from moroccron.simulation.allocator import Allocator
from moroccron.simulation.clock import VirtualClock
from moroccron.simulation.tasks import FIRST_REPEAT, Course, Repeats, Script, Task
from moroccron.simulation.timeline import Timeline


class Master:
    """`tell` gives an event to the framework; it returns whether that was connected."""

    def __init__(
        self,
        agents: Iterable[AgentSpec],
        script: Script,
        clock: VirtualClock,
        timeline: Timeline,
        tell: Callable[[Event], bool],
        *,
        allocation_interval: float,
        roles: Sequence[str] = (),
    ) -> None:
        self.agents = {spec.id: SimulatedAgent(spec) for spec in agents}
        self.tasks: dict[str, Task] = {}  #: until their end is acknowledged
        self.allocator = Allocator(self.agents.values(), clock, allocation_interval, roles)
        self.starts: list[str] = []  #: ids of all tasks that ever began to run
        self.leaves: dict[str, bool] = {}  #: by agent: our last answer whether we leave it
        self._questions: dict[str, SimulatedAgent] = {}
        self._asked = 0
        self._used_ids: set[str] = set()
        self._script = script
        self._clock = clock
        self._timeline = timeline
        self._tell = tell
        self._interval = allocation_interval
        self._allocation_planned = False
        self._repeats = Repeats()
        self._repeat_planned = False

    # ------------------------------------------------------------------ offers

    def allocate_soon(self) -> None:
        """Something became free: offer it with the next regular allocation."""
        if not self._allocation_planned and not self.allocator.silent:
            self._allocation_planned = True
            wait = self._interval - self._clock.monotonic() % self._interval
            self._timeline.after(wait, self._allocate)

    def _allocate(self) -> None:
        self._allocation_planned = False
        self.allocate()

    def allocate(self) -> None:
        """Offer all that is free, now."""
        offers = self.allocator.allocate()
        if offers and not self._tell(OffersReceived(offers)):
            self.allocator.withdraw()

    def decline(self, call: Decline) -> None:
        for offer in self.allocator.take(call.offer_ids):
            self.allocator.release(offer, offer.resources, offer.port_ranges, call.refuse_seconds)
        self._after_refusal(call.refuse_seconds)

    def rescind(self, offer_ids: tuple[str, ...]) -> None:
        """Take back offers that nobody has answered."""
        for offer in self.allocator.take(offer_ids):
            self._tell(OfferRescinded(offer.id))
            self.allocator.release(offer, offer.resources, offer.port_ranges, 0)
        self.allocate_soon()

    def _after_refusal(self, seconds: float) -> None:
        if seconds > 0:
            self._timeline.after(max(seconds, self._interval), self.allocate_soon)
        else:
            self.allocate_soon()

    # ------------------------------------------------------------------ maintenance

    def maintain(self, agent_id: str, at: datetime) -> None:
        """Take back an agent's offers, to make them anew with the moment, and ask whether we will have left."""
        agent = self.agents[agent_id]
        agent.unavailable_from = at
        for offer_id in self.allocator.withdraw(agent_id):
            self._tell(OfferRescinded(offer_id))
        self.allocate_soon()
        self._ask_to_leave(agent)

    def _ask_to_leave(self, agent: SimulatedAgent) -> None:
        """As long as anything runs there, as Mesos asks only those who have something to lose."""
        if agent.unavailable_from is None or not any(t.agent is agent for t in self.tasks.values()):
            return
        self._asked += 1
        question = InverseOffer(f"inverse-{self._asked}", agent.id, agent.unavailable_from)
        self._questions[question.id] = agent
        self._tell(InverseOffersReceived((question,)))

    def take_answer(self, call: AcceptInverse | DeclineInverse) -> None:
        """Note it, and ask again once the filter has passed."""
        for offer_id in call.offer_ids:
            agent = self._questions.pop(offer_id, None)
            if agent is not None:
                self.leaves[agent.id] = isinstance(call, AcceptInverse)
                self._timeline.after(call.refuse_seconds, self._ask_to_leave, agent)

    # ------------------------------------------------------------------ launches

    def accept(self, call: Accept) -> None:
        """Launch what fits, in order; what is left over is free again."""
        offers = self.allocator.take(call.offer_ids)
        rooms = {(offer.agent_id, offer.role) for offer in offers}
        if len(offers) < len(call.offer_ids) or len(rooms) != 1:
            for offer in offers:
                self.allocator.release(offer, offer.resources, offer.port_ranges, 0)
            for launch in call.launches:
                self._say(launch, ReportedState.DROPPED, "invalid_offers")
            self.allocate_soon()
            return
        agent = self.agents[offers[0].agent_id]
        left, ports = offers[0].resources, offers[0].port_ranges
        for offer in offers[1:]:
            left, ports = left + offer.resources, (*ports, *offer.port_ranges)
        for launch in call.launches:
            ports_left = _cut(ports, launch.ports)
            fits = ports_left is not None and launch.resources.fits_in(left)
            if ports_left is None or not fits or launch.task_id in self._used_ids:
                self._say(launch, ReportedState.ERROR, "task_invalid")
            else:
                left, ports = left - launch.resources, ports_left
                self._start(launch, agent)
        self.allocator.release(offers[0], left, ports, call.refuse_seconds)
        self._after_refusal(call.refuse_seconds)

    def _start(self, launch: Launch, agent: SimulatedAgent) -> None:
        task = Task(launch, agent)
        self.tasks[launch.task_id] = task
        self._used_ids.add(launch.task_id)
        if agent.reach is Reach.REGISTERED:
            task.arrived = True
            self.starts.append(launch.task_id)
            course = self._script(launch)
            self._report(task, ReportedState.RUNNING)
            self._timeline.after(course.seconds, self._end, task, course)

    def _end(self, task: Task, course: Course) -> None:
        """A task's own end has come, unless it was killed before or its machine is lost."""
        if task.ended or not task.agent.alive:
            return
        task.output = course.output
        usual = None if course.state is ReportedState.FINISHED else "command_failed"
        self._finish(task, course.state, course.exit_code, course.reason or usual)

    def _finish(
        self, task: Task, state: ReportedState, exit_code: int | None, reason: str | None
    ) -> None:
        self._report(task, state, exit_code, reason)
        if task.agent.reach is Reach.REGISTERED:
            self._free(task)

    def output_of(self, task_id: str) -> bytes | None:
        """What a task wrote for others, as its agent serves it."""
        task = self.tasks.get(task_id)
        return None if task is None else task.output

    def _free(self, task: Task) -> None:
        task.holds = False
        launch = task.launch
        ports = (PortRange(port, port) for port in launch.ports)
        task.agent.give_back(launch.resources, ports)
        self.allocate_soon()

    def kill(self, task_id: str, agent_id: str) -> None:
        task = self.tasks.get(task_id)
        if task is None:
            self.reconcile(((task_id, agent_id),))
        elif agent_id == task.agent.id:
            # A wrong agent id makes the master drop the call; an agent that is cut off is told on its return.
            task.killed = True
            self._carry_out_kill(task)

    def _carry_out_kill(self, task: Task) -> None:
        if task.arrived and not task.ended and task.agent.reach is Reach.REGISTERED:
            self._finish(task, ReportedState.KILLED, None, "command_killed")

    # ------------------------------------------------------------------ updates

    def _report(
        self,
        task: Task,
        state: ReportedState,
        exit_code: int | None = None,
        reason: str | None = None,
    ) -> None:
        task.update(state, self._clock.now(), exit_code=exit_code, reason=reason)
        if len(task.pending) == 1:
            self._send(task)
            self._repeat_later(task)

    def _send(self, task: Task) -> None:
        """Pass on the first update that is not acknowledged, if it can get through."""
        if task.agent.reach is Reach.REGISTERED:
            update = task.pending[0]
            task.known = update.state
            self._tell(update)

    def _repeat_later(self, task: Task) -> None:
        uuid = task.pending[0].uuid
        assert uuid is not None
        self._repeats.add(self._clock.monotonic(), task, uuid)
        if not self._repeat_planned:
            self._repeat_planned = True
            self._timeline.after(FIRST_REPEAT, self._repeat)

    def _repeat(self) -> None:
        now = self._clock.monotonic()
        for task in self._repeats.due(now):
            self._send(task)
        moment = self._repeats.next()
        self._repeat_planned = moment is not None
        if moment is not None:
            self._timeline.after(moment - now, self._repeat)

    def acknowledge(self, task_id: str, agent_id: str, uuid: str) -> None:
        """Let the next update go. One for an agent that is cut off is lost."""
        task = self.tasks.get(task_id)
        if task is None or task.agent.id != agent_id or task.agent.reach is not Reach.REGISTERED:
            return
        if not task.pending or task.pending[0].uuid != uuid:
            return
        task.pending.popleft()
        if task.pending:
            self._send(task)
            self._repeat_later(task)
        elif task.ended:
            del self.tasks[task_id]

    # ------------------------------------------------------------------ reconciliation

    def reconcile(self, asked: Iterable[tuple[str, str]]) -> None:
        """Say what is known of some tasks; of none named, of all on agents that can be reached."""
        asked = tuple(asked)
        for task_id, agent_id in asked:
            self._answer(task_id, agent_id, self._known(task_id, agent_id))
        if not asked:
            for task_id, task in list(self.tasks.items()):
                if task.agent.reach in (Reach.REGISTERED, Reach.CUT):
                    self._answer(task_id, task.agent.id, task.known)

    def _known(self, task_id: str, agent_id: str) -> ReportedState:
        agent = self.agents.get(agent_id)
        if agent is None:
            return ReportedState.UNKNOWN
        if agent.reach is Reach.GONE:
            return ReportedState.GONE_BY_OPERATOR
        if agent.reach is Reach.UNREACHABLE:
            return ReportedState.UNREACHABLE
        task = self.tasks.get(task_id)
        return task.known if task is not None and task.agent is agent else ReportedState.GONE

    def _answer(self, task_id: str, agent_id: str, state: ReportedState) -> None:
        self._tell(
            StatusReceived(
                task_id,
                agent_id,
                state,
                self._clock.now(),
                reason="reconciliation",
                reconciled=True,
            )
        )

    def _say(self, launch: Launch, state: ReportedState, reason: str) -> None:
        """A word of the master's own: said once, without a uuid."""
        self._tell(
            StatusReceived(launch.task_id, launch.agent_id, state, self._clock.now(), reason=reason)
        )

    # ------------------------------------------------------------------ agents come and go

    def cut(self, agent_id: str, notice_after: float) -> None:
        """Cut an agent off. The master gives it up after a while of silence."""
        agent = self.agents[agent_id]
        if agent.reach is not Reach.REGISTERED:
            return
        agent.reach = Reach.CUT
        agent.cuts += 1
        self._timeline.after(notice_after, self._give_up, agent, agent.cuts)

    def _give_up(self, agent: SimulatedAgent, cuts: int) -> None:
        if agent.reach is Reach.CUT and agent.cuts == cuts:
            self.remove(agent, Reach.UNREACHABLE, ReportedState.UNREACHABLE, "agent_removed")

    def remove(
        self, agent: SimulatedAgent, reach: Reach, state: ReportedState, reason: str
    ) -> None:
        """An agent is given up: its offers are void, its tasks are in this state."""
        agent.reach = reach
        for offer_id in self.allocator.withdraw(agent.id):
            self._tell(OfferRescinded(offer_id))
        for task in list(self.tasks.values()):
            if task.agent is agent:
                task.known = state
                self._say(task.launch, state, reason)
        self._tell(AgentLost(agent.id))

    def welcome_back(self, agent_id: str) -> None:
        """A cut-off agent registers again, and with it all that went on there. One that is gone may not.

        The master says how each task stands, then the agent's updates that nobody acknowledged follow. A task
        that never reached the agent is dropped.
        """
        agent = self.agents[agent_id]
        if agent.reach is Reach.GONE or not agent.alive:
            raise ValueError(f"{agent_id} is lost for good")
        was, agent.reach = agent.reach, Reach.REGISTERED
        for task_id, task in list(self.tasks.items()):
            if task.agent is not agent:
                continue
            if not task.arrived:
                del self.tasks[task_id]
                self._free(task)
                self._say(task.launch, ReportedState.DROPPED, "reconciliation")
                continue
            if was is Reach.UNREACHABLE:
                task.known = task.state
                self._say(task.launch, task.state, "agent_reregistered")
            if task.ended and task.holds:
                self._free(task)
            self._resume(task)
        self.allocate_soon()

    def _resume(self, task: Task) -> None:
        """What was held up while the agent was cut off."""
        if task.pending:
            self._send(task)
        if task.killed:
            self._carry_out_kill(task)


def _cut(ranges: tuple[PortRange, ...], ports: tuple[int, ...]) -> tuple[PortRange, ...] | None:
    """The ranges without some ports; None when one is not among them."""
    left: tuple[PortRange, ...] | None = ranges
    for port in ports:
        left = without(left, port) if left is not None else None
    return left
