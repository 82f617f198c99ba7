"""Moving an attempt through the table, and what that means for its job run.

The only module that turns an `AttemptInput` into rows: the attempt, its job run, the next attempt if there is
one, and the lines of history.
"""

from datetime import timedelta
from typing import Any

from moroccron.core.draft import Draft
from moroccron.core.ephemera import Undemanding
from moroccron.core.retry import GiveUp, Retry, after, avoided, charge, failure_of
from moroccron.core.run_view import RunView
from moroccron.model.attempt import AttemptInput, Illegal, Move, verdict
from moroccron.model.changes import AttemptChanged, JobRunChanged
from moroccron.model.errors import IllegalMove
from moroccron.model.evolve import evolve
from moroccron.model.run import Attempt, AttemptKey, JobRun
from moroccron.model.states import AttemptState, JobRunState, KillReason

_JOB_RUN_STATE = {
    AttemptState.LAUNCHING: JobRunState.LAUNCHING,
    AttemptState.RUNNING: JobRunState.RUNNING,
    AttemptState.UNREACHABLE: JobRunState.UNREACHABLE,
}
_AT_FAULT = frozenset({AttemptState.FAILED, AttemptState.LOST})


def move_attempt(
    draft: Draft,
    attempt: Attempt,
    given: AttemptInput,
    cause: str,
    *,
    followed: tuple[str, ...] | None = None,
    **fields: Any,
) -> bool:
    """Give an input to an active run's newest attempt. `fields` are set on it if it moves. True if it moved.

    `followed`: which jobs downstream its output says to follow.
    """
    answer = verdict(attempt.state, given)
    if isinstance(answer, Illegal):
        raise IllegalMove(f"{given} is no input for {attempt}")
    if not isinstance(answer, Move):
        return False
    moved = evolve(attempt, state=answer.to, **fields)
    if answer.to.is_terminal and moved.ended is None:
        moved = evolve(moved, ended=draft.now)
    if answer.to in _AT_FAULT:
        moved = evolve(moved, failure=failure_of(moved))
    draft.change(AttemptChanged(moved))
    draft.tell_attempt(moved.key, cause, attempt.state, moved.state, moved.message)
    _follow(draft, moved, given, followed)
    return True


def queue_attempt(draft: Draft, run: RunView, job_run: JobRun, cause: str, **fields: Any) -> None:
    """Give a job run its next attempt, ready at `fields['ready']` or now."""
    fields.setdefault("ready", draft.now)
    number = job_run.attempts + 1
    attempt = Attempt(job_run.run_id, job_run.job_id, number, AttemptState.QUEUED, **fields)
    waits = attempt.ready > draft.now
    draft.change(
        JobRunChanged(
            evolve(
                job_run,
                state=JobRunState.RETRYING if waits else JobRunState.QUEUED,
                attempts=number,
                ready=job_run.ready or attempt.ready,
                message=None,
                followed=None,
            )
        )
    )
    draft.change(AttemptChanged(attempt))
    draft.tell_attempt(attempt.key, cause, None, AttemptState.QUEUED)


def decide_unrun(
    draft: Draft, job_run: JobRun, state: JobRunState, cause: str | None, why: str
) -> None:
    """Close a job run that will not run. `cause` is the upstream job that decided it, if one did."""
    over = evolve(job_run, state=state, cause=cause, ended=draft.now, message=None)
    draft.change(JobRunChanged(over))
    draft.tell(
        "job_run",
        why,
        run_id=job_run.run_id,
        job_id=job_run.job_id,
        from_state=job_run.state,
        to_state=state,
    )


def _follow(
    draft: Draft, attempt: Attempt, given: AttemptInput, followed: tuple[str, ...] | None
) -> None:
    """Bring the job run in line with its newest attempt."""
    run = draft.view.runs[attempt.run_id]
    position = run.graph.position[attempt.job_id]
    job_run = run.job_run(position)
    if not attempt.state.is_terminal:
        draft.change(
            JobRunChanged(
                evolve(
                    job_run,
                    state=_JOB_RUN_STATE[attempt.state],
                    started=job_run.started or attempt.started,
                )
            )
        )
        return
    spec = run.graph.specs[position]
    cost = charge(attempt, spec)
    counted: dict[str, Any] = {
        "failures": job_run.failures + cost.failures,
        "losses": job_run.losses + cost.losses,
        "started": job_run.started or attempt.started,
    }
    wish = after(
        attempt,
        spec,
        failures=counted["failures"],
        losses=counted["losses"],
        hopeless=given is AttemptInput.ERROR,
        now=draft.now,
    )
    unwanted = run.run.kill is not None or attempt.kill is KillReason.REQUESTED
    if unwanted and attempt.state is not AttemptState.SUCCEEDED:
        wish = GiveUp(JobRunState.KILLED)
    ends = run.graph.ends(job_run)
    if isinstance(wish, Retry) and ends is not None and ends <= draft.now:
        wish = GiveUp(JobRunState.KILLED)
    if job_run.mark is not None:
        wish = GiveUp(job_run.mark)
    if isinstance(wish, GiveUp):
        over = evolve(job_run, state=wish.state, ended=attempt.ended, followed=followed, **counted)
        draft.change(JobRunChanged(over))
    else:
        cause = _why_again(attempt, given, wish)
        again = {"ready": wish.at, "mem": wish.mem, "avoid": avoided(attempt)}
        queue_attempt(draft, run, evolve(job_run, **counted), cause, **again)


def _why_again(attempt: Attempt, given: AttemptInput, wish: Retry) -> str:
    if given is AttemptInput.PATIENCE_ENDED:
        return f"in place of attempt {attempt.number}, which may still run"
    cause = f"retry after {attempt.state} ({attempt.failure})"
    return cause if wish.mem == attempt.mem else f"{cause} with {wish.mem} MiB"


def requeue(draft: Draft, key: AttemptKey) -> None:
    """The delay of a queued attempt has passed: it waits for an offer from now on."""
    attempt = draft.view.attempt(key)
    if attempt is None or attempt.state is not AttemptState.QUEUED:
        return
    run = draft.view.runs[key.run_id]
    job_run = run.job_run(run.graph.position[key.job_id])
    if job_run.state is not JobRunState.RETRYING or attempt.ready > draft.now:
        return
    draft.change(JobRunChanged(evolve(job_run, state=JobRunState.QUEUED)))
    draft.change(AttemptChanged(attempt))
    draft.tell_attempt(key, "retry delay passed", AttemptState.QUEUED, AttemptState.QUEUED)


def end_choice(draft: Draft, key: AttemptKey) -> None:
    """A retry that was offered no other agent in time takes any."""
    view, attempt = draft.view, draft.view.attempt(key)
    if attempt is None or key not in view.choosy or attempt.state is not AttemptState.QUEUED:
        return
    if draft.now >= attempt.ready + timedelta(seconds=view.policy.retry_elsewhere):
        draft.note(Undemanding(key))
