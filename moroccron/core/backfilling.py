"""The leader's work on backfills: what people ask of them, and the next runs as far as there is room.

A turn makes few runs, and all that it goes by is in rows: the backfill's cursor and the runs that there are. Which
those are is read from the store before the turn (`wanted`, `IntervalsSeen`), since most are over and not in memory.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import NamedTuple

from moroccron.core.backfill_plan import deed, lay_out, remaining
from moroccron.core.draft import Draft
from moroccron.core.ephemera import AlarmSet
from moroccron.core.killing import kill_run
from moroccron.core.refused import Refused
from moroccron.core.runs import create_run
from moroccron.core.view import View
from moroccron.model.backfill import (
    Backfill,
    BackfillIntent,
    BackfillState,
    CancelBackfill,
    CreateBackfill,
    Deed,
    PauseBackfill,
    ResumeBackfill,
)
from moroccron.model.changes import BackfillChanged
from moroccron.model.command import Command
from moroccron.model.events import IntervalsSeen
from moroccron.model.evolve import evolve
from moroccron.model.run import DataInterval, run_id
from moroccron.model.states import RunKind, RunState

LOOK = 64  #: intervals looked at in a turn, of one backfill
PAUSE = timedelta(milliseconds=10)  #: between two looks, so that other work is not held up
ALARM = "backfills"


class Wanted(NamedTuple):
    """What a backfill has to know of the store before it can go on."""

    backfill: Backfill
    run_ids: tuple[str, ...]  #: of the intervals to come
    room: int  #: how many runs it may have more


def wanted(view: View) -> list[Wanted]:
    """What the backfills that may go on want to know."""
    found = []
    for backfill in view.backfills.values():
        room = _room(view, backfill)
        if room > 0:
            intervals = islice(_remaining(view, backfill), LOOK)
            ids = tuple(run_id(backfill.dag_id, interval.end) for interval in intervals)
            found.append(Wanted(backfill, ids, room))
    return found


def _room(view: View, backfill: Backfill) -> int:
    """How many runs it may have more; 0 if it has none to make."""
    at_work = not backfill.walked or backfill.retry_before is not None
    if backfill.state is not BackfillState.RUNNING or not at_work:
        return 0
    return backfill.max_active - len(view.runs_of_backfill.get(backfill.id, ()))


def _remaining(view: View, backfill: Backfill) -> Iterator[DataInterval]:
    timetable = view.timetable(backfill.version_id)
    assert timetable is not None, f"backfill {backfill.id} was laid out by a timetable"
    return remaining(timetable, backfill)


def go_on(draft: Draft, seen: IntervalsSeen) -> None:
    """Deal with the next intervals, as far as the store was asked about them and there is room."""
    view = draft.view
    backfill = view.backfills.get(seen.backfill_id)
    if backfill is None:
        return
    before, room = backfill, _room(view, backfill)
    if room <= 0:
        return
    for interval in _remaining(view, backfill):
        identity = run_id(backfill.dag_id, interval.end)
        if identity not in seen.runs or room == 0:
            break
        active = view.runs.get(identity)
        wish = deed(backfill.existing, active.run.state if active else seen.runs[identity])
        if wish is Deed.MAKE:
            _make(draft, backfill, identity, interval)
            backfill = evolve(backfill, made=backfill.made + 1)
            room -= 1
        else:
            backfill = evolve(backfill, left=backfill.left + 1)
        backfill = evolve(backfill, cursor=interval.end)
    else:
        backfill = evolve(backfill, walked=True)
    if backfill is not before:
        draft.change(BackfillChanged(backfill))


def _make(draft: Draft, backfill: Backfill, identity: str, interval: DataInterval) -> None:
    version = draft.view.versions[backfill.version_id]
    create_run(
        draft,
        draft.view.dags[backfill.dag_id],
        identity,
        RunKind.BACKFILL,
        interval,
        params={**version.params, **backfill.params},
        requested_by=backfill.requested_by,
        cause=f"made by backfill {backfill.id}",
        backfill=backfill,
    )


def tend_backfills(draft: Draft) -> None:
    """End those whose work is done, and wake for those that may go on."""
    view = draft.view
    for backfill in list(view.backfills.values()):
        done = backfill.walked and backfill.retry_before is None
        if done and not view.runs_of_backfill.get(backfill.id):
            _end(draft, backfill, BackfillState.DONE, "done")
    may_go_on = any(_room(view, backfill) > 0 for backfill in view.backfills.values())
    if may_go_on is not (ALARM in view.timers.alarms):
        draft.note(AlarmSet(ALARM, draft.now + PAUSE if may_go_on else None))


def _end(draft: Draft, backfill: Backfill, state: BackfillState, cause: str) -> None:
    over = evolve(backfill, state=state, retry_before=None, ended=draft.now)
    draft.change(BackfillChanged(over))
    _tell(draft, over, cause, backfill.state)


def _tell(draft: Draft, backfill: Backfill, cause: str, before: BackfillState | None) -> None:
    draft.tell(
        "backfill",
        cause,
        dag_id=backfill.dag_id,
        from_state=before,
        to_state=backfill.state,
        message=f"backfill {backfill.id}: {backfill.made} made, {backfill.rerun} run again, "
        f"{backfill.left} left alone, of {backfill.total}",
    )


# --------------------------------------------------------------------------- what people ask


def take_backfill_intent(draft: Draft, command: Command, intent: BackfillIntent) -> str:
    """Carry it out; the backfill's number. Raises `Refused`."""
    if isinstance(intent, CreateBackfill):
        return _create(draft, command, intent)
    by = command.requested_by
    backfill = draft.view.backfills.get(intent.backfill_id)
    if backfill is None:
        raise Refused(f"backfill {intent.backfill_id} is over, or there is no such backfill")
    if isinstance(intent, PauseBackfill):
        _set_state(draft, backfill, BackfillState.PAUSED, f"paused by {by}")
    elif isinstance(intent, ResumeBackfill):
        _set_state(draft, backfill, BackfillState.RUNNING, f"resumed by {by}")
    elif isinstance(intent, CancelBackfill):
        _end(draft, backfill, BackfillState.CANCELLED, f"cancelled by {by}")
        if intent.kill:
            _kill_runs(draft, backfill, by)
    return str(backfill.id)


def _create(draft: Draft, command: Command, wish: CreateBackfill) -> str:
    view = draft.view
    dag = view.dags.get(wish.dag_id)
    if dag is None:
        raise Refused(f"there is no DAG {wish.dag_id}")
    backfill = lay_out(
        dag,
        view.versions[dag.version_id],
        view.timetable(dag.version_id),
        wish,
        number=command.id,
        by=command.requested_by,
        now=draft.now,
    )
    draft.change(BackfillChanged(backfill))
    _tell(draft, backfill, f"created by {command.requested_by}", None)
    return str(backfill.id)


def _set_state(draft: Draft, backfill: Backfill, state: BackfillState, cause: str) -> None:
    if backfill.state is not state:
        draft.change(BackfillChanged(evolve(backfill, state=state)))
        _tell(draft, evolve(backfill, state=state), cause, backfill.state)


def _kill_runs(draft: Draft, backfill: Backfill, by: str) -> None:
    for identity in sorted(draft.view.runs_of_backfill.get(backfill.id, ())):
        run = draft.view.runs[identity]
        if run.run.state in (RunState.QUEUED, RunState.RUNNING) and run.run.kill is None:
            kill_run(draft, run, f"killed with backfill {backfill.id} by {by}")
