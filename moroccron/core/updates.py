"""Words about tasks from outside: status updates, and answers to our asking.

Every update with a uuid is acknowledged, duplicates and strangers included: an unacknowledged one blocks all
that follow it (Mesos, scheduler HTTP API). No single message is the truth: UNKNOWN, and GONE as an answer to
our asking, are believed only when asked with the agent's id, after the launch grace, twice on one connection, and
with no word between the two that there is such a task.
"""

from datetime import timedelta

from moroccron.core.asking import ask_about
from moroccron.core.draft import Draft
from moroccron.core.ephemera import AlarmSet, CutOff, Doubted, DoubtGone, Elsewhere, Heard
from moroccron.core.killing import send_kill, stop_waiting
from moroccron.core.moves import move_attempt
from moroccron.core.outputs import await_output
from moroccron.core.reported import reported
from moroccron.core.strays import take_stray
from moroccron.model.attempt import AttemptInput
from moroccron.model.effects import Acknowledge
from moroccron.model.events import StatusReceived
from moroccron.model.failure import FailureClass
from moroccron.model.run import Attempt, AttemptKey
from moroccron.model.states import AttemptState, ReportedState

DOUBTS = "doubts"  #: the alarm at which doubtful attempts are asked about once more


def take_update(draft: Draft, update: StatusReceived) -> None:
    """Apply what an update says, if it says anything new, and acknowledge it."""
    if update.task_id in draft.view.inquiry.unheard:
        draft.note(Heard(update.task_id))
    key = draft.view.live.get(update.task_id)
    attempt = draft.view.attempt(key) if key is not None else None
    if attempt is None:
        take_stray(draft, update)
    elif await_output(draft, attempt, update):
        if update.state is ReportedState.FINISHED:
            return  # it is acknowledged when its output is stored
    elif update.state is ReportedState.UNKNOWN or (
        update.reconciled and update.state is ReportedState.GONE
    ):
        _doubt(draft, attempt, update)
    elif update.duplicate:
        _duplicate(draft, attempt, update)
    else:
        if update.task_id in draft.view.doubts:
            draft.note(DoubtGone(update.task_id))
        _news(draft, attempt, update)
        if update.state is ReportedState.UNREACHABLE:
            _cut_off(draft, attempt.key)
    if update.uuid is not None and update.agent_id is not None:
        draft.do(Acknowledge(update.task_id, update.agent_id, update.uuid))


def _news(draft: Draft, attempt: Attempt, update: StatusReceived) -> None:
    given, fields = reported(draft.view.spec(attempt.key), attempt, update, draft.now)
    if given is None:
        return
    moved = move_attempt(draft, attempt, given, f"reported {update.state}", **fields)
    if moved and "agent_id" in fields and attempt.agent_id is not None:
        draft.note(Elsewhere(update.task_id, attempt.agent_id))
    if not moved and given is AttemptInput.ERROR and update.agent_id is not None:
        ask_about(draft, ((update.task_id, update.agent_id),))
    if moved and update.state is ReportedState.RUNNING and attempt.kill is not None:
        # A kill sent while the launch was on its way may have been forgotten.
        send_kill(draft, attempt)


def _duplicate(draft: Draft, attempt: Attempt, update: StatusReceived) -> None:
    """Our launch was refused because its id is known: the task of that id may run, and is then this attempt's.

    Cannot happen while every term is greater than all before it. If it does (a database restored by other means,
    say), we ask: a task that is found is adopted, and one that is denied twice is lost, which costs no retry.
    """
    why = "its task id is known already: asking about that task"
    draft.tell_attempt(attempt.key, why, attempt.state, attempt.state, update.message)
    if attempt.agent_id is not None:
        ask_about(draft, ((update.task_id, attempt.agent_id),))


def _cut_off(draft: Draft, key: AttemptKey) -> None:
    """An attempt's agent is cut off: begin or go on to wait for it, unless a person wants it dead."""
    attempt = draft.view.attempt(key)
    if attempt is None or attempt.task_id is None or attempt.state is not AttemptState.UNREACHABLE:
        return
    draft.note(CutOff(attempt.task_id, draft.now))
    stop_waiting(draft, attempt)


def _doubt(draft: Draft, attempt: Attempt, update: StatusReceived) -> None:
    """Count a denial; believe the second one that comes after the grace."""
    view, now = draft.view, draft.now
    if attempt.launched is None or view.subscribed_at is None or attempt.task_id is None:
        return
    # A launch sent on an earlier connection cannot arrive any more; one sent on this may be on its way.
    grace = (
        view.policy.settle_time
        if attempt.launched < view.subscribed_at
        else view.policy.launch_grace
    )
    settled = max(attempt.launched, view.subscribed_at) + timedelta(seconds=grace)
    before = view.doubts.get(attempt.task_id) or Doubted(attempt.task_id, 0, settled)
    pause = timedelta(seconds=view.policy.settle_time if before.times else 0.0)
    # Not counted: what is said before the grace is over, or in one breath with what was said before.
    times = before.times + (now >= before.at + pause)
    if times >= 2:
        move_attempt(
            draft,
            attempt,
            AttemptInput.VANISHED,
            "denied twice",
            reason=update.reason or "unknown_task",
            message=update.message or "Neither its agent nor the master knows of it.",
            failure=FailureClass.MASTER,
        )
        return
    draft.note(Doubted(attempt.task_id, times, now if times > before.times else before.at))
    again = max(now, settled) + timedelta(seconds=view.policy.settle_time)
    alarm = view.timers.alarms.get(DOUBTS)
    draft.note(AlarmSet(DOUBTS, min(alarm, again) if alarm else again))


def ask_doubtful(draft: Draft) -> None:
    """Ask once more about every attempt that was said to be unknown."""
    if not draft.view.timers.rings(DOUBTS):
        return
    for task_id in draft.view.doubts:
        attempt = draft.view.attempt(draft.view.live[task_id])
        if attempt is not None and attempt.agent_id is not None:
            ask_about(draft, ((task_id, attempt.agent_id),))
