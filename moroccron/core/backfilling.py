"""The leader's work on backfills: what people ask of them, and the next runs as far as there is room.

A turn makes few runs, and all that it goes by is in rows: the backfill's cursor and the runs that there are. Which
those are is read from the store before the turn (`wanted`, `IntervalsSeen`), since most are over and not in memory.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import NamedTuple

from moroccron.core.backfill_plan import deed, lay_out, remaining
from moroccron.core.draft import Draft
from moroccron.core.ephemera import AlarmSet
from moroccron.core.killing import kill_run
from moroccron.core.refused import Refused
from moroccron.core.rerunning import rerun
from moroccron.core.run_view import RunView
from moroccron.core.runs import create_run
from moroccron.core.view import View
from moroccron.model.backfill import (
    Backfill,
    BackfillIntent,
    BackfillState,
    CancelBackfill,
    CreateBackfill,
    Deed,
    Existing,
    PauseBackfill,
    ResumeBackfill,
    RetryBackfill,
)
from moroccron.model.changes import BackfillChanged
from moroccron.model.command import Command, Rerun, RetryRun
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
    failed_before: datetime | None  #: its runs that failed before then are to run again


def wanted(view: View) -> list[Wanted]:
    """What the backfills that may go on want to know."""
    found = []
    for backfill in view.backfills.values():
        room = _room(view, backfill)
        if room > 0:
            intervals = islice(_remaining(view, backfill), LOOK)
            ids = tuple(run_id(backfill.dag_id, interval.end) for interval in intervals)
            found.append(Wanted(backfill, ids, room, backfill.retry_before))
    return found


def to_recall(
    wish: Wanted, runs: Mapping[str, RunState | None], failed: Iterable[str]
) -> list[str]:
    """The runs that are to run again, as far as there is room."""
    existing = wish.backfill.existing
    again = (id for id, state in runs.items() if deed(existing, state) is Deed.RERUN)
    return list(islice(chain(failed, again), wish.room))


def _room(view: View, backfill: Backfill) -> int:
    """How many runs it may have more; 0 if it has none to make."""
    at_work = not backfill.walked or backfill.retry_before is not None
    if backfill.state is not BackfillState.RUNNING or not at_work:
        return 0
    active: Collection[str] = view.runs_of_backfill.get(backfill.id, ())
    if backfill.retry_before is not None:
        # Of a sequential DAG the others may wait for the very run that is to be run again.
        active = [run for run in active if view.runs[run].run.state is RunState.RUNNING]
    return backfill.max_active - len(active)


def _remaining(view: View, backfill: Backfill) -> Iterator[DataInterval]:
    if backfill.walked:
        return iter(())  # of one that was recalled the version may not be in memory
    timetable = view.timetable(backfill.version_id)
    assert timetable is not None, f"backfill {backfill.id} was laid out by a timetable"
    return remaining(timetable, backfill)


def go_on(draft: Draft, seen: IntervalsSeen) -> None:
    """Deal with the next intervals, as far as the store was asked about them and there is room."""
    view = draft.view
    backfill = view.backfills.get(seen.backfill_id)
    if backfill is None:
        return
    before = backfill
    if _room(view, backfill) <= 0:
        return
    if backfill.retry_before is not None:
        backfill = _retry_failed(draft, backfill, seen.failed)
    for interval in _remaining(view, backfill):
        looked_at = _look_at(draft, backfill, interval, seen.runs)
        if looked_at is None:
            break
        backfill = looked_at
    else:
        backfill = evolve(backfill, walked=True)
    if backfill is not before:
        draft.change(BackfillChanged(backfill))


def _look_at(
    draft: Draft, backfill: Backfill, interval: DataInterval, stored: Mapping[str, RunState | None]
) -> Backfill | None:
    """Do what is to be done about an interval; the backfill with that counted. None: not in this turn."""
    identity = run_id(backfill.dag_id, interval.end)
    if identity not in stored or _room(draft.view, backfill) <= 0:
        return None
    known = draft.view.runs.get(identity)
    wish = deed(backfill.existing, known.run.state if known else stored[identity])
    if wish is Deed.MAKE:
        _make(draft, backfill, identity, interval)
        backfill = evolve(backfill, made=backfill.made + 1)
    elif wish is Deed.LEAVE:
        backfill = evolve(backfill, left=backfill.left + 1)
    elif known is None:
        return None  # it was not recalled for want of room
    elif _run_again(draft, backfill, known, _how(backfill, known)):
        backfill = evolve(backfill, rerun=backfill.rerun + 1)
    else:
        backfill = evolve(backfill, left=backfill.left + 1)
    return evolve(backfill, cursor=interval.end)


def _how(backfill: Backfill, run: RunView) -> Rerun:
    """How much of a run that there is already is run again."""
    if backfill.existing is not Existing.ALL:
        return Rerun.FAILED
    return Rerun.ALL if backfill.jobs is None or run.run.started is None else Rerun.JOBS


def _run_again(draft: Draft, backfill: Backfill, run: RunView, how: Rerun) -> bool:
    """Run a run again for the backfill; False if there is nothing of it to run."""
    wish = RetryRun(run.run.id, how, backfill.jobs, backfill.downstream, backfill.version)
    try:
        rerun(draft, run, wish, f"backfill {backfill.id}", backfill.id)
    except Refused:
        return False
    return True


def _retry_failed(draft: Draft, backfill: Backfill, failed: Sequence[str]) -> Backfill:
    """Run its failed runs again, as far as they were fetched; when there were none it is done with that."""
    for identity in failed:
        run = draft.view.runs.get(identity)
        if run is not None and run.run.state.is_terminal:
            _run_again(draft, backfill, run, Rerun.FAILED)
    return backfill if failed else evolve(backfill, retry_before=None)


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
        if backfill.state.is_over:  # recalled for a command that left it as it was
            draft.change(BackfillChanged(backfill))
            continue
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


def wanted_backfill(view: View, command: Command) -> int | None:
    """The backfill that must be recalled before the command can be taken, if any."""
    intent = command.intent
    if not isinstance(intent, PauseBackfill | ResumeBackfill | CancelBackfill | RetryBackfill):
        return None
    return None if intent.backfill_id in view.backfills else intent.backfill_id


def take_backfill_intent(draft: Draft, command: Command, intent: BackfillIntent) -> str:
    """Carry it out; the backfill's number. Raises `Refused`."""
    if isinstance(intent, CreateBackfill):
        return _create(draft, command, intent)
    by = command.requested_by
    backfill = draft.view.backfills.get(intent.backfill_id)
    if backfill is None:
        raise Refused(f"there is no backfill {intent.backfill_id}")
    if isinstance(intent, RetryBackfill):
        _retry(draft, backfill, by)
    elif backfill.state.is_over:
        raise Refused(f"backfill {backfill.id} is {backfill.state}")
    elif isinstance(intent, PauseBackfill):
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


def _retry(draft: Draft, backfill: Backfill, by: str) -> None:
    if backfill.state is BackfillState.CANCELLED:
        raise Refused(
            f"backfill {backfill.id} is cancelled: retry its runs one by one, or make another"
        )
    state = BackfillState.RUNNING if backfill.state.is_over else backfill.state
    again = evolve(backfill, state=state, ended=None, retry_before=draft.now)
    draft.change(BackfillChanged(again))
    _tell(draft, again, f"its failed runs are to run again, says {by}", backfill.state)


def _kill_runs(draft: Draft, backfill: Backfill, by: str) -> None:
    for identity in sorted(draft.view.runs_of_backfill.get(backfill.id, ())):
        run = draft.view.runs[identity]
        if run.run.state in (RunState.QUEUED, RunState.RUNNING) and run.run.kill is None:
            kill_run(draft, run, f"killed with backfill {backfill.id} by {by}")
