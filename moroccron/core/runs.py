"""The life of a run: created when due or asked for, begun when its DAG has room, ended when all its jobs are."""

from collections.abc import Mapping
from typing import Any

from moroccron.core.draft import Draft
from moroccron.core.due import due_runs
from moroccron.core.run_view import RunView
from moroccron.model.changes import DagChanged, DagState, JobRunChanged, RunChanged
from moroccron.model.evolve import evolve
from moroccron.model.run import DataInterval, JobRun, Run, run_id
from moroccron.model.states import JobRunState, RunKind, RunState


def create_run(
    draft: Draft,
    dag: DagState,
    identity: str,
    kind: RunKind,
    interval: DataInterval,
    *,
    params: Mapping[str, Any],
    requested_by: str | None = None,
    cause: str,
) -> None:
    """Add a run on the DAG's newest version. It begins in the same batch if there is room."""
    run = Run(
        id=identity,
        dag_id=dag.dag_id,
        version_id=dag.version_id,
        kind=kind,
        state=RunState.QUEUED,
        interval=interval,
        due=interval.end if kind is RunKind.SCHEDULED else draft.now,
        created=draft.now,
        params=params,
        requested_by=requested_by,
    )
    draft.change(RunChanged(run))
    _tell(draft, run, cause, None)


def schedule(draft: Draft, dag_id: str) -> None:
    """Create what the DAG's timetable has due, as far as max_active_runs leaves room."""
    view = draft.view
    dag = view.dags[dag_id]
    if dag.paused or not dag.active or dag.next_due is None or dag.next_due > draft.now:
        return
    version, timetable = view.versions[dag.version_id], view.timetable(dag.version_id)
    if timetable is None or dag.scheduled_until is None:
        return
    room = version.max_active_runs - len(view.runs_of.get(dag_id, {}))
    if room <= 0:
        return  # looked at again when a run of this DAG ends
    due = due_runs(
        timetable, dag.scheduled_until, catchup=version.catchup, room=room, now=draft.now
    )
    for interval in due.intervals:
        identity = run_id(dag_id, interval.end)
        create_run(
            draft, dag, identity, RunKind.SCHEDULED, interval, params=version.params, cause="due"
        )
    dag = evolve(dag, scheduled_until=due.scheduled_until, next_due=due.next_due)
    draft.change(DagChanged(dag))


def begin_if_room(draft: Draft, run: RunView) -> None:
    """Begin a queued run when fewer than max_active_runs of its DAG are running."""
    view = draft.view
    if view.running[run.run.dag_id] >= run.graph.version.max_active_runs:
        return
    draft.change(RunChanged(evolve(run.run, state=RunState.RUNNING, started=draft.now)))
    _tell(draft, run.run, "begun", RunState.QUEUED)
    for position, spec in enumerate(run.graph.specs):
        draft.change(JobRunChanged(JobRun(run.run.id, spec.id, JobRunState.WAITING, position)))


def end_if_over(draft: Draft, run: RunView) -> None:
    """End a run whose job runs are all over: killed if that was wanted, failed if any job was."""
    if run.run.state.is_terminal:  # recalled for a command that left it as it was
        draft.change(RunChanged(run.run))
        return
    if run.open:
        return
    if run.run.kill is not None:
        state = RunState.KILLED
    elif run.failed:
        state = RunState.FAILED
    else:
        state = RunState.SUCCEEDED
    ended = evolve(run.run, state=state, ended=draft.now)
    draft.change(RunChanged(ended))
    _tell(draft, ended, "all jobs are over", RunState.RUNNING)


def _tell(draft: Draft, run: Run, cause: str, before: RunState | None) -> None:
    draft.tell(
        "run", cause, dag_id=run.dag_id, run_id=run.id, from_state=before, to_state=run.state
    )
