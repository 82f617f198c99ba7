"""What --json writes: plain values of the same shapes and words as the JSON API's answers.

Apart from the API's schemas because those are slow to load; a test holds the two together.
"""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from moroccron.model.backfill import BackfillPlan, BackfillProgress, Deed, PlannedInterval
from moroccron.model.command import Answer
from moroccron.model.fires import Fire
from moroccron.model.load import LoadError
from moroccron.model.param import Param
from moroccron.model.pool import PoolUse
from moroccron.model.preview import JobMove, Preview, RunPreview
from moroccron.model.run import Attempt, JobRun, Run
from moroccron.model.schedule import Schedule
from moroccron.model.share import ShareUse
from moroccron.model.states import RunState
from moroccron.ports import DagSummary, LoadErrorRow, RunBrief

Shape = dict[str, Any]


def moment(value: datetime | None) -> str | None:
    """ISO 8601 in UTC, as the API writes it."""
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def schedule_text(schedule: Schedule | None) -> str | None:
    """A schedule in a few characters; None: only on request."""
    return None if schedule is None else str(schedule)


def dag(summary: DagSummary) -> Shape:
    state, version = summary.state, summary.version
    return {
        "id": state.dag_id,
        "version_id": state.version_id,
        "file": state.file,
        "active": state.active,
        "paused": state.paused,
        "schedule": schedule_text(version.schedule),
        "timezone": version.timezone,
        "triggers": [str(trigger) for trigger in version.triggers],
        "next_due": moment(state.next_due),
        "owners": list(version.owners),
        "tags": list(version.tags),
        "doc": version.doc,
        "params": dict(version.params),
        "param_types": {name: _param(version.param(name)) for name in version.params},
        "jobs": len(version.jobs),
        "active_runs": summary.active_runs,
        "recent": [run_brief(run) for run in summary.recent],
    }


def _param(value: Param) -> Shape:
    return {
        "type": str(value.type),
        "required": value.required,
        "choices": None if value.choices is None else list(value.choices),
        "minimum": value.minimum,
        "maximum": value.maximum,
        "pattern": value.pattern,
        "description": value.description,
    }


def fire(value: Fire) -> Shape:
    return {
        "due": moment(value.interval.end),
        "local": value.local.isoformat(),
        "interval_start": moment(value.interval.start),
        "clock_change": value.clocks,
        "second_time": value.second,
    }


def run_brief(run: RunBrief) -> Shape:
    return {
        "id": run.id,
        "state": run.state.value,
        "due": moment(run.due),
        "started": moment(run.started),
        "ended": moment(run.ended),
    }


def run(value: Run) -> Shape:
    return {
        "id": value.id,
        "dag_id": value.dag_id,
        "version_id": value.version_id,
        "kind": value.kind.value,
        "state": value.state.value,
        "logical_date": moment(value.interval.start),
        "interval_end": moment(value.interval.end),
        "due": moment(value.due),
        "created": moment(value.created),
        "started": moment(value.started),
        "ended": moment(value.ended),
        "params": dict(value.params),
        "kill": value.kill.value if value.kill else None,
        "requested_by": value.requested_by,
        "expires": moment(value.expires),
        "backfill_id": value.backfill_id,
        "previous": value.previous or None,
        "message": value.message,
        "cause": value.cause.to_json() if value.cause else None,
    }


def backfill(value: BackfillProgress) -> Shape:
    row = value.backfill
    return {
        "id": row.id,
        "dag_id": row.dag_id,
        "version_id": row.version_id,
        "state": row.state.value,
        "from": moment(row.begin),
        "to": moment(row.end),
        "created": moment(row.created),
        "ended": moment(row.ended),
        "requested_by": row.requested_by,
        "existing": row.existing.value,
        "version": row.version.value,
        "jobs": row.jobs,
        "downstream": row.downstream,
        "newest_first": row.newest_first,
        "max_active": row.max_active,
        "params": dict(row.params),
        "intervals": row.total,
        "made": row.made,
        "rerun": row.rerun,
        "left": row.left,
        "runs": {state.value: value.runs.get(state, 0) for state in RunState},
    }


def backfill_plan(value: BackfillPlan) -> Shape:
    return {
        "dag_id": value.dag_id,
        "version_id": value.version_id,
        "jobs": list(value.jobs),
        "intervals": [planned_interval(line) for line in value.intervals],
        "counts": {deed.value: value.count(deed) for deed in Deed},
        "refused": value.refused,
    }


def planned_interval(value: PlannedInterval) -> Shape:
    return {
        "logical_date": moment(value.interval.start),
        "interval_end": moment(value.interval.end),
        "run_id": value.run_id,
        "found": value.found.value if value.found else None,
        "deed": value.deed.value,
    }


def job_run(value: JobRun) -> Shape:
    return {
        "job_id": value.job_id,
        "state": value.state.value,
        "position": value.position,
        "attempts": value.attempts,
        "failures": value.failures,
        "losses": value.losses,
        "ready": moment(value.ready),
        "started": moment(value.started),
        "ended": moment(value.ended),
        "cause": value.cause,
        "mark": value.mark.value if value.mark else None,
        "marked_by": value.marked_by,
        "message": value.message,
        "followed": None if value.followed is None else list(value.followed),
    }


def preview(value: Preview) -> Shape:
    return {
        "run_id": value.run_id,
        "job": job_move(value.job),
        "follows": [job_move(move) for move in value.follows],
        "ends_attempt": value.ends_attempt,
        "reopens_run": value.reopens_run,
        "refused": value.refused,
    }


def run_preview(value: RunPreview) -> Shape:
    return {
        "run_id": value.run_id,
        "own_version_id": value.own_version_id,
        "newest_version_id": value.newest_version_id,
        "version_id": value.version_id,
        "moves": [job_move(move) for move in value.moves],
        "new": list(value.new),
        "gone": list(value.gone),
        "at_work": list(value.at_work),
        "reopens_run": value.reopens_run,
        "refused": value.refused,
    }


def job_move(value: JobMove) -> Shape:
    return {
        "job_id": value.job_id,
        "before": value.before.value,
        "after": value.after.value,
        "cause": value.cause,
    }


def attempt(value: Attempt) -> Shape:
    return {
        "run_id": value.run_id,
        "job_id": value.job_id,
        "number": value.number,
        "state": value.state.value,
        "due": moment(value.due),
        "ready": moment(value.ready),
        "launched": moment(value.launched),
        "started": moment(value.started),
        "ended": moment(value.ended),
        "skew": value.skew,
        "task_id": value.task_id,
        "agent_id": value.agent_id,
        "hostname": value.hostname,
        "sandbox": value.sandbox,
        "ports": list(value.ports),
        "kill": value.kill.value if value.kill else None,
        "exit_code": value.exit_code,
        "failure": value.failure.value if value.failure else None,
        "reason": value.reason,
        "message": value.message,
        "mem": value.mem,
        "output_size": value.output_size,
    }


def pool(use: PoolUse) -> Shape:
    return {
        "name": use.pool.name,
        "made": use.made,
        "slots": use.pool.slots,
        "taken": use.taken,
        "queued": use.queued,
    }


def share(use: ShareUse) -> Shape:
    share = use.share
    return {
        "owner": share.owner,
        "given": use.set,
        "weight": share.weight,
        "cpus": share.cpus,
        "mem": share.mem,
        "jobs": share.jobs,
        "held_cpus": use.cpus,
        "held_mem": use.mem,
        "held_jobs": use.jobs,
        "queued": use.queued,
    }


def load_error(error: LoadError) -> Shape:
    return asdict(error)


def load_error_row(row: LoadErrorRow) -> Shape:
    return {**load_error(row.error), "since": moment(row.since)}


def command(command_id: int, answer: Answer | None) -> Shape:
    return {
        "id": command_id,
        "status": answer.outcome.value if answer else "pending",
        "detail": answer.detail if answer else None,
        "answered_at": moment(answer.answered_at) if answer else None,
    }
