"""One DAG in a world of its own: the real loop and core over a store in memory, on simulated agents.

Owns virtual time: nothing waits, and nothing happens but what is due. What a job does is the script's to say,
what follows from it the engine's.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from moroccron.core.policy import DEFAULT_POLICY
from moroccron.core.view import View
from moroccron.feed import CommandFeed
from moroccron.loop import Loop
from moroccron.model.amounts import SANE
from moroccron.model.changes import PoolChanged
from moroccron.model.command import Intent, Outcome, PauseDag, TriggerRun
from moroccron.model.dag_version import DagVersion
from moroccron.model.events import FilesLoaded
from moroccron.model.load import LoadedFile
from moroccron.model.offer import Launch, PortRange
from moroccron.model.pool import roomy_pools
from moroccron.model.resources import Resources
from moroccron.model.run import Run
from moroccron.model.states import AttemptState
from moroccron.simulation.agents import AgentSpec
from moroccron.simulation.clock import VirtualClock
from moroccron.simulation.cluster import SimulatedCluster
from moroccron.simulation.tasks import Course, Script
from moroccron.testing.memory_store import MemoryStore
from moroccron.testing.outcomes import Misused
from moroccron.testing.stage import Standstill, play

#: The engine looks after what lives less often than in earnest: here nothing gets lost unasked.
_POLICY = replace(
    DEFAULT_POLICY,
    sweep_interval=3600.0,
    reconcile_interval=7 * 86_400.0,
    refuse_unfit=7 * 86_400.0,
    revive_interval=0.001,
)
_HORIZON = timedelta(days=60)  #: a run that is not over by then will never be
_PORTS = PortRange(10_000, 59_999)


def agent(
    id: str = "agent-1", *, cpus: float = 1000, mem: int = 1_000_000, **attributes: str
) -> AgentSpec:
    """An agent for `run(agents=[...])`: attributes are what constraints ask for, `mem` is in MiB."""
    resources = Resources(round(cpus * 1000), mem, SANE.disk, SANE.gpus, 0)
    return AgentSpec(id, resources, (_PORTS,), attributes, hostname=f"{id}.test")


ROOMY = tuple(agent(f"agent-{number}", cpus=10**6, mem=10**9) for number in range(1, 5))


class Playing:
    """The world of one DAG. Times are virtual, from `begin` on."""

    def __init__(
        self, version: DagVersion, script: Script, *, begin: datetime, agents: Sequence[AgentSpec]
    ) -> None:
        self.version = version
        self.script = script
        self.clock = VirtualClock(begin)
        self.store = MemoryStore(self.clock.now)
        self.launches: dict[
            str, Launch
        ] = {}  #: by task id, in the order in which they began to run
        self._cluster = SimulatedCluster(agents, self.clock, script=self._course, latency=0.0)
        term = self.store.begin_term("a test")
        self.store.commit(term, [PoolChanged(pool) for pool in roomy_pools(version)])
        view = View(self.store.load(), term=term, now=begin, policy=_POLICY)
        self._loop = Loop(view=view, store=self.store, driver=self._cluster, clock=self.clock)
        self._feed = CommandFeed(self.store, self._loop.emit)
        self._cluster.start(None, self._loop.emit)
        self._loop.emit(FilesLoaded((LoadedFile(f"{version.dag_id}.py", (version,)),)))

    def _course(self, launch: Launch) -> Course:
        self.launches[launch.task_id] = launch
        return self.script(launch)

    def trigger(self, params: dict[str, Any], logical_date: datetime | None) -> Run:
        """A run as a person asks for one. The schedule is paused, so that no other run comes between."""
        self.ask(PauseDag(self.version.dag_id))
        return self.store.run(self.ask(TriggerRun(self.version.dag_id, params, logical_date)))

    def await_scheduled(self) -> Run:
        """The first run that the schedule calls for."""
        self._play(lambda: bool(self.store.runs()), "the schedule has called for no run")
        self.ask(PauseDag(self.version.dag_id))
        return self.store.runs()[-1]

    def ask(self, intent: Intent) -> str:
        """What a person asks of the engine, and its answer; a refusal is the test's mistake."""
        command = self.store.submit(intent, "a test")
        self._feed.poll()
        self._play(lambda: self.store.answer(command) is not None, "no answer")
        answer = self.store.answer(command)
        assert answer is not None
        if answer.outcome is Outcome.REFUSED:
            raise Misused(answer.detail)
        return answer.detail

    def pass_time(self, run_id: str, seconds: float) -> None:
        """Play on for so long, or until the run is over."""
        end = self.clock.now() + timedelta(seconds=seconds)
        self._cluster.plan(seconds, lambda: None)
        self._play(lambda: self.clock.now() >= end or self._is_over(run_id), "time stands still")

    def finish(self, run_id: str) -> None:
        """Play until the run is over."""
        self._play(lambda: self._is_over(run_id), f"{run_id} does not end", run_id)

    def _is_over(self, run_id: str) -> bool:
        return self.store.run(run_id).state.is_terminal

    def _play(self, until: Callable[[], bool], what: str, run_id: str | None = None) -> None:
        at_most = self.clock.now() + _HORIZON
        try:
            play(self._loop, self._cluster, self.clock, until, at_most=at_most)
        except Standstill:
            raise Misused(f"{what}{self._why(run_id)}") from None

    def _why(self, run_id: str | None) -> str:
        """What keeps a run from ending."""
        reasons = []
        for attempt in self.store.attempts(run_id) if run_id else ():
            if attempt.state is AttemptState.QUEUED and attempt.message:
                reasons.append(f"{attempt.job_id} finds no place: {attempt.message}")
            elif attempt.state.is_live:
                reasons.append(f"{attempt.job_id} runs on: give it a timeout, or another outcome")
        return "".join(f"\n    {reason}" for reason in reasons) + (
            "\n    (agents with attributes: run(agents=[agent(rack='r1')]))"
            if any("finds no place" in reason for reason in reasons)
            else ""
        )
