"""Looking after what lives: the silent, the overdue, the wanted dead and the cut off.

One look at everything every few seconds while anything lives, none when nothing does.
"""

from datetime import timedelta

from moroccron.core.asking import ask_about
from moroccron.core.draft import Draft
from moroccron.core.ephemera import AlarmSet, Swept
from moroccron.core.killing import send_kill, want_dead
from moroccron.core.moves import move_attempt
from moroccron.core.strays import STRAYS, end_strays, forsake
from moroccron.model.attempt import AttemptInput
from moroccron.model.run import Attempt, AttemptKey
from moroccron.model.states import AttemptState, KillReason

SWEEP = "sweep"


def watch(draft: Draft) -> None:
    """Sweep if it is time to."""
    timers = draft.view.timers
    sweeps = timers.rings(SWEEP)
    if sweeps:
        for attempt in list(draft.view.live_attempts()):
            _look_at(draft, attempt)
        _ask_the_silent(draft)
        draft.note(Swept(draft.now))
    if sweeps or timers.rings(STRAYS):
        end_strays(draft, again=sweeps)


def keep_watch(draft: Draft) -> None:
    """Set the alarm while anything lives, and no longer."""
    view = draft.view
    is_set, is_needed = SWEEP in view.timers.alarms, bool(view.live or view.strays)
    if is_needed and not is_set:
        next_sweep = draft.now + timedelta(seconds=view.policy.sweep_interval)
        draft.note(AlarmSet(SWEEP, next_sweep))
    elif is_set and not is_needed:
        draft.note(AlarmSet(SWEEP, None))


def _look_at(draft: Draft, attempt: Attempt) -> None:
    if attempt.task_id is None or attempt.agent_id is None or attempt.launched is None:
        return
    if attempt.kill is not None:
        send_kill(draft, attempt)
    elif _overdue(draft, attempt):
        want_dead(draft, attempt, KillReason.TIMEOUT, "ran longer than its job allows")


def end_patience(draft: Draft, key: AttemptKey) -> None:
    """Replace an attempt whose agent is cut off for as long as its job waits, by this connection's word.

    After a new connection the master has to say so again: its silence, or ours, proves nothing.
    """
    view, attempt = draft.view, draft.view.attempt(key)
    if attempt is None or attempt.task_id not in view.cut_off_told:
        return
    patience = view.policy.patience(view.spec(key))
    if patience is None or draft.now < view.cut_off[attempt.task_id] + timedelta(seconds=patience):
        return
    forsake(draft, attempt)
    move_attempt(
        draft,
        attempt,
        AttemptInput.PATIENCE_ENDED,
        f"its agent was cut off for {patience:g} s: replaced",
        reason="unreachable",
        message="Its agent was cut off and did not come back in time; it may run on beside its successor.",
    )


def _ask_the_silent(draft: Draft) -> None:
    """Ask about every launch whose grace ended since the last sweep without a word that it runs."""
    grace = timedelta(seconds=draft.view.policy.launch_grace)
    until = draft.now - grace
    since = draft.view.swept and draft.view.swept - grace
    silent = tuple(
        (attempt.task_id, attempt.agent_id)
        for attempt in draft.view.live_attempts()
        if attempt.state is AttemptState.LAUNCHING
        and attempt.task_id
        and attempt.agent_id
        and attempt.launched
        and attempt.launched <= until
        and (since is None or attempt.launched > since)
    )
    ask_about(draft, silent)


def _overdue(draft: Draft, attempt: Attempt) -> bool:
    """Whether the agent should long have ended it. An unreachable one cannot be told to, so it is left."""
    spec = draft.view.spec(attempt.key)
    if spec.timeout is None or attempt.started is None or attempt.state is not AttemptState.RUNNING:
        return False
    allowed = spec.timeout + spec.kill_grace + draft.view.policy.timeout_slack
    return attempt.started + timedelta(seconds=allowed) <= draft.now
