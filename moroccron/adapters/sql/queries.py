"""The readers' side of the database, for pages, API and CLI. A fixed number of statements per question."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, select, true, tuple_

from moroccron.adapters.sql.backfills import read_backfill, read_backfills, read_run_states
from moroccron.adapters.sql.reading import Reader
from moroccron.adapters.sql.rows import (
    answer_of,
    attempt_of,
    dag_of,
    history_of,
    job_run_of,
    load_error_of,
    run_of,
)
from moroccron.adapters.sql.tables import (
    attempt,
    command,
    dag,
    dag_version,
    history,
    job_run,
    leader,
    load_error,
    pool,
    run,
    run_is_active,
    share,
)
from moroccron.adapters.sql.version_cache import VersionCache
from moroccron.model.backfill import BackfillProgress
from moroccron.model.command import Answer
from moroccron.model.dag_version import DagVersion
from moroccron.model.errors import NotFound
from moroccron.model.pool import Pool, PoolUse, pool_uses
from moroccron.model.run import Attempt, JobRun, Run
from moroccron.model.share import Share, ShareUse, share_uses
from moroccron.model.states import TERMINAL_ATTEMPTS, AttemptState, RunState
from moroccron.ports import DagSummary, HistoryLine, LeaderRow, LoadErrorRow, RunBrief

VERSIONS_HELD = 2000
_UNFINISHED = [state.value for state in AttemptState if state not in TERMINAL_ATTEMPTS]


class SqlQueries:
    """Fulfils `ports.Queries`. May be used from many threads."""

    def __init__(self, engine: Engine) -> None:
        self._reader = Reader(engine)
        self._lateral = engine.dialect.name == "postgresql"
        self._versions = VersionCache(VERSIONS_HELD)

    # ---------------------------------------------------------------------- DAGs

    def dags(self, recent: int = 10) -> Sequence[DagSummary]:
        in_order = select(dag).order_by(dag.c.active.desc(), dag.c.dag_id)
        return self._reader.read(lambda c: self._summaries(c, in_order, recent))

    def dag(self, dag_id: str, recent: int = 25) -> DagSummary:
        this = select(dag).where(dag.c.dag_id == dag_id)
        found = self._reader.read(lambda c: self._summaries(c, this, recent))
        if not found:
            raise NotFound(f"no DAG {dag_id}; `moroccron dags list` shows all")
        return found[0]

    def _summaries(
        self, connection: Connection, which: Select[Any], recent: int
    ) -> list[DagSummary]:
        states = [dag_of(row) for row in connection.execute(which)]
        if not states:
            return []
        only = states[0].dag_id if len(states) == 1 else None
        briefs = self._recent_runs(connection, recent, only)
        active = _active_runs(connection, only)
        versions = self._get_versions(connection, {state.version_id for state in states})
        return [
            DagSummary(
                state,
                versions[state.version_id],
                tuple(briefs.get(state.dag_id, ())),
                active.get(state.dag_id, 0),
            )
            for state in states
        ]

    def _recent_runs(
        self, connection: Connection, count: int, dag_id: str | None
    ) -> Mapping[str, list[RunBrief]]:
        """The newest runs of each DAG, newest first, read from the index and no further than needed."""
        newest = (
            select(run)
            .where(run.c.dag_id == dag.c.dag_id)
            .order_by(run.c.created.desc(), run.c.id.desc())
            .limit(count)
            .correlate(dag)
        )
        if self._lateral:
            found: Any = newest.lateral()
            source = dag.join(found, true())
        else:
            found = run
            source = dag.join(run, run.c.id.in_(newest.with_only_columns(run.c.id)))
        columns = [found.c[name] for name in ("id", "state", "due", "started", "ended")]
        query = select(dag.c.dag_id, *columns).select_from(source)
        if dag_id is not None:
            query = query.where(dag.c.dag_id == dag_id)
        query = query.order_by(found.c.created.desc(), found.c.id.desc())
        briefs: dict[str, list[RunBrief]] = {}
        for owner, id, state, *times in connection.execute(query):
            briefs.setdefault(owner, []).append(RunBrief(id, RunState(state), *times))
        return briefs

    def version(self, version_id: str) -> DagVersion:
        found = self._reader.read(lambda c: self._get_versions(c, [version_id]))
        if version_id not in found:
            raise NotFound(f"no DAG version {version_id}; `moroccron dags show` names a DAG's own")
        return found[version_id]

    def _get_versions(
        self, connection: Connection, ids: Collection[str]
    ) -> Mapping[str, DagVersion]:
        def fetch(missing: Collection[str]) -> Mapping[str, DagVersion]:
            query = select(dag_version.c.id, dag_version.c.content).where(
                dag_version.c.id.in_(missing)
            )
            return {id: DagVersion.from_json(text, id) for id, text in connection.execute(query)}

        return self._versions.get(ids, fetch)

    def load_errors(self) -> Sequence[LoadErrorRow]:
        query = select(load_error).order_by(load_error.c.file, load_error.c.position)
        return self._reader.read(lambda c: [load_error_of(row) for row in c.execute(query)])

    # ---------------------------------------------------------------------- runs

    def runs(
        self,
        *,
        dag_id: str | None = None,
        states: Sequence[RunState] = (),
        backfill_id: int | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[Run]:
        query = select(run).order_by(run.c.created.desc(), run.c.id.desc()).limit(limit)
        if dag_id is not None:
            query = query.where(run.c.dag_id == dag_id)
        if backfill_id is not None:
            query = query.where(run.c.backfill_id == backfill_id)
        if states:
            query = query.where(run.c.state.in_([state.value for state in states]))

        def work(connection: Connection) -> list[Run]:
            page = query
            if before is not None:
                last = _run(connection, before)
                page = query.where(tuple_(run.c.created, run.c.id) < (last.created, last.id))
            return [run_of(row) for row in connection.execute(page)]

        return self._reader.read(work)

    def run(self, run_id: str) -> Run:
        return self._reader.read(lambda c: _run(c, run_id))

    def job_runs(self, run_id: str) -> Sequence[JobRun]:
        query = select(job_run).where(job_run.c.run_id == run_id).order_by(job_run.c.position)

        def work(connection: Connection) -> list[JobRun]:
            found = [job_run_of(row) for row in connection.execute(query)]
            if not found:
                _run(connection, run_id)
            return found

        return self._reader.read(work)

    def attempts(self, run_id: str, job_id: str | None = None) -> Sequence[Attempt]:
        query = (
            select(attempt)
            .join(job_run)
            .where(attempt.c.run_id == run_id)
            .order_by(job_run.c.position, attempt.c.number)
        )
        if job_id is not None:
            query = query.where(attempt.c.job_id == job_id)

        def work(connection: Connection) -> list[Attempt]:
            found = [attempt_of(row) for row in connection.execute(query)]
            if not found:
                _run(connection, run_id)
                if job_id is not None:
                    _demand_job(connection, run_id, job_id)
            return found

        return self._reader.read(work)

    def attempt_count_by_state(self) -> Mapping[str, int]:
        query = select(attempt.c.state, func.count()).group_by(attempt.c.state)
        found = self._reader.read(lambda c: _pairs(c, query))
        return {state.value: found.get(state.value, 0) for state in AttemptState}

    # ---------------------------------------------------------------------- the rest

    def history(
        self, *, run_id: str | None = None, after: int = 0, limit: int = 500
    ) -> Sequence[HistoryLine]:
        query = select(history).where(history.c.id > after).order_by(history.c.id).limit(limit)
        if run_id is not None:
            query = query.where(history.c.run_id == run_id)
        return self._reader.read(lambda c: [history_of(row) for row in c.execute(query)])

    def last_history_id(self) -> int:
        return self._reader.read(lambda c: c.scalar(select(func.max(history.c.id)))) or 0

    def pools(self) -> Sequence[PoolUse]:
        def work(connection: Connection) -> list[PoolUse]:
            made = [Pool(*row) for row in connection.execute(select(pool))]
            return pool_uses(made, *self._unfinished(connection))

        return self._reader.read(work)

    def shares(self) -> Sequence[ShareUse]:
        def work(connection: Connection) -> list[ShareUse]:
            given = [Share(*row) for row in connection.execute(select(share))]
            return share_uses(given, *self._unfinished(connection))

        return self._reader.read(work)

    def _unfinished(
        self, connection: Connection
    ) -> tuple[Mapping[str, DagVersion], Mapping[tuple[str, str, AttemptState], int]]:
        """How many attempts of which version's job are not over, by state; and those versions."""
        columns = (run.c.version_id, attempt.c.job_id, attempt.c.state)
        query = (
            select(*columns, func.count())
            .join(run, run.c.id == attempt.c.run_id)
            .where(attempt.c.state.in_(_UNFINISHED))
            .group_by(*columns)
        )
        rows = connection.execute(query).all()
        counts = {(id, job, AttemptState(state)): number for id, job, state, number in rows}
        return self._get_versions(connection, {id for id, _, _ in counts}), counts

    def run_states(self, run_ids: Sequence[str]) -> Mapping[str, RunState]:
        return self._reader.read(lambda c: read_run_states(c, run_ids))

    def backfills(
        self, *, dag_id: str | None = None, limit: int = 50
    ) -> Sequence[BackfillProgress]:
        return self._reader.read(lambda c: read_backfills(c, dag_id, limit))

    def backfill(self, backfill_id: int) -> BackfillProgress:
        return self._reader.read(lambda c: read_backfill(c, backfill_id))

    def answer(self, command_id: int) -> Answer | None:
        query = select(command).where(command.c.id == command_id)
        row = self._reader.read(lambda c: c.execute(query).one_or_none())
        if row is None:
            raise NotFound(f"no command {command_id}")
        return answer_of(row)

    def leader(self) -> LeaderRow | None:
        query = select(leader.c.term, leader.c.holder, leader.c.since)
        row = self._reader.read(lambda c: c.execute(query).one_or_none())
        return None if row is None else LeaderRow(*row)


def _run(connection: Connection, run_id: str) -> Run:
    row = connection.execute(select(run).where(run.c.id == run_id)).one_or_none()
    if row is None:
        raise NotFound(f"no run {run_id}; `moroccron runs list` shows the newest")
    return run_of(row)


def _demand_job(connection: Connection, run_id: str, job_id: str) -> None:
    known = select(job_run.c.job_id).where(job_run.c.run_id == run_id, job_run.c.job_id == job_id)
    if connection.scalar(known) is None:
        raise NotFound(f"no job {job_id} in run {run_id}; `moroccron jobs list` shows its jobs")


def _active_runs(connection: Connection, dag_id: str | None) -> Mapping[str, int]:
    query = select(run.c.dag_id, func.count()).where(run_is_active).group_by(run.c.dag_id)
    if dag_id is not None:
        query = query.where(run.c.dag_id == dag_id)
    return _pairs(connection, query)


def _pairs(connection: Connection, query: Select[Any]) -> dict[str, int]:
    return {name: count for name, count in connection.execute(query)}  # noqa: C416 - rows
