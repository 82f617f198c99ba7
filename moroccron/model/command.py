"""What people ask for. Any intent is a row; the leader takes rows in as events and answers them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from moroccron.model.backfill import (
    BackfillIntent,
    CancelBackfill,
    CreateBackfill,
    Existing,
    PauseBackfill,
    ResumeBackfill,
    RetryBackfill,
    VersionChoice,
)
from moroccron.model.states import MARKS, JobRunState


@dataclass(frozen=True, slots=True)
class TriggerRun:
    """Begin a run now. `params` override the DAG's defaults."""

    dag_id: str
    params: Mapping[str, Any] = field(default_factory=dict)
    logical_date: datetime | None = None  #: None: the moment the command was given


@dataclass(frozen=True, slots=True)
class KillRun:
    """End everything of a run that lives, start nothing more of it."""

    run_id: str


@dataclass(frozen=True, slots=True)
class RetryJob:
    """Run an ended job once more, with its retries anew, and re-decide what its end had decided."""

    run_id: str
    job_id: str


@dataclass(frozen=True, slots=True)
class MarkJob:
    """Say that a job has succeeded, failed or is skipped; an attempt that lives is ended first.

    What its state had closed downstream is decided anew.
    """

    run_id: str
    job_id: str
    state: JobRunState  #: one of `MARKS`


class Rerun(StrEnum):
    """How much of a run runs again."""

    FAILED = "failed"  #: from where it failed
    JOBS = "jobs"  #: the jobs that a pattern names
    ALL = "all"


@dataclass(frozen=True, slots=True)
class RetryRun:
    """Run a run again: jobs that are over, with their retries anew. What is at work is let be."""

    run_id: str
    rerun: Rerun = Rerun.FAILED
    jobs: str | None = None  #: a pattern of job ids
    downstream: bool = False  #: and all jobs downstream of these
    version: VersionChoice = VersionChoice.OWN


@dataclass(frozen=True, slots=True)
class PauseDag:
    """Create no more scheduled runs. What runs, runs on."""

    dag_id: str


@dataclass(frozen=True, slots=True)
class UnpauseDag:
    """Create scheduled runs again; with catchup of all the missed ones too, else from now on."""

    dag_id: str


@dataclass(frozen=True, slots=True)
class SetPool:
    """Make a pool, or give it another number of slots. Who has slots keeps them."""

    name: str
    slots: int


@dataclass(frozen=True, slots=True)
class RemovePool:
    """Take a pool away. Jobs that name it wait until there is one again."""

    name: str


@dataclass(frozen=True, slots=True)
class SetShare:
    """Give an owner a share of the cluster: see `model.share`. What runs, runs on."""

    owner: str
    weight: int = 1
    cpus: int | None = None  #: thousandths
    mem: int | None = None  #: MiB
    jobs: int | None = None


@dataclass(frozen=True, slots=True)
class RemoveShare:
    """Take an owner's share away: their weight is 1 again, and nothing is capped."""

    owner: str


Amendment = RetryJob | MarkJob
Intent = (
    TriggerRun
    | KillRun
    | RetryRun
    | Amendment
    | PauseDag
    | UnpauseDag
    | SetPool
    | RemovePool
    | SetShare
    | RemoveShare
    | BackfillIntent
)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A stored intent that this version cannot read. It is there to be refused; nobody can submit it."""

    kind: str


_INTENTS: dict[str, type[Any]] = {
    "trigger_run": TriggerRun,
    "kill_run": KillRun,
    "retry_run": RetryRun,
    "retry_job": RetryJob,
    "mark_job": MarkJob,
    "pause_dag": PauseDag,
    "unpause_dag": UnpauseDag,
    "set_pool": SetPool,
    "remove_pool": RemovePool,
    "set_share": SetShare,
    "remove_share": RemoveShare,
    "create_backfill": CreateBackfill,
    "pause_backfill": PauseBackfill,
    "resume_backfill": ResumeBackfill,
    "cancel_backfill": CancelBackfill,
    "retry_backfill": RetryBackfill,
}
_KINDS = {cls: kind for kind, cls in _INTENTS.items()}
_MOMENTS = ("logical_date", "begin", "end")
_WORDS: dict[str, type[StrEnum]] = {
    "existing": Existing,
    "version": VersionChoice,
    "rerun": Rerun,
}


def encode_intent(intent: Intent) -> tuple[str, dict[str, Any]]:
    """The kind and the JSON payload under which an intent is stored."""
    payload = asdict(intent)
    for name in _MOMENTS:
        if payload.get(name) is not None:
            payload[name] = payload[name].isoformat()
    return _KINDS[type(intent)], payload


def decode_intent(kind: str, payload: Any) -> Intent | Unknown:
    """The intent that `encode_intent` wrote. A row that it did not write must not stop those behind it."""
    try:
        return _decode(kind, payload)
    except (KeyError, TypeError, ValueError):
        return Unknown(kind)


def _decode(kind: str, payload: Mapping[str, Any]) -> Intent:
    values = dict(payload)
    for name, id in values.items():
        if name.endswith("_id") and not isinstance(id, int if name == "backfill_id" else str):
            raise TypeError("an id must be text, a backfill's a number")
    if not isinstance(values.get("params", {}), dict):
        raise TypeError("params must be an object")
    for name in _MOMENTS:
        if values.get(name) is not None:
            values[name] = datetime.fromisoformat(values[name])
    for name, words in _WORDS.items():
        if name in values:
            values[name] = words(values[name])
    if kind == "mark_job":
        values["state"] = JobRunState(values["state"])
        if values["state"] not in MARKS:
            raise ValueError("nobody can mark a job so")
    intent: Intent = _INTENTS[kind](**values)
    return intent


class Outcome(StrEnum):
    """How the leader answered a command."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Command:
    """An intent with who gave it and when; the id is the row's number."""

    id: int
    intent: Intent | Unknown
    requested_by: str
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command. `detail` is the run's id for TriggerRun, the backfill's for CreateBackfill, the
    reason for a refusal."""

    command_id: int
    outcome: Outcome
    detail: str
    answered_at: datetime
