"""Looking after what lives: the silent, the overdue, the wanted dead and the cut off.

One look at everything every few seconds while anything lives, none when nothing does.
"""

from datetime import timedelta

from moroccron.core.draft import Draft
from moroccron.core.ephemera import AlarmSet
from moroccron.core.killing import send_kill, want_dead
from moroccron.core.moves import move_attempt
from moroccron.model.attempt import AttemptInput
from moroccron.model.effects import Reconcile
from moroccron.model.run import Attempt
from moroccron.model.states import AttemptState, KillReason

SWEEP = "sweep"
RECONCILE = "reconcile"


def reconcile_all(draft: Draft) -> None:
    """Ask about everything we believe live, then about everything the outside believes live."""
    known = tuple(
        (a.task_id, a.agent_id)
        for a in draft.view.live_attempts()
        if a.task_id is not None and a.agent_id is not None
    )
    if known:
        draft.do(Reconcile(known))
    draft.do(Reconcile())


def watch(draft: Draft) -> None:
    """Sweep and reconcile if it is time to."""
    view = draft.view
    if view.timers.rings(SWEEP):
        for attempt in list(view.live_attempts()):
            _look_at(draft, attempt)
        _ask_the_silent(draft)
    if view.timers.rings(RECONCILE) and view.book.connected:
        reconcile_all(draft)


def keep_watch(draft: Draft) -> None:
    """Set both alarms while anything lives, and no longer."""
    view = draft.view
    for name, seconds in (
        (SWEEP, view.policy.sweep_interval),
        (RECONCILE, view.policy.reconcile_interval),
    ):
        is_set = name in view.timers.alarms
        if view.live and not is_set:
            draft.note(AlarmSet(name, draft.now + timedelta(seconds=seconds)))
        elif is_set and not view.live:
            draft.note(AlarmSet(name, None))


def _look_at(draft: Draft, attempt: Attempt) -> None:
    view, now = draft.view, draft.now
    if attempt.task_id is None or attempt.agent_id is None or attempt.launched is None:
        return
    if attempt.kill is not None:
        send_kill(draft, attempt)
    elif _overdue(draft, attempt):
        want_dead(draft, attempt, KillReason.TIMEOUT, "ran longer than its job allows")
    if attempt.state is AttemptState.UNREACHABLE:
        since = view.unreachable_since[attempt.task_id]
        if since + timedelta(seconds=view.policy.unreachable_patience) <= now:
            move_attempt(
                draft,
                attempt,
                AttemptInput.PATIENCE_ENDED,
                "unreachable for too long",
                reason="unreachable",
                message="Its agent was cut off and did not come back in time.",
            )


def _ask_the_silent(draft: Draft) -> None:
    """Ask, in one call, about every launch that was not heard of within its grace."""
    heard_by = draft.now - timedelta(seconds=draft.view.policy.launch_grace)
    silent = tuple(
        (attempt.task_id, attempt.agent_id)
        for attempt in draft.view.live_attempts()
        if attempt.state is AttemptState.LAUNCHING
        and attempt.task_id
        and attempt.agent_id
        and attempt.launched
        and attempt.launched <= heard_by
    )
    if silent:
        draft.do(Reconcile(silent))


def _overdue(draft: Draft, attempt: Attempt) -> bool:
    """Whether the agent should long have ended it. An unreachable one cannot be told to, so it is left."""
    run = draft.view.runs[attempt.run_id]
    spec = run.graph.specs[run.graph.position[attempt.job_id]]
    if spec.timeout is None or attempt.started is None or attempt.state is not AttemptState.RUNNING:
        return False
    allowed = spec.timeout + spec.kill_grace + draft.view.policy.timeout_slack
    return attempt.started + timedelta(seconds=allowed) <= draft.now
