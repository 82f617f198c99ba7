"""Waiting for the run before: which one that is, and what of it holds back a run or a job.

The run before is found when a run is created, and frozen with it. What is known of it is kept for as long as an
active run names it. Must not begin or queue anything itself: `runs` and `resolver` ask.
"""

from moroccron.core.draft import Draft
from moroccron.core.ephemera import PreviousNoted
from moroccron.core.run_view import RunView
from moroccron.core.view import View
from moroccron.model.changes import JobRunChanged, RunChanged
from moroccron.model.events import PreviousFound
from moroccron.model.evolve import evolve
from moroccron.model.states import JobRunState, RunState

_REMEDY = "retry or mark it, and this goes on"


def take_previous(draft: Draft, event: PreviousFound) -> None:
    """Note which run comes before one that has not begun yet."""
    run = draft.view.runs.get(event.run_id)
    if run is None or run.run.previous is not None:
        return
    if event.previous is not None and event.previous.state.is_terminal:
        draft.note(PreviousNoted(event.previous))
    found = "" if event.previous is None else event.previous.id
    draft.change(RunChanged(evolve(run.run, previous=found)))


def run_is_held(draft: Draft, run: RunView) -> bool:
    """Whether a queued run has to wait for the one before it; its row says why."""
    if run.run.previous is None:
        return True  # it is being looked for
    why = _why_run(draft.view, run)
    if why != run.run.message:
        draft.change(RunChanged(evolve(run.run, message=why)))
    return why is not None


def _why_run(view: View, run: RunView) -> str | None:
    previous = run.run.previous
    assert previous is not None, run.run.id
    before, sequential = view.runs.get(previous), run.graph.version.sequential
    if sequential:
        for other in view.runs_of[run.run.dag_id].values():
            if other.run.state is RunState.RUNNING and other is not before:
                return f"waits for run {other.run.id} to end"
    if before is not None:
        # In order of logical dates, so that no run takes the room that the one it waits for needs.
        if before.run.state is RunState.QUEUED:
            return f"waits for run {previous} to begin"
        return f"waits for run {previous} to succeed" if sequential else None
    ended = view.ended.get(previous)
    if not sequential or ended is None or ended.state is RunState.SUCCEEDED:
        return None
    return f"waits for run {previous}, which is {ended.state}: {_REMEDY}"


def job_is_held(draft: Draft, run: RunView, position: int) -> bool:
    """Whether a job whose rule holds has to wait for jobs of the previous run; its row says for which."""
    why = _why_job(draft.view, run, position)
    if why is None:
        run.held.discard(position)
        return False
    run.held.add(position)
    job_run = run.job_run(position)
    if job_run.message != why:
        draft.change(JobRunChanged(evolve(job_run, message=why)))
    return True


def _why_job(view: View, run: RunView, position: int) -> str | None:
    previous = run.run.previous
    if not previous:
        return None
    for job_id in run.graph.after_previous[position]:
        state = _state_in(view, previous, job_id)
        if state is None or not (state.is_failure or not state.is_terminal):
            continue
        said = f"waits for {job_id} of run {previous}, which is {state}"
        return f"{said}: {_REMEDY}" if state.is_failure else said
    return None


def _state_in(view: View, run_id: str, job_id: str) -> JobRunState | None:
    """Where a job of an earlier run stands; None: nowhere that anybody must wait for."""
    active = view.runs.get(run_id)
    if active is not None:
        position = active.graph.position.get(job_id)
        return None if position is None else active.state_at(position)
    ended = view.ended.get(run_id)
    return None if ended is None else dict(ended.jobs).get(job_id)


def hand_on(draft: Draft, run: RunView) -> None:
    """A run ends before it began: who waited for it waits for the one before it."""
    for run_id in sorted(draft.view.followers.get(run.run.id, ())):
        follower = draft.view.runs[run_id]
        draft.change(RunChanged(evolve(follower.run, previous=run.run.previous)))
