"""What people ask for. Any intent is a row; the leader takes rows in as events and answers them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


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
class PauseDag:
    """Create no more scheduled runs. What runs, runs on."""

    dag_id: str


@dataclass(frozen=True, slots=True)
class UnpauseDag:
    """Create scheduled runs again; with catchup the missed ones too, else from now on."""

    dag_id: str


Intent = TriggerRun | KillRun | RetryJob | PauseDag | UnpauseDag

_INTENTS: dict[str, type[Any]] = {
    "trigger_run": TriggerRun,
    "kill_run": KillRun,
    "retry_job": RetryJob,
    "pause_dag": PauseDag,
    "unpause_dag": UnpauseDag,
}
_KINDS = {cls: kind for kind, cls in _INTENTS.items()}


def encode_intent(intent: Intent) -> tuple[str, dict[str, Any]]:
    """The kind and the JSON payload under which an intent is stored."""
    payload = asdict(intent)
    if payload.get("logical_date") is not None:
        payload["logical_date"] = payload["logical_date"].isoformat()
    return _KINDS[type(intent)], payload


def decode_intent(kind: str, payload: Mapping[str, Any]) -> Intent:
    """The intent that `encode_intent` wrote."""
    values = dict(payload)
    if values.get("logical_date") is not None:
        values["logical_date"] = datetime.fromisoformat(values["logical_date"])
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
    intent: Intent
    requested_by: str
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command. `detail` is the run's id for TriggerRun, the reason for a refusal."""

    command_id: int
    outcome: Outcome
    detail: str
    answered_at: datetime
