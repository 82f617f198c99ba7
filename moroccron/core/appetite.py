"""What to do with offers that nothing needs, and when to ask for more: by role, since Mesos offers by role.

Offers are never hoarded: while runs are active an unused one is kept for a moment, since the end of one job is
often the beginning of the next; then it is declined. With nothing queued for a role we ask for silence (SUPPRESS),
and as soon as something is we ask for its offers again (REVIVE), as Mesos wants it of a framework.
"""

from datetime import timedelta

from moroccron.core.draft import Draft
from moroccron.core.ephemera import AlarmSet, AppetiteChanged, OffersGone, Revived
from moroccron.model.effects import Decline, Revive, Suppress

HOLD = "hold"  #: the alarm at which offers held for nothing are declined
REVIVE = "revive"  #: with the role: the alarm at which its offers may be asked for again

_Roles = tuple[str | None, ...]


def tend_offers(draft: Draft) -> None:
    """Hold, decline, suppress or revive, after everything that could be placed was placed."""
    if not draft.view.book.connected:
        return
    _ask_for_more(draft)
    refused = _give_back(draft)
    _ask_for_silence(draft, refused)


def _ask_for_more(draft: Draft) -> None:
    """Something is queued that the offers at hand cannot take: make sure that others may come."""
    hungry = tuple(role for role in _all(draft) if _may_ask(draft, role))
    if not hungry:
        return
    draft.do(Revive(_named(hungry)))
    for role in hungry:
        draft.view.queue.grown.discard(role)
        draft.note(Revived(role, draft.now))


def _may_ask(draft: Draft, role: str | None) -> bool:
    """Whether silence that we asked for, or refusals of ours, may keep a fitting offer away.

    Refusals can be wrong only about what was queued since. Asking is rationed either way: the master looks at all
    its agents each time, on behalf of all frameworks.
    """
    view, appetite, alarm = draft.view, draft.view.book.appetite(role), f"{REVIVE} {role or ''}"
    if role not in view.queue.roles:
        return False
    grown = role in view.queue.grown or view.timers.rings(alarm)
    if not (appetite.suppressed or (appetite.refused and grown)):
        return False
    if appetite.revived is not None:
        soonest = appetite.revived + timedelta(seconds=view.policy.revive_interval)
        if soonest > draft.now:
            draft.note(AlarmSet(alarm, soonest))
            return False
    return True


def _give_back(draft: Draft) -> set[str | None]:
    """Decline offers kept for long enough; the roles whose they were."""
    view, book, now = draft.view, draft.view.book, draft.now
    until = {
        i: since + _patience(draft, book.offers[i].role) for i, since in book.held_since.items()
    }
    stale = tuple(i for i, moment in until.items() if moment <= now)
    refused = {book.offers[i].role for i in stale}
    if stale:
        idle = not view.runs
        draft.note(OffersGone(stale))
        draft.do(Decline(stale, view.policy.refuse_idle if idle else view.policy.refuse_unfit))
        for role in refused:
            draft.note(AppetiteChanged(role, book.appetite(role).suppressed, refused=True))
    kept = (moment for i, moment in until.items() if i in book.held_since)
    draft.note(AlarmSet(HOLD, min(kept, default=None)))
    return refused


def _patience(draft: Draft, role: str | None) -> timedelta:
    """For how long an offer is held: not while another role waits for what this one has no use for."""
    view = draft.view
    in_the_way = view.queue and role not in view.queue.roles
    return timedelta(seconds=0.0 if in_the_way or not view.runs else view.policy.hold_offers)


def _ask_for_silence(draft: Draft, refused: set[str | None]) -> None:
    """Suppress the roles with nothing queued whose offers we had no use for; with no runs at all, every role."""
    view, book = draft.view, draft.view.book
    sated = tuple(
        role
        for role in _all(draft)
        if role not in view.queue.roles
        and not book.appetite(role).suppressed
        and (role in refused or not view.runs)
    )
    if not sated:
        return
    draft.do(Suppress(_named(sated)))
    for role in sated:
        draft.note(AppetiteChanged(role, suppressed=True, refused=book.appetite(role).refused))


def _all(draft: Draft) -> _Roles:
    """Our roles; where there are none, the one that has no name."""
    return draft.view.policy.roles or (None,)


def _named(roles: _Roles) -> tuple[str, ...]:
    """As effects want them: without names where roles have none."""
    return tuple(role for role in roles if role is not None)
