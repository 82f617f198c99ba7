"""Quotas in the packer: never overdrawn, never in the way of what they do not concern."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from moroccron.core.packer import pack
from moroccron.model.constraint import Constraint, Operator
from moroccron.model.offer import Offer
from moroccron.model.packing import Group, Shape, VetoKind
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey
from moroccron.testing import EPOCH

NAMES = ("pool:a", "pool:b", "mutex:m")
UNIQUE = (Constraint("hostname", Operator.UNIQUE),)


@st.composite
def groups(draw):
    found = []
    for i in range(draw(st.integers(0, 8))):
        resources = Resources(
            draw(st.sampled_from([0, 100, 1000, 3000])), draw(st.sampled_from([0, 64, 900]))
        )
        claims = draw(st.dictionaries(st.sampled_from(NAMES), st.integers(1, 3), max_size=2))
        constraints = draw(st.sampled_from([(), (), UNIQUE]))
        avoid = draw(st.sampled_from([(), (), ("a0",)]))
        scope = "r" if constraints else None
        shape = Shape(resources, constraints, scope, avoid=avoid, claims=tuple(claims.items()))
        attempts = [AttemptKey("r", f"j{i}", n) for n in range(1, draw(st.integers(1, 6)) + 1)]
        found.append(Group(shape, draw(st.integers(0, 2)), attempts))
    return found


@st.composite
def offers(draw):
    return [
        Offer(f"o{i}", f"a{i}", f"h{i}", Resources(draw(st.sampled_from([500, 2000, 8000])), 1000))
        for i in range(draw(st.integers(0, 6)))
    ]


quotas = st.dictionaries(st.sampled_from(NAMES), st.integers(-1, 8))


@settings(deadline=None)
@given(groups(), offers(), quotas)
def test_no_quota_is_overdrawn_and_what_it_concerns_not_is_placed_as_without(
    groups, offers, quotas
):
    packing = pack(groups, offers, {}, EPOCH, quotas)
    shape_of = {key: group.shape for group in groups for key in group.attempts}
    spent: Counter[str] = Counter()
    for placement in packing.placements:
        spent.update(dict(shape_of[placement.key].claims))
    for name, slots in quotas.items():
        assert spent[name] <= max(slots, 0), name
    placed = [p.key for p in packing.placements]
    left = [key for unplaced in packing.unplaced for key in unplaced.attempts]
    assert sorted(placed + left) == sorted(shape_of)
    for unplaced in packing.unplaced:
        if unplaced.nearest is not None and unplaced.nearest.kind is VetoKind.QUOTA:
            (slots,) = [n for name, n in unplaced.shape.claims if name == unplaced.nearest.quota]
            assert slots > quotas[unplaced.nearest.quota] - spent[unplaced.nearest.quota]


@settings(deadline=None)
@given(groups(), offers(), quotas)
def test_nobody_waits_for_an_agent_that_has_room_while_slots_are_left(groups, offers, quotas):
    """Work is conserved: of what waits, an agent or a quota lacks something."""
    packing = pack(groups, offers, {}, EPOCH, quotas)
    shape_of = {key: group.shape for group in groups for key in group.attempts}
    free = {offer.agent_id: offer.resources for offer in offers}
    spent: Counter[str] = Counter()
    for placement in packing.placements:
        free[placement.agent_id] = free[placement.agent_id] - shape_of[placement.key].resources
        spent.update(dict(shape_of[placement.key].claims))
    for unplaced in packing.unplaced:
        shape = unplaced.shape
        slots = all(quotas[n] - spent[n] >= want for n, want in shape.claims if n in quotas)
        if shape.constraints or not slots:
            continue
        assert not any(shape.resources.fits_in(room) for room in free.values()), unplaced


@settings(deadline=None)
@given(groups(), offers(), quotas)
def test_a_full_pool_changes_nothing_for_those_who_do_not_claim_it(groups, offers, quotas):
    closed = dict.fromkeys(NAMES, 0)
    free_ones = [group for group in groups if not group.shape.claims]
    alone = pack(free_ones, offers, {}, EPOCH)
    among = pack(groups, offers, {}, EPOCH, closed)
    assert set(alone.placements) == set(among.placements)


@settings(deadline=None)
@given(groups(), offers(), quotas, st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(groups, offers, quotas, chance):
    expected = pack(groups, offers, {}, EPOCH, quotas)
    chance.shuffle(groups)
    chance.shuffle(offers)
    assert pack(groups, offers, {}, EPOCH, quotas) == expected
