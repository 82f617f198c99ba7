"""Reads about backfills, for the leader and for readers: how they stand, and the runs that they come upon."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from moroccron.adapters.sql.rows import backfill_of
from moroccron.adapters.sql.tables import backfill, run
from moroccron.model.backfill import Backfill, BackfillProgress
from moroccron.model.errors import NotFound
from moroccron.model.states import RunState

_AT_ONCE = 500  #: ids in one statement
_UNSUCCESSFUL = [RunState.FAILED.value, RunState.KILLED.value]


def read_run_states(connection: Connection, run_ids: Sequence[str]) -> Mapping[str, RunState]:
    """How those of the runs stand that there are."""
    found: dict[str, RunState] = {}
    for start in range(0, len(run_ids), _AT_ONCE):
        some = run_ids[start : start + _AT_ONCE]
        query = select(run.c.id, run.c.state).where(run.c.id.in_(some))
        found |= {id: RunState(state) for id, state in connection.execute(query)}
    return found


def recalled_backfill(connection: Connection, backfill_id: int) -> Backfill | None:
    """A backfill, over or not; None: there is none."""
    query = select(backfill).where(backfill.c.id == backfill_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else backfill_of(row)


def read_failed_runs(
    connection: Connection, backfill_id: int, before: datetime, limit: int
) -> Sequence[str]:
    """Its runs that ended before then without success, by interval."""
    query = (
        select(run.c.id)
        .where(run.c.backfill_id == backfill_id, run.c.state.in_(_UNSUCCESSFUL))
        .where(run.c.ended < before)
        .order_by(run.c.interval_end)
        .limit(limit)
    )
    return list(connection.scalars(query))


def read_backfills(
    connection: Connection, dag_id: str | None, limit: int
) -> Sequence[BackfillProgress]:
    """The newest first."""
    query = select(backfill).order_by(backfill.c.id.desc()).limit(limit)
    if dag_id is not None:
        query = query.where(backfill.c.dag_id == dag_id)
    return _with_runs(connection, query)


def read_backfill(connection: Connection, backfill_id: int) -> BackfillProgress:
    found = _with_runs(connection, select(backfill).where(backfill.c.id == backfill_id))
    if not found:
        raise NotFound(f"no backfill {backfill_id}; `moroccron backfill list` shows them")
    return found[0]


def _with_runs(connection: Connection, query: Select[Any]) -> list[BackfillProgress]:
    found = [backfill_of(row) for row in connection.execute(query)]
    counts = (
        select(run.c.backfill_id, run.c.state, func.count())
        .where(run.c.backfill_id.in_([one.id for one in found]))
        .group_by(run.c.backfill_id, run.c.state)
    )
    runs: dict[int, dict[RunState, int]] = {}
    for id, state, count in connection.execute(counts):
        runs.setdefault(id, {})[RunState(state)] = count
    return [BackfillProgress(one, runs.get(one.id, {})) for one in found]
