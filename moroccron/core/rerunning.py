"""Running a run again: from where it failed, some of its jobs, or all of it. What it would do, and doing it.

`plan_rerun` is pure and asked by both, so that a preview and the deed cannot differ. What is chosen begins anew,
with its retries; what a rule had closed is asked again; all else stays as it is, and what is at work is let be.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from moroccron.core.amending import decide_anew, reopen_run
from moroccron.core.consequences import Consequence, is_movable, rerun_consequences
from moroccron.core.draft import Draft
from moroccron.core.graph import JobGraph
from moroccron.core.moves import queue_attempt
from moroccron.core.params import checked_params
from moroccron.core.rebasing import rebased
from moroccron.core.refused import Refused
from moroccron.core.run_view import RunView
from moroccron.core.runs import tell_run
from moroccron.model.backfill import VersionChoice, selected
from moroccron.model.changes import JobRunChanged, RunChanged
from moroccron.model.command import Rerun, RetryRun
from moroccron.model.dag_version import DagVersion
from moroccron.model.evolve import evolve
from moroccron.model.preview import JobMove, RunPreview
from moroccron.model.run import JobRun, Run
from moroccron.model.states import JobRunState, RunState

_ENDED_ITSELF = frozenset({JobRunState.FAILED, JobRunState.LOST, JobRunState.KILLED})


@dataclass(frozen=True, slots=True)
class RerunPlan:
    """What becomes of the jobs of a run."""

    chosen: frozenset[int]
    moves: tuple[Consequence, ...]  #: those that would stand otherwise, in topological order


def plan_rerun(run: RunView, wish: RetryRun) -> RerunPlan:
    """What running it again would do. Raises `Refused`."""
    row = run.run
    if row.kill is not None and not row.state.is_terminal:
        raise Refused(f"run {row.id} is being killed: retry it once that is over")
    if row.state is RunState.QUEUED:
        raise Refused(f"run {row.id} has not begun yet")
    if row.started is None:
        if wish.rerun is Rerun.JOBS:
            raise Refused(f"run {row.id} never began: retry all of it")
        return RerunPlan(frozenset(), ())
    chosen = frozenset(p for p in _wanted(run, wish) if run.state_at(p).is_terminal)
    asked_again = [
        position
        for position in range(len(run.graph.specs))
        if position not in chosen
        and is_movable(run.job_run(position))
        and (row.state.is_terminal or run.state_at(position).is_terminal)
    ]
    moves = tuple(rerun_consequences(run, chosen, asked_again))
    unjudged = wish.rerun is Rerun.FAILED and row.state in (RunState.FAILED, RunState.KILLED)
    if not chosen and not moves and not unjudged and not _new_jobs(run):
        raise Refused(_nothing(run, wish))
    return RerunPlan(chosen, moves)


def _wanted(run: RunView, wish: RetryRun) -> list[int]:
    positions = range(len(run.graph.specs))
    if wish.rerun is Rerun.FAILED:
        return [position for position in positions if _ended_itself(run.job_run(position))]
    if wish.rerun is Rerun.ALL:
        left_out = JobRunState.NOT_SELECTED
        return [position for position in positions if run.state_at(position) is not left_out]
    named = selected(run.graph.specs, wish.jobs, downstream=wish.downstream)
    if not named:
        raise Refused(f"no job of run {run.run.id} matches {wish.jobs!r}")
    return [run.graph.position[job_id] for job_id in named]


def _new_jobs(run: RunView) -> tuple[str, ...]:
    """Those that a run that is over has from the version on which it is to go on."""
    if not run.run.state.is_terminal:
        return ()
    return tuple(
        spec.id
        for position, spec in enumerate(run.graph.specs)
        if run.state_at(position) is JobRunState.WAITING
    )


def _ended_itself(job_run: JobRun) -> bool:
    """Whether it failed by its own attempts, or by a person's word."""
    return job_run.state in _ENDED_ITSELF and not is_movable(job_run)


def _nothing(run: RunView, wish: RetryRun) -> str:
    if wish.rerun is Rerun.FAILED:
        return f"no job of run {run.run.id} has failed: name jobs, or retry all of it"
    return f"run {run.run.id}: all that is asked for is still at work, or waits"


def rerun(
    draft: Draft, run: RunView, wish: RetryRun, by: str, backfill_id: int | None = None
) -> None:
    """Run it again, for a backfill if one is named. Raises `Refused` before anything is changed."""
    fields: dict[str, Any] = {} if backfill_id is None else {"backfill_id": backfill_id}
    target = _on_version(draft, run, wish)
    plan = plan_rerun(target, wish)
    if target is not run:
        fields |= {"version_id": target.run.version_id, "params": target.run.params}
    if run.run.started is None:
        _begin_at_last(draft, run, by, fields)
        return
    reopen_run(draft, run, withdraw=True, **fields)
    if target is not run:
        run = draft.view.runs[run.run.id]
        _write_jobs(draft, run, by)
    _begin_anew(draft, run, plan, by)


def _on_version(draft: Draft, run: RunView, wish: RetryRun) -> RunView:
    """The run as it would be on the version that is wished for."""
    if wish.version is VersionChoice.OWN:
        return run
    dag = draft.view.dags[run.run.dag_id]
    return on_newest(run, draft.view.graph(dag.version_id))


def on_newest(run: RunView, newest: JobGraph) -> RunView:
    """The run on its DAG's newest version, or itself if it is there. Raises `Refused`."""
    version = newest.version
    if version.id == run.run.version_id:
        return run
    if not run.run.state.is_terminal:
        raise Refused(f"run {run.run.id} is not over: only then it can go on with another version")
    known = {name: value for name, value in run.run.params.items() if name in version.params}
    params = {**run.run.params, **checked_params(version, known)}
    return rebased(run, evolve(run.run, version_id=version.id, params=params), newest)


def _write_jobs(draft: Draft, run: RunView, by: str) -> None:
    """The places of its jobs are others on another version, and there are new ones."""
    for job_run in (*run.job_runs, *run.gone.values()):
        if job_run is not None:
            draft.change(JobRunChanged(job_run))
    cause = f"goes on with version {run.run.version_id}, as {by} wants"
    tell_run(draft, run.run, cause, run.run.state)


def _begin_anew(draft: Draft, run: RunView, plan: RerunPlan, by: str) -> None:
    for position in sorted(plan.chosen):
        draft.change(JobRunChanged(anew(run.job_run(position))))
    for move in plan.moves:
        if move.position not in plan.chosen:
            decide_anew(draft, run, move)
        elif move.after is JobRunState.QUEUED:
            fresh = evolve(run.job_run(move.position), ready=draft.now)
            queue_attempt(draft, run, fresh, f"run again by {by}")
        else:
            _tell_waiting(draft, run, move, by)


def anew(job_run: JobRun) -> JobRun:
    """As if it had not begun, but for the numbers of its attempts, which are never used again."""
    return evolve(
        job_run,
        state=JobRunState.WAITING,
        failures=0,
        losses=0,
        ready=None,
        started=None,
        ended=None,
        cause=None,
        mark=None,
        marked_by=None,
        message=None,
    )


def _begin_at_last(draft: Draft, run: RunView, by: str, fields: dict[str, Any]) -> None:
    """It was over before it began: it waits for its turn again."""
    before = run.run
    again = evolve(before, **(fields | {"state": RunState.QUEUED, "ended": None, "kill": None}))
    draft.change(RunChanged(again))
    tell_run(draft, again, f"run again by {by}", before.state)


def _tell_waiting(draft: Draft, run: RunView, move: Consequence, by: str) -> None:
    draft.tell(
        "job_run",
        f"run again by {by}",
        run_id=run.run.id,
        job_id=run.graph.specs[move.position].id,
        from_state=move.before,
        to_state=JobRunState.WAITING,
    )


def preview_rerun(
    run: Run, version: DagVersion, newest: DagVersion, job_runs: Iterable[JobRun], wish: RetryRun
) -> RunPreview:
    """What running it again would do to a run as its rows have it."""
    view = RunView(run, JobGraph(version))
    for job_run in job_runs:
        view.set_job_run(job_run)
    try:
        if wish.version is VersionChoice.NEWEST:
            view = on_newest(view, JobGraph(newest))
        plan = plan_rerun(view, wish)
    except Refused as refused:
        return RunPreview(run.id, version.id, newest.id, view.run.version_id, refused=str(refused))
    specs = view.graph.specs
    return RunPreview(
        run.id,
        version.id,
        newest.id,
        view.run.version_id,
        moves=tuple(JobMove(specs[m.position].id, m.before, m.after, m.cause) for m in plan.moves),
        new=_new_jobs(view) if run.started is not None else (),
        gone=tuple(view.gone),
        at_work=tuple(
            specs[position].id for position in _wanted(view, wish) if _is_at_work(view, position)
        )
        if run.started is not None
        else (),
        reopens_run=run.state.is_terminal,
    )


def _is_at_work(run: RunView, position: int) -> bool:
    return not run.state_at(position).is_terminal and not run.run.state.is_terminal
