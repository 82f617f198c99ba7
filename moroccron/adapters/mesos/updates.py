"""Status updates: from Mesos' message to the model's value. Pure."""

import re
import signal
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from moroccron.model.events import StatusReceived
from moroccron.model.states import ReportedState

_EXITED = re.compile(r"[Cc]ommand exited with status (\d+)")
_SIGNALLED = re.compile(r"[Cc]ommand terminated with signal (.+)")
#: signals by name and by what the C library calls them, for Mesos writes the latter
_SIGNALS = {s.name: int(s) for s in signal.Signals} | {
    text: int(s) for s in signal.Signals if (text := signal.strsignal(s))
}
_DUPLICATE = "duplicate id"  #: Mesos has no reason of its own for it, only REASON_TASK_INVALID
_RECONCILIATION = "REASON_RECONCILIATION"
#: A failure with such a reason says nothing of the job: it is as good as lost. That a container could not be
#: launched is not among them: an image or a file that cannot be had must not be waited for as long.
_INFRASTRUCTURE = ("REASON_AGENT_", "REASON_SLAVE_", "REASON_EXECUTOR_", "REASON_GC_ERROR")
_PREEMPTED = frozenset(
    {
        "REASON_CONTAINER_PREEMPTED",
        "REASON_IO_SWITCHBOARD_EXITED",
        "REASON_RESOURCES_UNKNOWN",
        "REASON_TASK_KILLED_DURING_LAUNCH",
    }
)

#: What a master says when a task asks for more than the offers hold that it was launched on. It was we who
#: chose them: the job is not at fault, and may fit elsewhere.
_OVERFULL = "than available"

#: An agent that does not know the user drops the task as if its executor had died; it is the job's own fault.
_NO_USER = "No such user"


def status_of(status: Mapping[str, Any], framework_id: str) -> StatusReceived:
    """What an UPDATE says. A state that we do not know yet is UNKNOWN, which says nothing by itself."""
    message = status.get("message")
    reason = status.get("reason")
    state = _state(status["state"], reason or "", message or "")
    reconciled = reason == _RECONCILIATION
    return StatusReceived(
        task_id=status["task_id"]["value"],
        agent_id=status.get("agent_id", {}).get("value"),
        state=state,
        at=datetime.fromtimestamp(status.get("timestamp", 0.0), UTC),
        uuid=status.get("uuid"),
        exit_code=_exit_code(state, message),
        reason=_word(reason),
        message=message,
        sandbox=_sandbox(status, framework_id),
        source=_source(status.get("source")),
        reconciled=reconciled,
        duplicate=state is ReportedState.ERROR and _DUPLICATE in (message or "").lower(),
    )


def _state(name: str, reason: str, message: str) -> ReportedState:
    try:
        state = ReportedState(name.removeprefix("TASK_").lower())
    except ValueError:
        return ReportedState.UNKNOWN
    if state is ReportedState.FAILED and (
        reason.startswith(_INFRASTRUCTURE) or reason in _PREEMPTED
    ):
        return ReportedState.LOST
    if state is ReportedState.DROPPED and _NO_USER in message:
        return ReportedState.FAILED
    if state is ReportedState.ERROR and _OVERFULL in message:
        return ReportedState.DROPPED
    return state


def is_overfull(status: Mapping[str, Any]) -> bool:
    """Whether a launch was refused because we took more than was offered, which is a bug of ours."""
    return status["state"] == "TASK_ERROR" and _OVERFULL in (status.get("message") or "")


def _exit_code(state: ReportedState, message: str | None) -> int | None:
    """Mesos' command executor tells the exit status in words alone."""
    text = message or ""
    if (exited := _EXITED.search(text)) is not None:
        return int(exited[1])
    if (signalled := _SIGNALLED.search(text)) is not None:
        # strsignal's names may go on: "Segmentation fault (core dumped)"
        number = _SIGNALS.get(signalled[1].split(" (")[0])
        return None if number is None else 128 + number
    return 0 if state is ReportedState.FINISHED else None


def _word(reason: str | None) -> str | None:
    if reason is None:
        return None
    return reason.removeprefix("REASON_").lower()


def _source(source: str | None) -> str | None:
    return None if source is None else source.removeprefix("SOURCE_").lower()


def _sandbox(status: Mapping[str, Any], framework_id: str) -> str | None:
    """Where the agent's API finds the sandbox, as soon as an executor has spoken; the last run's is ours."""
    executor = status.get("executor_id", {}).get("value")
    if executor is None:
        return None
    return f"/frameworks/{framework_id}/executors/{executor}/runs/latest"
