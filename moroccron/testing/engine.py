"""The engine on a desk: the pure core over a MemoryStore, with time and the outside played by the test.

`send` does what the loop does with a batch (decide, commit, note the effects), and afterwards holds the view to
its invariants, so that every test that uses it tests those as well. `crash` begins a new term from what was
committed.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from moroccron.core.decide import decide
from moroccron.core.draft import Decision
from moroccron.core.policy import DEFAULT_POLICY, Policy
from moroccron.core.view import View
from moroccron.model.command import Answer, Intent, Unknown
from moroccron.model.dag_version import DagVersion
from moroccron.model.effects import Accept, Effect
from moroccron.model.events import (
    CommandReceived,
    Event,
    FilesLoaded,
    OffersReceived,
    StatusReceived,
    Subscribed,
    TimePassed,
)
from moroccron.model.load import LoadedFile
from moroccron.model.offer import Launch, Offer, PortRange
from moroccron.model.resources import Resources
from moroccron.model.run import Attempt, JobRun, Run
from moroccron.model.states import ReportedState
from moroccron.recalling import looked_up, with_recalled
from moroccron.testing.builders import EPOCH
from moroccron.testing.memory_store import MemoryStore

E = TypeVar("E", bound=Effect)


class Engine:
    """One engine with its store and its outside. Times are those of `now`, which only `pass_time` moves."""

    def __init__(self, *versions: DagVersion, policy: Policy = DEFAULT_POLICY) -> None:
        self.now = EPOCH
        self.policy = policy
        self.store = MemoryStore(lambda: self.now)
        self.effects: list[Effect] = []
        self.launches: dict[str, Launch] = {}  #: by task id, of every term
        self._offers = 0
        self._begin()
        if versions:
            self.load(*versions)

    def _begin(self) -> None:
        self.term = self.store.begin_term("test")
        self.view = View(self.store.load(), term=self.term, now=self.now, policy=self.policy)
        self._seen_commands = 0

    # ------------------------------------------------------------------ the loop's part

    def send(self, *events: Event) -> Decision:
        """One batch, as the loop would turn it."""
        decision = self.decide(*events)
        self.perform(decision)
        while found := looked_up(self.view, self.store):
            self.perform(self.decide(*found))
        return decision

    def decide(self, *events: Event) -> Decision:
        """Decide and commit, performing nothing: the moment after the commit."""
        batch = with_recalled(self.view, self.store, events)
        decision = decide(self.view, batch, self.now)
        self.view.check()
        wake = self.view.next_wake()
        assert wake is None or wake > self.now, "the loop would spin"
        self.store.commit(self.term, decision.changes)
        return decision

    def perform(self, decision: Decision) -> None:
        """Note the effects of a committed decision."""
        for effect in decision.effects:
            self.effects.append(effect)
            if isinstance(effect, Accept):
                for launch in effect.launches:
                    assert launch.task_id not in self.launches, "a task id was used twice"
                    self.launches[launch.task_id] = launch

    def crash(self) -> None:
        """Lose the memory and everything not committed; begin a new term."""
        self._begin()

    # ------------------------------------------------------------------ the outside's part

    def load(self, *versions: DagVersion) -> Decision:
        """The loader read these DAGs, one file each."""
        files = tuple(LoadedFile(f"{v.dag_id}.py", (v,)) for v in versions)
        return self.send(FilesLoaded(files))

    def subscribe(self, framework_id: str = "f1") -> Decision:
        return self.send(Subscribed(framework_id))

    def offer(
        self,
        cpus: int = 8000,
        mem: int = 8192,
        *,
        agent: str = "a1",
        attributes: Mapping[str, str] | None = None,
        role: str | None = None,
        gpus: int = 0,
    ) -> Decision:
        """An offer of an agent, with a thousand ports."""
        self._offers += 1
        return self.send(
            OffersReceived(
                (
                    Offer(
                        id=f"o{self._offers}",
                        agent_id=agent,
                        hostname=f"{agent}.test",
                        resources=Resources(cpus, mem, 100_000, gpus, 1000),
                        port_ranges=(PortRange(31000, 31999),),
                        attributes=attributes or {},
                        role=role,
                    ),
                )
            )
        )

    def report(self, task_id: str, state: ReportedState, **fields: object) -> Decision:
        """The agent says that a task is in this state."""
        agent_id = self.launches[task_id].agent_id if task_id in self.launches else "a1"
        return self.send(self.update(task_id, state, agent_id=agent_id, **fields))

    def update(
        self, task_id: str, state: ReportedState, *, agent_id: str = "a1", **fields: object
    ) -> StatusReceived:
        values: dict[str, object] = {"at": self.now, "uuid": f"u-{task_id}-{state}"}
        return StatusReceived(task_id, agent_id, state, **(values | fields))  # type: ignore[arg-type]

    def pass_time(self, seconds: float) -> Decision:
        """Move the clock, waking the engine whenever it had asked to be woken on the way."""
        end = self.now + timedelta(seconds=seconds)
        while (wake := self.view.next_wake()) is not None and wake <= end:
            self.now = max(wake, self.now)
            self.send(TimePassed())
        self.now = end
        return self.send(TimePassed())

    def ask(self, intent: Intent | Unknown) -> Answer:
        """A person asks; the leader's answer."""
        command_id = self.store.submit(intent, "ann")
        for command in self.store.unanswered_commands(0, 100):
            self.send(CommandReceived(command))
        answer = self.store.answer(command_id)
        assert answer is not None
        return answer

    # ------------------------------------------------------------------ looking

    def sent(self, kind: type[E]) -> list[E]:
        """Effects of this kind, in order."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def runs(self) -> list[Run]:
        """All runs, oldest first."""
        return list(reversed(self.store.runs(limit=1000)))

    def jobs(self, run_id: str | None = None) -> dict[str, str]:
        """States of a run's jobs, by job id; of the only run, when none is named."""
        return {job.job_id: str(job.state) for job in self.job_runs(run_id)}

    def job_runs(self, run_id: str | None = None) -> list[JobRun]:
        return list(self.store.job_runs(run_id or self.only_run().id))

    def attempts(self, job_id: str, run_id: str | None = None) -> list[Attempt]:
        return list(self.store.attempts(run_id or self.only_run().id, job_id))

    def only_run(self) -> Run:
        (run,) = self.runs()
        return run

    def task(self, job_id: str, run_id: str | None = None) -> str:
        """The task id of a job's newest attempt."""
        found = self.attempts(job_id, run_id)[-1].task_id
        assert found is not None, f"{job_id} was not launched"
        return found

    def at(self, seconds: float) -> datetime:
        """A moment counted from the beginning of the test."""
        return EPOCH + timedelta(seconds=seconds)
