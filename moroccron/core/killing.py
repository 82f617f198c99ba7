"""Wanting attempts dead: the wish is a row, the kill an effect that is repeated until it took."""

from moroccron.core.draft import Draft
from moroccron.core.moves import decide_unrun, move_attempt
from moroccron.core.previous import hand_on
from moroccron.core.run_view import RunView
from moroccron.core.strays import forsake
from moroccron.model.attempt import AttemptInput
from moroccron.model.changes import AttemptChanged, RunChanged
from moroccron.model.effects import Kill
from moroccron.model.evolve import evolve
from moroccron.model.run import Attempt
from moroccron.model.states import AttemptState, JobRunState, KillReason, RunState

#: nothing of the job, or of the run, starts any more
_FINAL = frozenset({KillReason.REQUESTED, KillReason.JOB_TIMEOUT, KillReason.RUN_TIMEOUT})


def kill_run(
    draft: Draft, run: RunView, why: str, reason: KillReason = KillReason.REQUESTED
) -> None:
    """End what lives of a run and start nothing more of it."""
    draft.change(RunChanged(evolve(run.run, kill=reason)))
    if run.run.state is RunState.QUEUED:
        hand_on(draft, run)
        over = evolve(run.run, state=RunState.KILLED, ended=draft.now, message=None)
        draft.change(RunChanged(over))
        draft.tell(
            "run",
            why,
            dag_id=run.run.dag_id,
            run_id=run.run.id,
            from_state=RunState.QUEUED,
            to_state=RunState.KILLED,
        )
        return
    for position in range(len(run.graph.specs)):
        if run.job_run(position).state is JobRunState.WAITING:
            decide_unrun(draft, run.job_run(position), JobRunState.KILLED, None, why)
        attempt = run.attempts[position]
        if attempt is None or attempt.state.is_terminal:
            continue
        if attempt.state is AttemptState.QUEUED:
            move_attempt(draft, attempt, AttemptInput.KILL_REQUESTED, why, message=why)
        else:
            want_dead(draft, attempt, reason, why)


def want_dead(draft: Draft, attempt: Attempt, reason: KillReason, why: str) -> None:
    """Note that a launched attempt is to end, and ask its agent. The first reason stands."""
    if attempt.kill is None:
        attempt = evolve(attempt, kill=reason, message=why)
        draft.change(AttemptChanged(attempt))
        draft.tell_attempt(attempt.key, why, attempt.state, attempt.state)
    send_kill(draft, attempt)
    if attempt.state is AttemptState.UNREACHABLE:
        stop_waiting(draft, attempt)


def stop_waiting(draft: Draft, attempt: Attempt) -> None:
    """Whom a person or a last limit wants dead and whose agent is cut off is waited for no longer.

    Nothing of its run starts any more, so that nothing can run twice by it, and its machine may never come back.
    If it does, the task is killed then: see `core.strays`.
    """
    wanted = (attempt.kill, draft.view.runs[attempt.run_id].run.kill)
    if _FINAL.isdisjoint(wanted):
        return
    forsake(draft, attempt)
    note = "its agent is cut off: should its task still run, it is killed when the agent is back"
    said = f"{attempt.message}; {note}"
    move_attempt(draft, attempt, AttemptInput.KILL_REQUESTED, "waited for no longer", message=said)


def send_kill(draft: Draft, attempt: Attempt) -> None:
    """Ask the agent to end an attempt's task, with the grace that its job allows."""
    if attempt.task_id is None or attempt.agent_id is None:
        return
    draft.do(Kill(attempt.task_id, attempt.agent_id, draft.view.spec(attempt.key).kill_grace))
