"""Limits on time: how long an attempt may wait for a place, and how long a job and a run may take in all.

How long an attempt may *run* is its agent's to see to, and `watching`'s. What a limit ends is killed, is not tried
again, and says by which limit in its row and in history.
"""

from datetime import timedelta

from moroccron.core.draft import Draft
from moroccron.core.killing import kill_run, want_dead
from moroccron.core.moves import move_attempt
from moroccron.core.run_view import RunView
from moroccron.model.attempt import AttemptInput
from moroccron.model.evolve import evolve
from moroccron.model.run import Attempt, AttemptKey, JobRunKey
from moroccron.model.states import AttemptState, JobRunState, KillReason, RunState


def end_wait(draft: Draft, key: AttemptKey) -> None:
    """End an attempt that has waited for a place as long as its job allows."""
    attempt = draft.view.attempt(key)
    if attempt is None or attempt.state is not AttemptState.QUEUED:
        return
    run = draft.view.runs[key.run_id]
    position = run.graph.position[key.job_id]
    limit = run.graph.specs[position].start_within
    if limit is None or run.job_run(position).state is not JobRunState.QUEUED:
        return
    if draft.now < attempt.ready + timedelta(seconds=limit):
        return
    why = f"found no place within {limit:g} s (start_within)"
    _end_queued(draft, attempt, KillReason.QUEUE_WAIT, why)


def end_job(draft: Draft, key: JobRunKey) -> None:
    """End a job that has taken, with all its attempts, as long as it may."""
    run = draft.view.runs.get(key.run_id)
    if run is None:
        return
    position = run.graph.position.get(key.job_id)
    if position is None:
        return  # gone with another version
    job_run, attempt = run.job_run(position), run.attempts[position]
    ends = run.graph.ends(job_run)
    if ends is None or draft.now < ends or job_run.state.is_terminal or attempt is None:
        return
    limit = run.graph.specs[position].job_timeout
    why = f"took longer than {limit:g} s with its retries (job_timeout)"
    if attempt.state is AttemptState.QUEUED:
        _end_queued(draft, attempt, KillReason.JOB_TIMEOUT, why)
    elif attempt.state.is_live:
        if attempt.kill is KillReason.TIMEOUT:
            attempt = evolve(attempt, kill=None)  # this limit says more: no attempt follows
        want_dead(draft, attempt, KillReason.JOB_TIMEOUT, why)


def end_run(draft: Draft, run_id: str) -> None:
    """End a run that has taken as long as its DAG allows."""
    run = draft.view.runs.get(run_id)
    if run is None or run.run.state is not RunState.RUNNING or run.run.kill is not None:
        return
    if run.run.expires is None or draft.now < run.run.expires:
        return
    why = f"the run took longer than {_limit_of(run):g} s (run_timeout)"
    draft.tell(
        "run",
        why,
        dag_id=run.run.dag_id,
        run_id=run_id,
        from_state=RunState.RUNNING,
        to_state=RunState.RUNNING,
    )
    kill_run(draft, run, why, KillReason.RUN_TIMEOUT)


def _limit_of(run: RunView) -> float:
    limit = run.graph.version.run_timeout
    assert limit is not None, f"{run.run.id} expires, and its DAG has no limit"
    return limit


def _end_queued(draft: Draft, attempt: Attempt, reason: KillReason, why: str) -> None:
    """End one that has no task. What offers lacked stays in its message: it is why it came to this."""
    said = why if attempt.message is None else f"{why}: {attempt.message}"
    move_attempt(draft, attempt, AttemptInput.KILL_REQUESTED, why, kill=reason, message=said)
