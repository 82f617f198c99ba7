"""What a word about a task says of its attempt: the input to the table, and the fields that come with it. Pure."""

from datetime import datetime
from typing import Any

from moroccron.model.attempt import AttemptInput, input_of
from moroccron.model.dag_version import JobSpec
from moroccron.model.events import StatusReceived
from moroccron.model.failure import class_of
from moroccron.model.run import SKIP_EXIT_CODE, Attempt
from moroccron.model.states import ReportedState

_OVER = frozenset(
    {
        ReportedState.FINISHED,
        ReportedState.FAILED,
        ReportedState.KILLED,
        ReportedState.ERROR,
        ReportedState.LOST,
        ReportedState.DROPPED,
        ReportedState.GONE,
        ReportedState.GONE_BY_OPERATOR,
        ReportedState.UNKNOWN,
    }
)
_AT_FAULT = frozenset(
    {AttemptInput.FAILED, AttemptInput.ERROR, AttemptInput.GONE, AttemptInput.KILLED_UNASKED}
)
_RUNS = frozenset({ReportedState.RUNNING, ReportedState.FINISHED})


def reported(
    spec: JobSpec, attempt: Attempt, update: StatusReceived, now: datetime
) -> tuple[AttemptInput | None, dict[str, Any]]:
    """What an update does to an attempt, and what its row is to say; None: nothing by itself."""
    given = input_of(update.state, attempt.kill)
    if given is None:
        return None, {}
    fields: dict[str, Any] = {}
    if update.sandbox is not None:
        fields["sandbox"] = update.sandbox
    if update.agent_id not in (None, attempt.agent_id):  # only ever a duplicate's: see `updates`
        fields |= {"agent_id": update.agent_id, "hostname": None, "agent_url": None}
    # The agent's clock may differ from ours: what it says is fitted between the launch and now.
    at = min(max(update.at, attempt.started or attempt.launched or update.at), now)
    if attempt.started is None and update.state in _RUNS:
        fields["started"] = at
    if update.state in _OVER:
        fields |= {
            "ended": at,
            "exit_code": update.exit_code,
            "reason": update.reason,
            "message": update.message,
        }
        if given is AttemptInput.KILLED_AS_WANTED:
            fields["message"] = attempt.message  # who wanted it says more than how it died
        if given is AttemptInput.FAILED and _says_skip(spec, update):
            given = AttemptInput.FINISHED
            said = (
                f"It ended with {update.exit_code}, by which it says that there was nothing to do"
            )
            fields |= {"reason": SKIP_EXIT_CODE, "message": said}
        if given in _AT_FAULT:
            fields["failure"] = class_of(update.state, update.reason, update.source, update.message)
    return given, fields


def _says_skip(spec: JobSpec, update: StatusReceived) -> bool:
    return spec.skip_exit_code is not None and update.exit_code == spec.skip_exit_code
