"""Reads what a new leader loads: everything that is not over. A fixed number of queries, whatever the size."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain, groupby

from sqlalchemy import ColumnElement, Connection, and_, not_, or_, select, union

from moroccron.adapters.sql.rows import (
    attempt_of,
    backfill_of,
    dag_of,
    job_run_of,
    load_error_of,
    run_of,
)
from moroccron.adapters.sql.tables import (
    attempt,
    backfill,
    dag,
    dag_version,
    framework,
    job_run,
    load_error,
    pool,
    run,
    run_is_active,
    run_is_of_backfill,
    share,
)
from moroccron.model.backfill import BackfillState
from moroccron.model.dag_version import DagVersion
from moroccron.model.events import RunRecalled
from moroccron.model.pool import Pool
from moroccron.model.run import Attempt, PreviousRun
from moroccron.model.share import Share
from moroccron.model.snapshot import Snapshot
from moroccron.model.states import (
    FAILED_JOB_RUNS,
    TERMINAL_ATTEMPTS,
    AttemptState,
    JobRunState,
    RunKind,
    RunState,
)

_ACTIVE_RUNS = select(run.c.id).where(run_is_active)
_NOT_OVER = backfill.c.state.in_([s.value for s in BackfillState if not s.is_over])
_PINNED = union(
    select(dag.c.version_id),
    select(run.c.version_id).where(run_is_active),
    select(backfill.c.version_id).where(_NOT_OVER),
)
_UNFINISHED = [state.value for state in AttemptState if state not in TERMINAL_ATTEMPTS]

_VERSIONS = (
    select(dag_version.c.id, dag_version.c.content)
    .where(dag_version.c.id.in_(_PINNED))
    .order_by(dag_version.c.id)
)
_RUNS = select(run).where(run_is_active).order_by(run.c.created, run.c.id)
_JOB_RUNS = (
    select(job_run)
    .where(job_run.c.run_id.in_(_ACTIVE_RUNS))
    .order_by(job_run.c.run_id, job_run.c.position)
)
_NEWEST = select(attempt).join(
    job_run,
    and_(
        job_run.c.run_id == attempt.c.run_id,
        job_run.c.job_id == attempt.c.job_id,
        job_run.c.attempts == attempt.c.number,
    ),
)
_NEWEST_ATTEMPTS = _NEWEST.where(job_run.c.run_id.in_(_ACTIVE_RUNS))
_UNFINISHED_ATTEMPTS = select(attempt).where(attempt.c.state.in_(_UNFINISHED))
_BACKFILLS = select(backfill).where(_NOT_OVER).order_by(backfill.c.id)
_AHEAD = (
    select(run.c.dag_id, run.c.interval_end)
    .join(dag, dag.c.dag_id == run.c.dag_id)
    .where(
        run_is_of_backfill,
        run.c.kind == RunKind.BACKFILL.value,
        or_(dag.c.scheduled_until.is_(None), run.c.interval_end > dag.c.scheduled_until),
    )
    .order_by(run.c.dag_id, run.c.interval_end)
)
_FOLLOWER = run.alias()
_FAILED = [state.value for state in FAILED_JOB_RUNS]
_BEFORE_ACTIVE = and_(
    not_(run_is_active),
    run.c.id.in_(select(_FOLLOWER.c.previous).where(_FOLLOWER.c.state.in_(["queued", "running"]))),
)
_LOAD_ERRORS = select(load_error).order_by(load_error.c.file, load_error.c.position)


def read_snapshot(connection: Connection) -> Snapshot:
    return Snapshot(
        framework_id=connection.scalar(select(framework.c.framework_id)),
        dags=tuple(dag_of(row) for row in connection.execute(select(dag).order_by(dag.c.dag_id))),
        versions=tuple(
            DagVersion.from_json(content, id) for id, content in connection.execute(_VERSIONS)
        ),
        runs=tuple(run_of(row) for row in connection.execute(_RUNS)),
        job_runs=tuple(job_run_of(row) for row in connection.execute(_JOB_RUNS)),
        attempts=tuple(_attempts(connection)),
        load_errors=tuple(load_error_of(row).error for row in connection.execute(_LOAD_ERRORS)),
        shares=tuple(
            Share(*row) for row in connection.execute(select(share).order_by(share.c.owner))
        ),
        pools=tuple(Pool(*row) for row in connection.execute(select(pool).order_by(pool.c.name))),
        backfills=tuple(backfill_of(row) for row in connection.execute(_BACKFILLS)),
        ahead=tuple((dag_id, end) for dag_id, end in connection.execute(_AHEAD)),
        previous=tuple(_previous(connection, _BEFORE_ACTIVE)),
    )


def _attempts(connection: Connection) -> list[Attempt]:
    """The newest of each job run of an active run and every unfinished one, each once."""
    rows = chain(connection.execute(_NEWEST_ATTEMPTS), connection.execute(_UNFINISHED_ATTEMPTS))
    found = {attempt.key: attempt for attempt in map(attempt_of, rows)}
    return [found[key] for key in sorted(found)]


def read_recalled(connection: Connection, run_id: str) -> RunRecalled | None:
    """A run, whether it is over or not, with what a command about it needs; None: there is none."""
    row = connection.execute(select(run).where(run.c.id == run_id)).one_or_none()
    if row is None:
        return None
    found = run_of(row)
    content = connection.scalars(
        select(dag_version.c.content).where(dag_version.c.id == found.version_id)
    ).one()
    jobs = select(job_run).where(job_run.c.run_id == run_id).order_by(job_run.c.position)
    newest = _NEWEST.where(job_run.c.run_id == run_id).order_by(job_run.c.position)
    return RunRecalled(
        found,
        DagVersion.from_json(content, found.version_id),
        tuple(job_run_of(row) for row in connection.execute(jobs)),
        tuple(attempt_of(row) for row in connection.execute(newest)),
        _ended(connection, found.previous),
    )


def read_previous(connection: Connection, dag_id: str, before: datetime) -> PreviousRun | None:
    """The run of a DAG with the latest logical date before a moment that has begun or may begin."""
    latest = (
        select(run.c.id)
        .where(run.c.dag_id == dag_id, run.c.interval_start < before)
        .where(or_(run.c.started.is_not(None), run_is_active))
        .order_by(run.c.interval_start.desc(), run.c.created.desc(), run.c.id.desc())
        .limit(1)
    )
    found = list(_previous(connection, run.c.id.in_(latest)))
    return found[0] if found else None


def _ended(connection: Connection, run_id: str | None) -> PreviousRun | None:
    found = list(_previous(connection, and_(run.c.id == run_id, not_(run_is_active))))
    return found[0] if found else None


def _previous(connection: Connection, which: ColumnElement[bool]) -> Iterator[PreviousRun]:
    """These runs, each with its jobs that ended in failure."""
    failed = and_(job_run.c.run_id == run.c.id, job_run.c.state.in_(_FAILED))
    query = (
        select(run.c.id, run.c.state, job_run.c.job_id, job_run.c.state)
        .join(job_run, failed, isouter=True)
        .where(which)
        .order_by(run.c.id, job_run.c.position)
    )
    for (id, state), rows in groupby(connection.execute(query), key=lambda row: (row[0], row[1])):
        jobs = tuple((job, JobRunState(its)) for _, _, job, its in rows if job is not None)
        yield PreviousRun(id, RunState(state), jobs)
