"""The life of a run: created when due or asked for, begun when its DAG has room, ended when all its jobs are."""

from collections.abc import Mapping
from typing import Any

from moroccron.core.draft import Draft
from moroccron.core.previous import run_is_held
from moroccron.core.run_view import RunView
from moroccron.model.backfill import Backfill, selected
from moroccron.model.changes import DagChanged, DagState, JobRunChanged, RunChanged
from moroccron.model.evolve import evolve
from moroccron.model.run import DataInterval, JobRun, Run
from moroccron.model.states import JobRunState, KillReason, RunKind, RunState
from moroccron.model.trigger import Cause


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
    backfill: Backfill | None = None,
    trigger: Cause | None = None,
) -> Run:
    """Add a run on the DAG's newest version, or its backfill's. It begins in the same batch if there is room.

    Its data interval and logical date are given here and never change.
    """
    run = Run(
        id=identity,
        dag_id=dag.dag_id,
        version_id=backfill.version_id if backfill else dag.version_id,
        kind=kind,
        state=RunState.QUEUED,
        interval=interval,
        due=interval.end if kind is RunKind.SCHEDULED else draft.now,
        created=draft.now,
        params=params,
        requested_by=requested_by,
        backfill_id=backfill.id if backfill else None,
        cause=trigger,
    )
    draft.change(RunChanged(run))
    tell_run(draft, run, cause, None)
    return run


def begin_if_room(draft: Draft, run: RunView) -> None:
    """Begin a queued run when fewer than max_active_runs of its DAG are running; a backfill's at once.

    None begins while the run before it holds it back.
    """
    view = draft.view
    if run.graph.looks_back and run_is_held(draft, run):
        return
    limited = run.run.backfill_id is None
    if limited and view.running[run.run.dag_id] >= run.graph.version.max_active_runs:
        return
    expires = run.graph.expiry(draft.now)
    begun = evolve(run.run, state=RunState.RUNNING, started=draft.now, expires=expires)
    draft.change(RunChanged(begun))
    tell_run(draft, run.run, "begun", RunState.QUEUED)
    chosen = _chosen(draft, run)
    for position, spec in enumerate(run.graph.specs):
        job_run = JobRun(run.run.id, spec.id, JobRunState.WAITING, position)
        if chosen is not None and spec.id not in chosen:
            job_run = evolve(job_run, state=JobRunState.NOT_SELECTED, ended=draft.now)
        draft.change(JobRunChanged(job_run))


def _chosen(draft: Draft, run: RunView) -> frozenset[str] | None:
    """The jobs that are to run; None: all."""
    backfill = draft.view.backfills.get(run.run.backfill_id or 0)
    if backfill is None or backfill.jobs is None:
        return None
    return selected(run.graph.specs, backfill.jobs, downstream=backfill.downstream)


def end_if_over(draft: Draft, run: RunView) -> Run | None:
    """End a run whose job runs are all over: killed if a person wanted it, failed if any job was.

    The run as it has ended now; None: it has not.
    """
    if run.run.state.is_terminal:  # recalled for a command that left it as it was
        draft.change(RunChanged(run.run))
        return None
    if run.open:
        return None
    if run.run.kill is KillReason.RUN_TIMEOUT:
        state = RunState.FAILED
    elif run.run.kill is not None:
        state = RunState.KILLED
    elif run.failed:
        state = RunState.FAILED
    else:
        state = RunState.SUCCEEDED
    ended = evolve(run.run, state=state, ended=draft.now)
    draft.change(RunChanged(ended))
    tell_run(draft, ended, "all jobs are over", RunState.RUNNING)
    _count_failures(draft, ended)
    return ended


def _count_failures(draft: Draft, ended: Run) -> None:
    """Pause a DAG whose scheduled runs failed so many times in a row as it allows."""
    view = draft.view
    dag = view.dags.get(ended.dag_id)
    if dag is None or ended.kind is not RunKind.SCHEDULED or ended.state is RunState.KILLED:
        return
    if ended.backfill_id is not None:
        return
    allowed = view.versions[dag.version_id].pause_after
    failed = dag.failed_runs + 1 if allowed and ended.state is RunState.FAILED else 0
    if failed == dag.failed_runs:
        return
    dag = evolve(dag, failed_runs=failed)
    if allowed and failed >= allowed and not dag.paused:
        dag = evolve(dag, paused=True, next_due=None)
        message = f"{failed} scheduled runs in a row failed, the last {ended.id}"
        draft.tell("dag", "paused by its failures", dag_id=dag.dag_id, message=message)
    draft.change(DagChanged(dag))


def tell_run(draft: Draft, run: Run, cause: str, before: RunState | None) -> None:
    draft.tell(
        "run", cause, dag_id=run.dag_id, run_id=run.id, from_state=before, to_state=run.state
    )
