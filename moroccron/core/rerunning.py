"""Running a run again: from where it failed, some of its jobs, or all of it. What it would do, and doing it.

`plan_rerun` is pure and asked by both, so that a preview and the deed cannot differ. What is chosen begins anew,
with its retries; what a rule had closed is asked again; all else stays as it is, and what is at work is let be.
"""

from dataclasses import dataclass

from moroccron.core.amending import decide_anew, reopen_run
from moroccron.core.consequences import Consequence, is_movable, rerun_consequences
from moroccron.core.draft import Draft
from moroccron.core.moves import queue_attempt
from moroccron.core.refused import Refused
from moroccron.core.run_view import RunView
from moroccron.model.backfill import selected
from moroccron.model.changes import JobRunChanged, RunChanged
from moroccron.model.command import Rerun, RetryRun
from moroccron.model.evolve import evolve
from moroccron.model.run import JobRun
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
        if run.state_at(position).is_terminal and is_movable(run.job_run(position))
    ]
    moves = tuple(rerun_consequences(run, chosen, asked_again))
    unjudged = wish.rerun is Rerun.FAILED and row.state in (RunState.FAILED, RunState.KILLED)
    if not chosen and not moves and not unjudged:
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
    plan = plan_rerun(run, wish)
    if run.run.started is None:
        _begin_at_last(draft, run, by, backfill_id)
        return
    reopen_run(draft, run, withdraw=True, backfill_id=backfill_id)
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
    )


def _begin_at_last(draft: Draft, run: RunView, by: str, backfill_id: int | None) -> None:
    """It was over before it began: it waits for its turn again."""
    before = run.run
    made_for = before.backfill_id if backfill_id is None else backfill_id
    again = evolve(before, state=RunState.QUEUED, ended=None, kill=None, backfill_id=made_for)
    draft.change(RunChanged(again))
    draft.tell(
        "run",
        f"run again by {by}",
        dag_id=before.dag_id,
        run_id=before.id,
        from_state=before.state,
        to_state=RunState.QUEUED,
    )


def _tell_waiting(draft: Draft, run: RunView, move: Consequence, by: str) -> None:
    draft.tell(
        "job_run",
        f"run again by {by}",
        run_id=run.run.id,
        job_id=run.graph.specs[move.position].id,
        from_state=move.before,
        to_state=JobRunState.WAITING,
    )
