"""From queue and offers to accepted launches, and what to do with offers that nothing needs.

Offers are never hoarded: while runs are active an unused one is kept for a moment, since the end of one job is
often the beginning of the next; then it is declined. With nothing queued we ask for silence (SUPPRESS), and as
soon as something is we ask for offers again (REVIVE), as Mesos wants it of a framework.
"""

from datetime import timedelta

from moroccron.core.draft import Draft
from moroccron.core.ephemera import AlarmSet, AppetiteChanged, OffersGone, VetoNoted
from moroccron.core.launching import launch_of
from moroccron.core.moves import move_attempt
from moroccron.core.packer import pack
from moroccron.core.vetoes import describe, location_of
from moroccron.model.attempt import AttemptInput
from moroccron.model.changes import AttemptChanged
from moroccron.model.effects import Accept, Decline, Revive, Suppress
from moroccron.model.evolve import evolve
from moroccron.model.offer import Launch, Offer
from moroccron.model.packing import Member, Placement, Unplaced
from moroccron.model.resources import NOTHING
from moroccron.model.run import task_id

HOLD = "hold"  #: the alarm at which offers held for nothing are declined
REVIVE = "revive"  #: the alarm at which offers may be asked for again


def place(draft: Draft) -> None:
    """Match queued attempts to the offers at hand, and accept what was matched, if we are sure to lead."""
    view = draft.view
    if not view.queue or not view.book.offers or not view.book.trusted:
        return
    offers = view.book.by_agent()
    free = sum((offer.resources for offer in view.book.offers.values()), NOTHING)
    packing = pack(view.queue.groups(free), view.book.offers.values(), _members(draft))
    by_agent: dict[str, list[Placement]] = {}
    for placement in packing.placements:
        by_agent.setdefault(placement.agent_id, []).append(placement)
    for agent_id in sorted(by_agent):
        _accept(draft, offers[agent_id], by_agent[agent_id])
    for unplaced in packing.unplaced:
        _note_vetoes(draft, unplaced)


def _members(draft: Draft) -> dict[str, list[Member]]:
    """Where the groups of queued jobs with group constraints already are."""
    found = {}
    for scope in draft.view.queue.scopes():
        run = draft.view.runs[scope]
        found[scope] = [
            Member(
                run.graph.specs[position].constraints, dict(attempt.location), attempt.state.is_live
            )
            for position, attempt in enumerate(run.attempts)
            if attempt is not None and attempt.location
        ]
    return found


def _accept(draft: Draft, offers: list[Offer], placements: list[Placement]) -> None:
    """Move the placed attempts to LAUNCHING, and launch them together with all offers of their agent."""
    launches = tuple(_launch(draft, offers[0], placement) for placement in placements)
    ids = tuple(offer.id for offer in offers)
    draft.note(OffersGone(ids))
    draft.do(Accept(ids, launches, refuse_seconds=0.0))


def _launch(draft: Draft, offer: Offer, placement: Placement) -> Launch:
    view = draft.view
    run = view.runs[placement.key.run_id]
    position = run.graph.position[placement.key.job_id]
    spec = run.graph.specs[position]
    attempt = run.attempts[position]
    assert attempt is not None and attempt.key == placement.key, placement
    scoped = run.graph.is_scoped(position)
    move_attempt(
        draft,
        attempt,
        AttemptInput.PLACED,
        f"placed on {offer.hostname}",
        task_id=task_id(placement.key, view.term),
        agent_id=offer.agent_id,
        hostname=offer.hostname,
        agent_url=offer.agent_url,
        ports=placement.ports,
        location=location_of(spec.constraints, offer) if scoped else (),
        launched=draft.now,
        message=None,  # it waits no more
    )
    launching = run.attempts[position]
    assert launching is not None
    return launch_of(spec, launching, run.environment, view.framework_id or "")


def _note_vetoes(draft: Draft, unplaced: Unplaced) -> None:
    """Keep in the row what offers lack for the first in line; tell history when the kind of reason changes.

    Those behind it, alike to the packer, wait for the same reason and for it; telling each would cost as much
    as running it.
    """
    key = unplaced.attempts[0]
    nearest = unplaced.nearest
    kind = f"{nearest.kind} {nearest.constraint or ''}" if nearest else "no offer"
    attempt = draft.view.attempt(key)
    assert attempt is not None, key
    if attempt.ready + timedelta(seconds=draft.view.policy.hold_offers) > draft.now:
        return  # who waits for no more than its turn is not told so
    sentence = describe(unplaced)
    if attempt.message != sentence:
        draft.change(AttemptChanged(evolve(attempt, message=sentence)))
    if draft.view.reasons.get((key.run_id, key.job_id)) == kind:
        return
    draft.note(VetoNoted(key.run_id, key.job_id, kind))
    draft.tell_attempt(key, "vetoed", "queued", "queued", sentence)


def tend_offers(draft: Draft) -> None:
    """Hold, decline, suppress or revive, after everything that could be placed was placed."""
    if not draft.view.book.connected:
        return
    if draft.view.queue:
        _ask_for_more(draft)
    _give_back(draft)


def _give_back(draft: Draft) -> None:
    """Decline offers kept for long enough; with nothing queued also ask for silence."""
    view, book, now = draft.view, draft.view.book, draft.now
    idle = not view.runs
    hold = timedelta(seconds=0.0 if idle else view.policy.hold_offers)
    stale = tuple(i for i, since in book.held_since.items() if since + hold <= now)
    if stale:
        refuse = view.policy.refuse_idle if idle else view.policy.refuse_unfit
        draft.note(OffersGone(stale))
        draft.do(Decline(stale, refuse))
        draft.note(AppetiteChanged(book.suppressed, refused=True, at=now))
    if not view.queue and not book.suppressed and (idle or stale):
        draft.do(Suppress())
        draft.note(AppetiteChanged(suppressed=True, refused=book.refused, at=now))
    kept = min(book.held_since.values(), default=None)
    draft.note(AlarmSet(HOLD, kept + hold if kept is not None else None))


def _ask_for_more(draft: Draft) -> None:
    """Something is queued that the offers at hand cannot take: make sure that others may come.

    A suppressed framework is revived at once. Otherwise only refusals of ours can keep a fitting offer away,
    and only what was queued since can make them wrong; such revivals are rationed.
    """
    view, book, now = draft.view, draft.view.book, draft.now
    if not book.suppressed:
        if not (book.refused and (view.queue.grown or view.timers.rings(REVIVE))):
            return
        ration = timedelta(seconds=view.policy.revive_interval)
        if book.appetite_since is not None and book.appetite_since + ration > now:
            draft.note(AlarmSet(REVIVE, book.appetite_since + ration))
            return
    view.queue.grown = False
    draft.do(Revive())
    draft.note(AppetiteChanged(suppressed=False, refused=False, at=now))
