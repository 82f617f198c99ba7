"""A trial of a DAG, followed to its end: its agent, what its jobs write, Ctrl-C.

Owns that nothing is left behind: no process of a job outlives the command.
"""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TypeVar

from moroccron.bootstrap.trial import Trial
from moroccron.cli import asking
from moroccron.cli.children import Child, Part, environment
from moroccron.cli.errors import Failure
from moroccron.cli.exit_codes import ExitCode
from moroccron.cli.output import diagnostics
from moroccron.cli.outputs import Outputs
from moroccron.model.command import KillRun, Outcome, TriggerRun
from moroccron.model.dag_version import DagVersion
from moroccron.model.run import Attempt, Run
from moroccron.model.states import AttemptState
from moroccron.settings import Settings

T = TypeVar("T")

_AGENT_SETTINGS = ("work_dir", "resources", "attributes", "hostname", "log_level")

_LONGEST_PAUSE = 0.1  #: seconds between two looks at the run
_NO_PLACE = 3.0  #: seconds for which nothing runs and something finds no place, until it never will
_BEGINNING = 30.0  #: seconds that agent and engine may take to begin


def _ending(version: DagVersion) -> float:
    """Seconds in which jobs that are killed must be over."""
    return max(job.kill_grace for job in version.jobs) + 10.0


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM is as Ctrl-C meanwhile, so that it leaves nothing behind either."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def running_agent(settings: Settings, version: DagVersion) -> Iterator[Child]:
    """An agent in the work directory; ended with all that may still run under it."""
    agent = Child(
        Part(
            "agent",
            ("agent",),
            environment(settings, _AGENT_SETTINGS),
            log=settings.work_dir / "agent.log",
        )
    )
    agent.start()
    try:
        yield agent
    finally:
        agent.send(signal.SIGINT)
        with suppress(KeyboardInterrupt):
            asking.await_value(lambda: agent.has_ended() or None, patience=_ending(version))
        agent.send(signal.SIGKILL)
        agent.reap()


class Following:
    """Looks at the run until it is over, showing what its jobs write."""

    def __init__(self, trial: Trial, agent: Child, version: DagVersion) -> None:
        self._trial = trial
        self._agent = agent
        self._version = version
        self._outputs = Outputs(trial.logs, [job.id for job in version.jobs])
        self._stuck_since: datetime | None = None

    def follow(self, trigger: TriggerRun) -> Run:
        """The run once it is over. Interrupted, it is killed first."""
        try:
            return self._await_end(self._ask(trigger))
        except KeyboardInterrupt:
            diagnostics().print("Ending the jobs ...")
            for run in self._trial.store.runs():
                self._kill(run.id)
            raise

    def _ask(self, trigger: TriggerRun) -> str:
        """The id of the run. It begins once there is an agent, so that its times are those of its jobs."""
        store = self._trial.store
        self._soon(lambda: store.load().framework_id)
        number = store.submit(trigger, asking.requested_by())
        answer = self._soon(lambda: store.answer(number))
        if answer.outcome is Outcome.REFUSED:
            raise Failure(f"refused: {answer.detail}", code=ExitCode.REFUSED)
        return answer.detail

    def _soon(self, ask: Callable[[], T | None]) -> T:
        def look() -> T | None:
            self._demand_life()
            return ask()

        found = asking.await_value(look, patience=_BEGINNING, longest=_LONGEST_PAUSE)
        if found is None:
            raise Failure(f"nothing has begun within {_BEGINNING:g} s", code=ExitCode.FAILED)
        return found

    def _kill(self, run_id: str) -> None:
        self._trial.store.submit(KillRun(run_id), asking.requested_by())
        self._await_end(run_id, patience=_ending(self._version))

    def _await_end(self, run_id: str, patience: float | None = None) -> Run:
        found = asking.await_value(
            lambda: self._look(run_id), patience=patience, longest=_LONGEST_PAUSE
        )
        return found or self._trial.store.run(run_id)

    def _look(self, run_id: str) -> Run | None:
        self._demand_life()
        store = self._trial.store
        run = store.run(run_id)  # first: what is written before it is over is shown
        attempts = store.attempts(run_id)
        self._outputs.show(attempts)
        if run.state.is_terminal:
            return run
        self._demand_place(attempts)
        return None

    def _demand_life(self) -> None:
        """Fails when the engine or the agent has ended."""
        if self._trial.death is not None:
            raise Failure(f"the engine ended with {int(self._trial.death)}", code=ExitCode.FAILED)
        if self._agent.has_ended():
            log = self._agent.part.log
            said = log.read_text(errors="replace").strip() if log else ""
            raise Failure(f"the agent ended: {said[-2000:]}", code=ExitCode.FAILED)

    def _demand_place(self, attempts: Sequence[Attempt]) -> None:
        """There is one agent, and it stays as it is: who finds no place on it when it is idle never will."""
        waiting = [a for a in attempts if a.state is AttemptState.QUEUED and a.message]
        if not waiting or any(attempt.state.is_live for attempt in attempts):
            self._stuck_since = None
            return
        now = datetime.now(UTC)
        self._stuck_since = self._stuck_since or now
        if (now - self._stuck_since).total_seconds() > _NO_PLACE:
            raise Failure(
                f"{waiting[0].job_id} finds no place on this machine: {waiting[0].message}",
                code=ExitCode.FAILED,
                remedy="give the agent what is lacking, for example --attributes 'rack:r1' or "
                "--resources 'gpus:1'",
            )
