"""From queue and offers to accepted launches, and to reasons where nothing could be placed."""

from datetime import timedelta

from moroccron.core.claims import left
from moroccron.core.claims import sentence as slots_short
from moroccron.core.draft import Draft
from moroccron.core.ephemera import OffersGone, VetoNoted
from moroccron.core.fairness import take_turns, total
from moroccron.core.launching import launch_of
from moroccron.core.moves import move_attempt
from moroccron.core.offer_book import RoomKey
from moroccron.core.packer import pack
from moroccron.core.vetoes import describe, hopeless, location_of
from moroccron.model.attempt import AttemptInput
from moroccron.model.changes import AttemptChanged
from moroccron.model.effects import Accept
from moroccron.model.evolve import evolve
from moroccron.model.offer import Launch, Offer
from moroccron.model.packing import Member, Placement, Unplaced
from moroccron.model.run import task_id


def place(draft: Draft) -> None:
    """Match queued attempts to the offers at hand, and accept what was matched, if we are sure to lead."""
    view = draft.view
    if not view.queue or not view.book.offers or not view.book.trusted:
        return
    offered = view.book.offers.values()
    free = total((offer.role, offer.resources) for offer in offered)
    slots = left(view)
    groups = take_turns(
        view.queue.fronts(free, draft.now, view.policy.aging),
        free,
        view.holdings,
        {owner: share.weight for owner, share in view.shares.items()},
        slots,
    )
    packing = pack(groups, offered, _members(draft), draft.now, slots)
    offers = view.book.by_room()
    by_room: dict[RoomKey, list[Placement]] = {}
    for placement in packing.placements:
        by_room.setdefault((placement.agent_id, placement.role), []).append(placement)
    for room in sorted(by_room, key=lambda key: (key[0], key[1] or "")):
        _accept(draft, offers[room], by_room[room])
    for unplaced in packing.unplaced:
        _note_vetoes(draft, unplaced)


def tell_strangers(draft: Draft) -> None:
    """Say, once, why an attempt will never be placed as we are set: silence would look like waiting."""
    view = draft.view
    for key in view.strangers.take_untold():
        run = view.runs[key.run_id]
        shape = run.graph.shape(run.graph.position[key.job_id], key.run_id)
        sentence = hopeless(shape, view.policy.roles, view.policy.gpus)
        attempt = view.attempt(key)
        assert attempt is not None, key
        if attempt.message != sentence:
            draft.change(AttemptChanged(evolve(attempt, message=sentence)))
            draft.tell_attempt(key, "vetoed", "queued", "queued", sentence)


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
    """Move the placed attempts to LAUNCHING, and launch them together with all offers of their agent and role."""
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
    about = (nearest.constraint or nearest.quota or "") if nearest else ""
    kind = f"{nearest.kind} {about}" if nearest else "no offer"
    attempt = draft.view.attempt(key)
    assert attempt is not None, key
    if attempt.ready + timedelta(seconds=draft.view.policy.hold_offers) > draft.now:
        return  # who waits for no more than its turn is not told so
    sentence = slots_short(draft.view, unplaced) or describe(unplaced)
    if attempt.message != sentence:
        draft.change(AttemptChanged(evolve(attempt, message=sentence)))
    if draft.view.reasons.get((key.run_id, key.job_id)) == kind:
        return
    draft.note(VetoNoted(key.run_id, key.job_id, kind))
    draft.tell_attempt(key, "vetoed", "queued", "queued", sentence)
