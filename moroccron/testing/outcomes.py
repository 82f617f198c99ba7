"""What is to become of a job's attempts in an author's test: `succeeds`, `fails`, `lost`, `hangs`.

Owns the way from those words to what a simulated agent reports. What follows from a report is the engine's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import isfinite
from typing import Any

from moroccron.model.dag_version import DagVersion, JobSpec
from moroccron.model.errors import MoroccronError
from moroccron.model.offer import Launch
from moroccron.model.outputs import Keeps, text_of
from moroccron.model.states import ReportedState
from moroccron.model.validation import suggestion
from moroccron.simulation.tasks import Course

_FOR_EVER = 100 * 366 * 86_400.0  #: seconds; longer than any test plays


NOTHING: Any = object()  #: said of an output, of which the test says nothing


class Misused(MoroccronError):
    """The test asks for what cannot be: says what, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt goes, once it runs."""

    after: float  #: seconds that the command runs
    state: ReportedState = ReportedState.FINISHED
    exit_code: int | None = 0
    reason: str | None = None
    output: bytes | None = None  #: what it writes for others


Outcomes = Mapping[str, Outcome | Sequence[Outcome]]


def succeeds(*, after: float = 1.0, output: Any = NOTHING) -> Outcome:
    """Exit code 0, so many seconds after the start. `output`: the value that it hands on; bytes as they are.

    A job whose output is needed, and of which the test says nothing, hands on `None`; a branch follows all, and a
    short circuit goes on.
    """
    if output is NOTHING:
        return Outcome(_seconds(after))
    try:
        data = output if isinstance(output, bytes) else text_of(output).encode()
    except (TypeError, ValueError) as error:
        raise Misused(f"output={output!r} cannot be written as JSON: {error}") from None
    return Outcome(_seconds(after), output=data)


def fails(*, exit_code: int = 1, after: float = 1.0) -> Outcome:
    """Another exit code; uses up a retry. A command that signal n ends has 128 + n."""
    if exit_code == 0:
        raise Misused("an attempt with exit code 0 succeeds: write succeeds()")
    return Outcome(_seconds(after), ReportedState.FAILED, exit_code, "command_failed")


def lost(*, after: float = 1.0) -> Outcome:
    """The infrastructure ends it: no exit code, and no retry is used up."""
    # Mesos' word for a task that was killed and that nobody of us wanted dead, as when its agent is stopped.
    return Outcome(_seconds(after), ReportedState.KILLED, None, "agent_stopped")


def hangs() -> Outcome:
    """It never ends by itself: only its timeout, or a kill, does that."""
    return Outcome(_FOR_EVER)


def _seconds(after: float) -> float:
    if not isfinite(after) or after < 0:
        raise Misused(f"after={after!r}: write seconds, 0 or more; hangs() never ends")
    return float(after)


class Script:
    """Decides for each launch how it goes. Keys are job ids or patterns; what is not named succeeds.

    A list holds for the attempts in turn, its last outcome for all further ones.
    """

    def __init__(self, outcomes: Outcomes, version: DagVersion) -> None:
        job_ids = [job.id for job in version.jobs]
        self._outputs = {job.id: _usual_output(job, version) for job in version.jobs}
        self._patterns: list[tuple[str, tuple[Outcome, ...]]] = []
        self._exact: dict[str, tuple[Outcome, ...]] = {}
        for name, given in outcomes.items():
            plan = _plan(name, given)
            if name in job_ids:
                self._exact[name] = plan
            elif any(fnmatchcase(id, name) for id in job_ids):
                self._patterns.append((name, plan))
            else:
                known = f"its jobs are {', '.join(job_ids)}"
                remedy = suggestion(name, job_ids, known)
                raise Misused(f"outcomes: the DAG has no job {name!r}: {remedy}")

    def __call__(self, launch: Launch) -> Course:
        plan = self._of(launch.key.job_id)
        outcome = plan[min(launch.key.number, len(plan)) - 1]
        if launch.timeout is not None and outcome.after > launch.timeout:
            # As Mesos' and our own agents do, which enforce it.
            reason = "max_completion_time_reached"
            return Course(launch.timeout, ReportedState.FAILED, None, reason)
        output = outcome.output
        if output is None and outcome.state is ReportedState.FINISHED:
            output = self._outputs.get(launch.key.job_id)
        return Course(outcome.after, outcome.state, outcome.exit_code, outcome.reason, output)

    def _of(self, job_id: str) -> tuple[Outcome, ...]:
        if job_id in self._exact:
            return self._exact[job_id]
        found = (plan for name, plan in self._patterns if fnmatchcase(job_id, name))
        return next(found, (succeeds(),))


def _usual_output(job: JobSpec, version: DagVersion) -> bytes | None:
    """What a job hands on of which the test does not say it; None: nothing."""
    if job.output is not Keeps.REQUIRED:
        return None
    value: Any = True if job.short_circuit else None
    if job.branch:
        value = [other.id for other in version.jobs if job.id in other.upstream]
    return text_of(value).encode()


def _plan(name: str, given: object) -> tuple[Outcome, ...]:
    plan = tuple(given) if isinstance(given, list | tuple) else (given,)
    if plan and all(isinstance(each, Outcome) for each in plan):
        return plan
    raise Misused(
        f"outcomes of {name!r}: {given!r} is none; write succeeds(), fails(), lost() or hangs(), "
        "or a list of them"
    )
