"""Values to rows and back, by place: a row's places are the table's columns.

Encoding is the writer's hot path, so it is spelt out. A moment goes through `time`, which differs between
the databases; JSON is written as text and read as SQLAlchemy hands it over.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from moroccron.model.backfill import Backfill, BackfillState, Existing, VersionChoice
from moroccron.model.changes import DagState, Happened, VersionAdded
from moroccron.model.command import Answer, Command, Outcome, decode_intent
from moroccron.model.failure import FailureClass
from moroccron.model.load import LoadError
from moroccron.model.run import Attempt, DataInterval, JobRun, Run
from moroccron.model.states import AttemptState, JobRunState, KillReason, RunKind, RunState
from moroccron.model.trigger import Cause
from moroccron.ports import HistoryLine, LoadErrorRow

Row = tuple[Any, ...]
Time = Callable[[datetime | None], Any]

# A lookup is several times faster than calling an enumeration, and rows come by the hundred thousand.
_ATTEMPT_STATES = {state.value: state for state in AttemptState}
_JOB_RUN_STATES = {state.value: state for state in JobRunState}


def storable(text: str | None) -> str | None:
    """Free text as any database takes it: PostgreSQL refuses NUL, and none takes half a surrogate.

    Such text comes from outside (a job's message, a file's name); refusing it would end the leader.
    """
    if text is None or (text.isascii() and "\0" not in text):
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _json(value: Any) -> str:
    if value == {}:
        return "{}"  # the params of nearly all runs
    return json.dumps(value, separators=(",", ":"))


def _json_or_null(value: Sequence[Any]) -> str | None:
    return _json(value) if value else None


# --------------------------------------------------------------------------- to rows


def version_row(added: VersionAdded, time: Time) -> Row:
    version = added.version
    return (version.id, version.dag_id, version.to_json(), storable(added.file), time(added.at))


def dag_row(dag: DagState, time: Time) -> Row:
    return (
        dag.dag_id,
        dag.version_id,
        storable(dag.file),
        dag.paused,
        dag.active,
        time(dag.scheduled_until),
        time(dag.next_due),
        dag.failed_runs,
    )


def load_error_row(error: LoadError, file: str, position: int, since: Any) -> Row:
    """`since` comes encoded: it is either new or handed on from a row of before."""
    return (
        storable(file),
        position,
        storable(error.message),
        storable(error.remedy),
        error.line,
        storable(error.dag_id),
        storable(error.job_id),
        storable(error.field),
        since,
    )


def run_row(run: Run, time: Time) -> Row:
    return (
        run.id,
        run.dag_id,
        run.version_id,
        run.kind.value,
        run.state.value,
        time(run.interval.start),
        time(run.interval.end),
        time(run.due),
        time(run.created),
        time(run.started),
        time(run.ended),
        _json(dict(run.params)),
        run.kill and run.kill.value,
        storable(run.requested_by),
        time(run.expires),
        run.backfill_id,
        run.previous,
        storable(run.message),
        _json(run.cause.to_json()) if run.cause else None,
    )


def backfill_row(backfill: Backfill, time: Time) -> Row:
    return (
        backfill.id,
        backfill.dag_id,
        backfill.version_id,
        time(backfill.begin),
        time(backfill.end),
        backfill.state.value,
        time(backfill.created),
        storable(backfill.requested_by),
        backfill.total,
        backfill.existing.value,
        backfill.version.value,
        storable(backfill.jobs),
        backfill.downstream,
        backfill.newest_first,
        backfill.max_active,
        _json(dict(backfill.params)),
        time(backfill.cursor),
        backfill.walked,
        backfill.made,
        backfill.rerun,
        backfill.left,
        time(backfill.retry_before),
        time(backfill.ended),
    )


def job_run_row(job_run: JobRun, time: Time) -> Row:
    return (
        job_run.run_id,
        job_run.job_id,
        job_run.state.value,
        job_run.position,
        job_run.attempts,
        job_run.failures,
        job_run.losses,
        time(job_run.ready),
        time(job_run.started),
        time(job_run.ended),
        job_run.cause,
        job_run.mark and job_run.mark.value,
        storable(job_run.marked_by),
        storable(job_run.message),
        None if job_run.followed is None else _json(job_run.followed),
    )


def attempt_row(attempt: Attempt, time: Time) -> Row:
    return (
        attempt.run_id,
        attempt.job_id,
        attempt.number,
        attempt.state.value,
        time(attempt.ready),
        time(attempt.due),
        attempt.task_id,
        attempt.agent_id,
        attempt.hostname,
        attempt.agent_url,
        storable(attempt.sandbox),
        _json_or_null(attempt.ports),
        _json_or_null(attempt.location),
        attempt.kill and attempt.kill.value,
        time(attempt.launched),
        time(attempt.started),
        time(attempt.ended),
        attempt.exit_code,
        storable(attempt.reason),
        storable(attempt.message),
        attempt.skew,
        attempt.failure and attempt.failure.value,
        attempt.mem,
        _json_or_null(attempt.avoid),
        attempt.output,
    )


def history_row(line: Happened, time: Time) -> Row:
    """All columns but the number, which the database gives."""
    return (
        time(line.at),
        line.subject,
        storable(line.cause),
        storable(line.dag_id),
        storable(line.run_id),
        storable(line.job_id),
        line.number,
        line.from_state,
        line.to_state,
        storable(line.message),
    )


def answer_row(answer: Answer, time: Time) -> Row:
    """`answered_at`, `outcome`, `detail`, and the key last, as the UPDATE wants them."""
    return (
        time(answer.answered_at),
        answer.outcome.value,
        storable(answer.detail),
        answer.command_id,
    )


# --------------------------------------------------------------------------- from rows


def dag_of(row: Sequence[Any]) -> DagState:
    return DagState(*row)


def load_error_of(row: Sequence[Any]) -> LoadErrorRow:
    file, _, message, remedy, line, dag_id, job_id, field, since = row
    return LoadErrorRow(LoadError(file, message, remedy, line, dag_id, job_id, field), since)


def run_of(row: Sequence[Any]) -> Run:
    id, dag_id, version_id, kind, state, begin, end, due, created, started, ended, *rest = row
    params, kill, asked_by, expires, backfill_id, previous, message, cause = rest
    return Run(
        id,
        dag_id,
        version_id,
        RunKind(kind),
        RunState(state),
        DataInterval(begin, end),
        due,
        created,
        started,
        ended,
        params,
        kill and KillReason(kill),
        asked_by,
        expires,
        backfill_id,
        previous,
        message,
        None if cause is None else Cause(**cause),
    )


def backfill_of(row: Sequence[Any]) -> Backfill:
    values = list(row)
    values[5] = BackfillState(values[5])
    values[9], values[10] = Existing(values[9]), VersionChoice(values[10])
    return Backfill(*values)


def job_run_of(row: Sequence[Any]) -> JobRun:
    values = list(row)
    values[2] = _JOB_RUN_STATES[values[2]]
    values[11] = values[11] and _JOB_RUN_STATES[values[11]]
    values[14] = None if values[14] is None else tuple(values[14])
    return JobRun(*values)


def attempt_of(row: Sequence[Any]) -> Attempt:
    *values, _, failure, mem, avoid, output = row  # skew is derived
    values[3] = _ATTEMPT_STATES[values[3]]
    values[11] = tuple(values[11] or ())
    values[12] = tuple((name, value) for name, value in values[12] or ())
    values[13] = values[13] and KillReason(values[13])
    values += [failure and FailureClass(failure), mem, tuple(avoid or ()), output]
    return Attempt(*values)


def history_of(row: Sequence[Any]) -> HistoryLine:
    id, at, subject, cause, *rest = row
    return HistoryLine(id, Happened(at, subject, cause, *rest))


def command_of(row: Sequence[Any]) -> Command:
    """The payload comes as text: what cannot even be parsed is one command's fault and nobody else's."""
    id, kind, payload, requested_by, requested_at = row
    try:
        content = json.loads(payload)
    except (ValueError, RecursionError):
        content = None
    return Command(id, decode_intent(kind, content), requested_by, requested_at)


def answer_of(row: Sequence[Any]) -> Answer | None:
    id, _, _, _, _, answered_at, outcome, detail = row
    return None if answered_at is None else Answer(id, Outcome(outcome), detail, answered_at)
