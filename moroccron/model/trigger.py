"""What begins a run of a DAG beside its schedule and people: the end of another DAG's run, or of a job in it.

And what began a run, kept with it. Knows neither runs nor the view: who listens to whom is `core.listeners`'.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from moroccron.model.states import FAILED_JOB_RUNS, JobRunState, RunState


class Ending(StrEnum):
    """Which end of a run, or of a job, is meant."""

    SUCCESS = "success"
    FAILURE = "failure"  #: as trigger rules see it: failed, lost, killed or upstream_failed
    DONE = "done"  #: whatever has become of it


@dataclass(frozen=True, slots=True)
class After:
    """Begin a run when one of another DAG has ended, or a job of it."""

    dag: str
    job: str | None = None  #: None: the whole run
    on: str = Ending.SUCCESS

    def matches(self, job: str | None, state: RunState | JobRunState) -> bool:
        """Whether the end of a run (no job) or of a job in this state is meant."""
        if job != self.job:
            return False
        if self.on == Ending.SUCCESS:
            return state in (RunState.SUCCEEDED, JobRunState.SUCCEEDED)
        if self.on == Ending.FAILURE:
            return state in (RunState.FAILED, RunState.KILLED) or state in FAILED_JOB_RUNS
        return True

    def __str__(self) -> str:
        what = self.dag if self.job is None else f"{self.dag}.{self.job}"
        return f"after {what}" if self.on == Ending.SUCCESS else f"after {what} ({self.on})"


Trigger = After


def encode_trigger(trigger: Trigger) -> dict[str, Any]:
    """A trigger as JSON."""
    return {"after": trigger.dag, "job": trigger.job, "on": str(trigger.on)}


def decode_trigger(data: Mapping[str, Any]) -> Trigger:
    """What `encode_trigger` wrote."""
    return After(data["after"], data["job"], data["on"])


@dataclass(frozen=True, slots=True)
class Cause:
    """What began a run that neither a schedule nor a person did."""

    run_id: str | None = None  #: the run that ended
    job_id: str | None = None  #: the job of it, if that was listened to
    attempt: int | None = None
    state: str | None = None  #: what the run, or the job, had come to

    def __str__(self) -> str:
        if self.job_id is not None:
            return f"{self.job_id} of {self.run_id} {self.state}"
        return f"{self.run_id} {self.state}"

    def to_json(self) -> dict[str, Any]:
        """What is known, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}
