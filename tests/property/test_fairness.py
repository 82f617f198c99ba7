"""Turns among owners: nothing idle, nobody more than their due while another waits, whatever the order."""

from collections import Counter
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from moroccron.core.fairness import Front, Holding, take_turns
from moroccron.core.packer import pack
from moroccron.model.offer import Offer
from moroccron.model.packing import Shape
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey
from moroccron.testing import EPOCH

OWNERS = ("ada", "bob", "eve")
sizes = st.sampled_from([(500, 64), (1000, 64), (1000, 512), (2000, 128)])


@st.composite
def fronts(draw):
    found = []
    for i in range(draw(st.integers(1, 8))):
        cpus, mem = draw(sizes)
        number = draw(st.integers(1, 12))
        keys = [AttemptKey("r", f"j{i}", n) for n in range(1, number + 1)]
        ready = [EPOCH + timedelta(seconds=draw(st.integers(0, 9)) + 10 * n) for n in range(number)]
        owner = draw(st.sampled_from(OWNERS))
        found.append(
            Front(Shape(Resources(cpus, mem)), draw(st.integers(0, 1)), owner, keys, ready)
        )
    return found


weights = st.dictionaries(st.sampled_from(OWNERS), st.integers(1, 4))
held = st.dictionaries(
    st.sampled_from(OWNERS),
    st.builds(Holding, st.integers(0, 8000), st.integers(0, 4096), st.integers(1, 8)),
)
frees = st.builds(Resources, st.integers(0, 16_000), st.integers(0, 8192))


@settings(deadline=None)
@given(fronts(), frees, held, weights)
def test_all_are_there_and_higher_levels_keep_before_lower(fronts, free, held, weights):
    groups = take_turns(fronts, {None: free}, held, weights, {})
    level = {key: front.level for front in fronts for key in front.attempts}
    assert sorted(k for g in groups for k in g.attempts) == sorted(level)
    for one in groups:
        for other in groups:
            if one.priority > other.priority:
                assert level[one.attempts[0]] >= level[other.attempts[0]]


@settings(deadline=None)
@given(fronts(), frees, held, weights)
def test_a_turn_that_was_not_given_did_not_fit_into_what_was_left(fronts, free, held, weights):
    groups = take_turns(fronts, {None: free}, held, weights, {})
    if len({front.owner for front in fronts}) == 1:
        return
    left = free
    for group in groups:
        if group.priority % 2:
            for _ in group.attempts:
                left = left - group.shape.resources
    assert min(left.as_tuple()) >= 0
    for group in groups:
        if not group.priority % 2:
            assert not group.shape.resources.fits_in(left)


@settings(deadline=None)
@given(frees, held, weights, sizes)
def test_nobody_is_ahead_by_more_than_one_attempt_of_whom_they_leave_waiting(
    free, held, weights, size
):
    """With attempts of one size: the share for its weight of who was served last is below all who wait."""
    cpus, mem = size
    fronts = [
        Front(
            Shape(Resources(cpus, mem)),
            0,
            owner,
            [AttemptKey("r", owner, n) for n in range(40)],
            [EPOCH] * 40,
        )
        for owner in OWNERS
    ]
    served: Counter[str] = Counter()
    for group in take_turns(fronts, {None: free}, held, weights, {}):
        if group.priority % 2:
            served[group.attempts[0].job_id] = len(group.attempts)
    whole = (
        max(1, free.cpus + sum(h.cpus for h in held.values())),
        max(1, free.mem + sum(h.mem for h in held.values())),
    )

    def share(owner, number):
        has = held.get(owner, Holding())
        parts = ((has.cpus + number * cpus) / whole[0], (has.mem + number * mem) / whole[1])
        return max(parts) / weights.get(owner, 1)

    for owner in OWNERS:
        for other in OWNERS:
            if served[owner] and served[other] < 40:
                assert share(owner, served[owner] - 1) <= share(other, served[other]) + 1e-9


@settings(deadline=None)
@given(fronts(), st.integers(0, 6), held, weights)
def test_fairness_leaves_nothing_idle(fronts, agents, held, weights):
    offers = [Offer(f"o{n}", f"a{n}", f"h{n}", Resources(2500, 600)) for n in range(agents)]
    free = {None: Resources(2500 * agents, 600 * agents)}
    packing = pack(take_turns(fronts, free, held, weights, {}), offers, {}, EPOCH)
    rooms = {offer.agent_id: offer.resources for offer in offers}
    wants = {key: front.shape.resources for front in fronts for key in front.attempts}
    for placement in packing.placements:
        rooms[placement.agent_id] = rooms[placement.agent_id] - wants[placement.key]
    for unplaced in packing.unplaced:
        assert not any(unplaced.shape.resources.fits_in(room) for room in rooms.values())
