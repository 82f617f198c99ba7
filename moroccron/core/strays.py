"""Tasks of ours that no live attempt stands for: given up and back again, or orphans that nobody knows.

What we gave up ourselves is killed as soon as it is heard of. An orphan (its row is gone, say with a database
that was restored from a backup) is killed only after a while, for a leader who does not know that it is deposed
sees its successor's tasks so. Either is told to history once, and killed again and again until it is over. Must
not change any attempt.
"""

from datetime import timedelta

from moroccron.core.draft import Draft
from moroccron.core.ephemera import AlarmSet, Forsaken, StrayGone, StraySeen
from moroccron.core.view import View
from moroccron.model.effects import Kill
from moroccron.model.events import StatusReceived
from moroccron.model.evolve import evolve
from moroccron.model.run import Attempt, key_of_task
from moroccron.model.states import ReportedState

STRAYS = "strays"  #: the alarm at which orphans have been waited for long enough

#: seconds between TERM and KILL for a task of which we know no job
GRACE = 5.0

_ALIVE = frozenset(
    {
        ReportedState.STAGING,
        ReportedState.STARTING,
        ReportedState.RUNNING,
        ReportedState.KILLING,
    }
)


def take_stray(draft: Draft, update: StatusReceived) -> None:
    """A word about a task that no live attempt stands for."""
    known = draft.view.strays.get(update.task_id)
    if update.state not in _ALIVE:
        if known is not None or update.task_id in draft.view.forsaken:
            back = update.state is ReportedState.UNREACHABLE
            draft.note(StrayGone(update.task_id, may_return=back))
    elif known is None and update.agent_id is not None:
        stray = StraySeen(update.task_id, update.agent_id, draft.now)
        draft.note(stray)
        _judge(draft, stray)


def end_strays(draft: Draft, *, again: bool) -> None:
    """Kill the orphans whose time has come; `again`: and repeat what was sent to the others."""
    for stray in list(draft.view.strays.values()):
        if again or not stray.condemned:
            _judge(draft, stray)


def _judge(draft: Draft, stray: StraySeen) -> None:
    """Kill it, or come back to it when it may be killed."""
    view = draft.view
    if stray.task_id in view.live:
        draft.note(StrayGone(stray.task_id, may_return=False))
        return
    newest = _newest(view, stray.task_id)
    ours = stray.task_id in view.forsaken or _is_over(newest, stray.task_id)
    settled = stray.since + timedelta(seconds=0 if ours else view.policy.orphan_settle)
    if settled > draft.now:
        alarm = view.timers.alarms.get(STRAYS)
        draft.note(AlarmSet(STRAYS, min(alarm, settled) if alarm else settled))
    elif view.book.trusted:  # else with the next sweep: whoever leads will
        if not stray.condemned:
            draft.note(evolve(stray, condemned=True))
            _tell(draft, stray, newest, ours=ours)
        grace = view.spec(newest.key).kill_grace if newest is not None else GRACE
        draft.do(Kill(stray.task_id, stray.agent_id, grace))


def _newest(view: View, task_id: str) -> Attempt | None:
    """The newest attempt of the job run that a task was for, if that run is active."""
    key = key_of_task(task_id)
    run = view.runs.get(key.run_id) if key is not None else None
    if key is None or run is None or key.job_id not in run.graph.position:
        return None
    return run.attempts[run.graph.position[key.job_id]]


def _is_over(newest: Attempt | None, task_id: str) -> bool:
    """Whether the task is of an attempt that our rows know to be over."""
    key = key_of_task(task_id)
    if newest is None or key is None:
        return False
    return key.number < newest.number or (newest.task_id == task_id and newest.state.is_terminal)


def _tell(draft: Draft, stray: StraySeen, newest: Attempt | None, *, ours: bool) -> None:
    """One line for the task, with the attempt that its id names, and one for who may have run beside it."""
    key = key_of_task(stray.task_id)
    cause = "came back after it was given up: killed" if ours else "orphan killed"
    message = f"task {stray.task_id} on agent {stray.agent_id}"
    if not ours:
        message += ": our rows know of no such launch"
    named = {} if key is None else key._asdict()
    draft.tell("attempt", cause, message=message, **named)
    if key is None or newest is None or newest.launched is None:
        return
    if newest.number > key.number:
        beside = f"attempt {key.number} may have run beside it"
        draft.tell_attempt(newest.key, beside, newest.state, newest.state, message)


def forsake(draft: Draft, attempt: Attempt) -> None:
    """Nobody waits for this attempt any more, but its task may come back."""
    if attempt.task_id is not None:
        draft.note(Forsaken(attempt.task_id))
