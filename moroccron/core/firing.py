"""A schedule that fires: which runs that makes, and what becomes of those for which there is no room."""

from datetime import datetime

from moroccron.core.draft import Draft
from moroccron.core.due import ON_TIME, Due, Passed, Rules, due_runs
from moroccron.core.killing import kill_run
from moroccron.core.run_view import RunView
from moroccron.core.runs import create_run, tell_run
from moroccron.model.changes import DagChanged, DagState, RunChanged
from moroccron.model.dag_version import DagVersion
from moroccron.model.evolve import evolve
from moroccron.model.run import DataInterval, Run, run_id
from moroccron.model.schedule import CatchUp, Overlap
from moroccron.model.states import KillReason, RunKind, RunState

MOST_WAITING = 100  #: runs of a DAG that wait for others of it; what fires beyond them is due still


def schedule(draft: Draft, dag_id: str) -> None:
    """Create what the DAG's timetable has due, as far as there is room."""
    view = draft.view
    dag = view.dags[dag_id]
    if dag.paused or not dag.active or dag.next_due is None or dag.next_due > draft.now:
        return
    version, timetable = view.versions[dag.version_id], view.timetable(dag.version_id)
    if timetable is None or dag.scheduled_until is None:
        return
    rules = Rules(version.catchup, version.catchup_within, version.overlap)
    room = _room(version, len(_active(draft, dag_id)))
    due = due_runs(timetable, dag.scheduled_until, rules, room=room, now=draft.now)
    ahead = view.ahead.get(dag_id, set())  # a backfill was here first
    for interval in due.intervals:
        if interval.end not in ahead:
            _create(draft, dag, version, interval)
    if due.newest is not None and due.newest.end not in ahead:
        _overlap(draft, dag, version, due.newest)
    _tell_passed(draft, dag_id, version, due)
    if (due.scheduled_until, due.next_due) != (dag.scheduled_until, dag.next_due):
        draft.change(
            DagChanged(evolve(dag, scheduled_until=due.scheduled_until, next_due=due.next_due))
        )


def _active(draft: Draft, dag_id: str) -> list[RunView]:
    """The runs that take slots of the DAG, or wait for one: none of a backfill's."""
    found = draft.view.runs_of.get(dag_id, {}).values()
    return [run for run in found if run.run.backfill_id is None]


def _room(version: DagVersion, active: int) -> int:
    """How many runs may be created now.

    A fire that comes while its DAG is busy gets its run at once, which then waits. What is caught up with is
    created only to begin: that may be years of it.
    """
    room = version.max_active_runs - active
    if version.overlap is Overlap.QUEUE and version.catchup is not CatchUp.ALL:
        room += MOST_WAITING
    return max(room, 0)


def _create(draft: Draft, dag: DagState, version: DagVersion, interval: DataInterval) -> Run:
    late = draft.now - interval.end
    return create_run(
        draft,
        dag,
        run_id(dag.dag_id, interval.end),
        RunKind.SCHEDULED,
        interval,
        params=version.params,
        cause="due" if late <= ON_TIME else f"made up for, {_span(late.total_seconds())} late",
    )


def _overlap(draft: Draft, dag: DagState, version: DagVersion, interval: DataInterval) -> None:
    """A fire finds no room, and its DAG does not queue."""
    active = _active(draft, dag.dag_id)
    busy = f"{len(active)} of {version.max_active_runs} runs are under way, the oldest {active[0].run.id}"
    match version.overlap:
        case Overlap.SKIP | Overlap.QUEUE:
            message = f"the fire of {_text(interval.end)} is skipped: {busy}"
            draft.tell("dag", "fire skipped", dag_id=dag.dag_id, message=message)
        case Overlap.CANCEL_NEW:
            run = _create(draft, dag, version, interval)
            over = evolve(run, state=RunState.KILLED, kill=KillReason.OVERLAP, ended=draft.now)
            draft.change(RunChanged(over))
            tell_run(draft, over, f"cancelled: {busy}", RunState.QUEUED)
        case Overlap.REPLACE:
            run = _create(draft, dag, version, interval)
            for old in _replaceable(active, version.max_active_runs):
                kill_run(draft, old, f"replaced by {run.id}", KillReason.OVERLAP)


def _replaceable(active: list[RunView], most: int) -> list[RunView]:
    """The oldest scheduled runs, so many that one more fits. What a person began is let be."""
    alive = [run for run in active if run.run.kill is None]
    scheduled = [run for run in alive if run.run.kind is RunKind.SCHEDULED]
    return scheduled[: max(len(alive) - most + 1, 0)]


def _tell_passed(draft: Draft, dag_id: str, version: DagVersion, due: Due) -> None:
    if due.missed is not None:
        rule = f"catchup={version.catchup}"
        if version.catchup_within is not None:
            rule += f" within {_span(version.catchup_within)}"
        message = f"{_fires(due.missed)}, not made up for: {rule}"
        draft.tell("dag", "fires missed", dag_id=dag_id, message=message)
    if due.crowded is not None:
        message = f"{_fires(due.crowded)}, for want of room: overlap={version.overlap}"
        draft.tell("dag", "fires skipped", dag_id=dag_id, message=message)


def _fires(passed: Passed) -> str:
    if passed.first == passed.last:
        return f"the fire of {_text(passed.first)}"
    return f"the fires from {_text(passed.first)} to {_text(passed.last)}"


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%SZ}"


def _span(seconds: float) -> str:
    """A stretch of time in its largest unit, rounded."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{seconds:.0f} s"
