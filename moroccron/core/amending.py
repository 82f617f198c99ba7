"""Retrying a job and marking one: what it would do, and doing it.

`plan` is pure and asked by both, so that a preview and the deed cannot differ. An attempt that lives is ended
before a mark counts: what follows downstream must not begin while the job may still be at work.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from moroccron.core.consequences import Consequence, consequences
from moroccron.core.draft import Draft
from moroccron.core.graph import JobGraph
from moroccron.core.killing import want_dead
from moroccron.core.moves import decide_unrun, move_attempt, queue_attempt
from moroccron.core.refused import Refused
from moroccron.core.run_view import RunView
from moroccron.model.attempt import AttemptInput
from moroccron.model.changes import JobRunChanged, RunChanged
from moroccron.model.command import Amendment, RetryJob
from moroccron.model.dag_version import DagVersion
from moroccron.model.evolve import evolve
from moroccron.model.preview import JobMove, Preview
from moroccron.model.run import JobRun, Run
from moroccron.model.states import AttemptState, JobRunState, KillReason, RunState

#: job runs whose newest attempt may hold an agent's resources
_LIVE = frozenset({JobRunState.LAUNCHING, JobRunState.RUNNING, JobRunState.UNREACHABLE})


@dataclass(frozen=True, slots=True)
class Plan:
    """What an amendment does to a job, and what follows from it."""

    position: int
    after: JobRunState
    ends_attempt: bool
    follows: tuple[Consequence, ...]

    @property
    def goes_on(self) -> bool:
        """Whether something of the run runs afterwards that was over."""
        return self.after is JobRunState.QUEUED or any(found.reopens for found in self.follows)


def plan(run: RunView, wish: Amendment) -> Plan:
    """What a retry or a mark would do. Raises `Refused`."""
    position = run.graph.position.get(wish.job_id)
    if position is None:
        raise Refused(f"run {wish.run_id} has no job {wish.job_id}")
    if run.run.started is None:
        raise Refused(f"run {wish.run_id} never began: trigger {run.run.dag_id} instead")
    state = run.job_run(position).state
    if isinstance(wish, RetryJob):
        if not state.is_terminal:
            raise Refused(f"job {wish.job_id} is {state}: only a job that is over can be retried")
        after = JobRunState.QUEUED
    else:
        after = wish.state
        if run.run.kill is not None and not run.run.state.is_terminal:
            raise Refused(
                f"run {wish.run_id} is being killed: mark {wish.job_id} once that is over"
            )
        if state is after:
            raise Refused(f"job {wish.job_id} is {state} already")
    return Plan(position, after, state in _LIVE, tuple(consequences(run, position, after)))


def preview(run: Run, version: DagVersion, job_runs: Iterable[JobRun], wish: Amendment) -> Preview:
    """What an amendment would do to a run as its rows have it."""
    view = RunView(run, JobGraph(version))
    for job_run in job_runs:
        view.set_job_run(job_run)
    before = _state_of(view, wish.job_id)
    try:
        found = plan(view, wish)
    except Refused as refused:
        return Preview(run.id, JobMove(wish.job_id, before, before), refused=str(refused))
    return Preview(
        run.id,
        JobMove(wish.job_id, before, found.after),
        tuple(_move(view, follow) for follow in found.follows),
        ends_attempt=found.ends_attempt,
        reopens_run=run.state.is_terminal and found.goes_on,
    )


def _state_of(run: RunView, job_id: str) -> JobRunState:
    position = run.graph.position.get(job_id)
    return JobRunState.WAITING if position is None else run.state_at(position)


def _move(run: RunView, found: Consequence) -> JobMove:
    return JobMove(run.graph.specs[found.position].id, found.before, found.after, found.cause)


def amend(draft: Draft, wish: Amendment, by: str) -> None:
    """Carry an amendment out. Raises `Refused` before anything is changed."""
    run = draft.view.runs.get(wish.run_id)
    if run is None:
        raise Refused(f"there is no run {wish.run_id}")
    found = plan(run, wish)
    reopen_run(draft, run, withdraw=found.goes_on)
    job_run = run.job_run(found.position)
    if isinstance(wish, RetryJob):
        fresh = evolve(
            job_run,
            failures=0,
            losses=0,
            ready=draft.now,
            started=None,
            ended=None,
            cause=None,
            mark=None,
            marked_by=None,
        )
        queue_attempt(draft, run, fresh, f"retry requested by {by}")
    elif _mark(draft, run, evolve(job_run, mark=wish.state, marked_by=by)):
        return  # it counts, and what follows is decided, when the attempt has ended
    for follow in found.follows:
        decide_anew(draft, run, follow)


def reopen_run(draft: Draft, run: RunView, *, withdraw: bool, **fields: Any) -> None:
    """Let an ended run go on, or be judged anew; `fields` are set on it. What is to run on is not wanted dead any
    more."""
    before = run.run
    kill = None if withdraw else before.kill
    if not before.state.is_terminal and kill is before.kill:
        return
    expires = run.graph.expiry(draft.now)  # what goes on has its time anew
    changes = {"state": RunState.RUNNING, "ended": None, "kill": kill, "expires": expires}
    opened = evolve(before, **(changes | fields))
    draft.change(RunChanged(opened))
    draft.tell(
        "run", "re-opened", run_id=before.id, from_state=before.state, to_state=RunState.RUNNING
    )


def _mark(draft: Draft, run: RunView, job_run: JobRun) -> bool:
    """Mark a job; True if that must wait for an attempt to end."""
    attempt = run.attempts[job_run.position]
    why = f"marked {job_run.mark} by {job_run.marked_by}"
    assert job_run.mark is not None
    if attempt is not None and not attempt.state.is_terminal:
        draft.change(JobRunChanged(job_run))
        if attempt.state is AttemptState.QUEUED:
            move_attempt(draft, attempt, AttemptInput.KILL_REQUESTED, why, message=why)
            return False
        want_dead(draft, attempt, KillReason.MARKED, why)
        return True
    over = evolve(
        job_run, state=job_run.mark, cause=None, ended=job_run.ended or draft.now, message=None
    )
    draft.change(JobRunChanged(over))
    draft.tell(
        "job_run",
        why,
        run_id=run.run.id,
        job_id=job_run.job_id,
        from_state=job_run.state,
        to_state=over.state,
    )
    return False


def decide_anew(draft: Draft, run: RunView, follow: Consequence) -> None:
    """Open what is not closed any more, for the resolver to go on with, or close it otherwise."""
    if not follow.before.is_terminal:
        return  # it waited: the resolver decides it now
    job_run = run.job_run(follow.position)
    if follow.after.is_terminal:
        decide_unrun(draft, job_run, follow.after, follow.cause, f"upstream {follow.cause}")
        return
    waiting = evolve(job_run, state=JobRunState.WAITING, cause=None, ended=None, ready=None)
    draft.change(JobRunChanged(waiting))
    draft.tell(
        "job_run",
        "re-opened",
        run_id=run.run.id,
        job_id=job_run.job_id,
        from_state=job_run.state,
        to_state=JobRunState.WAITING,
    )
