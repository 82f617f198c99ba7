"""Which intervals a backfill is about, and what is done about each. Pure: the leader and a dry run ask the same.

The intervals are those of the version's own timetable, so that days on which clocks change, holidays, blackout
windows, start and end count as they would have for the schedule.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from moroccron.core.params import checked_params
from moroccron.core.refused import Refused
from moroccron.model.backfill import (
    MOST_ACTIVE,
    MOST_INTERVALS,
    Backfill,
    BackfillPlan,
    BackfillState,
    CreateBackfill,
    Deed,
    Existing,
    PlannedInterval,
    selected,
)
from moroccron.model.changes import DagState
from moroccron.model.dag_version import DagVersion
from moroccron.model.evolve import evolve
from moroccron.model.run import DataInterval, run_id
from moroccron.model.states import RunState
from moroccron.model.timetable import Timetable, timetable_of

_TICK = timedelta(microseconds=1)
_FIRST_YEAR, _LAST_YEAR = 1970, 2999
_UNSUCCESSFUL = frozenset({RunState.FAILED, RunState.KILLED})


def lay_out(
    dag: DagState,
    version: DagVersion,
    timetable: Timetable | None,
    wish: CreateBackfill,
    *,
    number: int,
    by: str,
    now: datetime,
) -> Backfill:
    """The backfill that a wish makes, before any of its work is done. Raises `Refused`."""
    if not dag.active:
        raise Refused(f"no file declares DAG {dag.dag_id} any more ({dag.file} did)")
    if timetable is None:
        raise Refused(
            f"DAG {dag.dag_id} has no schedule, and so no intervals: give it one, or trigger its runs with "
            f"`moroccron runs trigger {dag.dag_id} --logical-date TIME`"
        )
    begin, end = _stretch(wish, now)
    _check(version, wish)
    params = checked_params(version, wish.params)
    backfill = Backfill(
        id=number,
        dag_id=dag.dag_id,
        version_id=version.id,
        begin=begin,
        end=end,
        state=BackfillState.RUNNING,
        created=now,
        requested_by=by,
        total=0,
        existing=wish.existing,
        version=wish.version,
        jobs=wish.jobs,
        downstream=wish.downstream,
        newest_first=wish.newest_first,
        max_active=wish.max_active,
        params={name: params[name] for name in wish.params},
    )
    total = sum(1 for _ in islice(remaining(timetable, backfill), MOST_INTERVALS + 1))
    if total == 0:
        raise Refused(_nothing(version, backfill))
    if total > MOST_INTERVALS:
        raise Refused(f"that is more than {MOST_INTERVALS} intervals: make several backfills of it")
    return evolve(backfill, total=total)


def _stretch(wish: CreateBackfill, now: datetime) -> tuple[datetime, datetime]:
    """From when and until when its intervals begin."""
    try:
        begin, end = wish.begin.astimezone(UTC), (wish.end or now).astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise Refused("its begin or its end is no moment in UTC") from error
    if not (begin.year >= _FIRST_YEAR and end.year <= _LAST_YEAR):
        raise Refused(
            f"its begin or its end is out of bounds: use years from {_FIRST_YEAR} to {_LAST_YEAR}"
        )
    if end <= begin:
        raise Refused(
            "its end is not after its begin; it is about intervals that begin from then until before"
        )
    return begin, end


def _check(version: DagVersion, wish: CreateBackfill) -> None:
    if not 1 <= wish.max_active <= MOST_ACTIVE:
        raise Refused(f"max_active is {wish.max_active}; use 1 to {MOST_ACTIVE}")
    if not selected(version.jobs, wish.jobs, downstream=wish.downstream):
        raise Refused(f"no job of {version.dag_id} matches {wish.jobs!r}")


def _nothing(version: DagVersion, backfill: Backfill) -> str:
    return (
        f"no interval of {version.dag_id} that is over begins from {_text(backfill.begin)} until before "
        f"{_text(backfill.end)} (`moroccron dags fires {version.dag_id} --after TIME` shows its fires)"
    )


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%SZ}"


def remaining(timetable: Timetable, backfill: Backfill) -> Iterator[DataInterval]:
    """The intervals that the backfill has not looked at yet, in its order."""
    if backfill.walked:
        return iter(())
    return (
        _backward(timetable, backfill) if backfill.newest_first else _forward(timetable, backfill)
    )


def _forward(timetable: Timetable, backfill: Backfill) -> Iterator[DataInterval]:
    found = timetable.next_interval(backfill.cursor or backfill.begin - _TICK)
    while found is not None and found.start < backfill.begin:
        found = timetable.next_interval(found.end)
    while found is not None and found.start < backfill.end and found.end <= backfill.created:
        yield found
        found = timetable.next_interval(found.end)


def _backward(timetable: Timetable, backfill: Backfill) -> Iterator[DataInterval]:
    found = timetable.last_interval(_latest_end(timetable, backfill))
    while found is not None and found.start >= backfill.end:
        found = timetable.last_interval(found.end - _TICK)
    while found is not None and found.start >= backfill.begin:
        yield found
        found = timetable.last_interval(found.end - _TICK)


def _latest_end(timetable: Timetable, backfill: Backfill) -> datetime:
    """No interval that is still to be looked at ends after this moment."""
    if backfill.cursor is not None:
        return backfill.cursor - _TICK
    across = timetable.next_interval(
        backfill.end
    )  # intervals abut: what begins before ends here at the latest
    return backfill.created if across is None else min(across.end, backfill.created)


def deed(existing: Existing, found: RunState | None) -> Deed:
    """What is done about an interval whose run stands so."""
    if found is None:
        return Deed.MAKE
    if existing is Existing.KEEP or not found.is_terminal:
        return Deed.LEAVE
    if existing is Existing.FAILED and found not in _UNSUCCESSFUL:
        return Deed.LEAVE
    return Deed.RERUN


def preview_backfill(
    dag: DagState,
    version: DagVersion,
    wish: CreateBackfill,
    states_of: Callable[[Sequence[str]], Mapping[str, RunState]],
    now: datetime,
) -> BackfillPlan:
    """What a backfill would do about each interval; `states_of` tells how the runs stand that there are."""
    timetable = timetable_of(version)
    try:
        backfill = lay_out(dag, version, timetable, wish, number=0, by="", now=now)
    except Refused as refused:
        return BackfillPlan(dag.dag_id, version.id, refused=str(refused))
    assert timetable is not None, "nothing is laid out without"
    intervals = {run_id(dag.dag_id, one.end): one for one in remaining(timetable, backfill)}
    states = states_of(tuple(intervals))
    lines = [
        PlannedInterval(one, id, states.get(id), deed(wish.existing, states.get(id)))
        for id, one in intervals.items()
    ]
    chosen = selected(version.jobs, wish.jobs, downstream=wish.downstream)
    jobs = tuple(job.id for job in version.jobs if job.id in chosen)
    return BackfillPlan(dag.dag_id, version.id, tuple(lines), jobs)
