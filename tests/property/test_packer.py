"""What must hold of every packing, checked by a naive reading of the rules that shares no code with the packer."""

import itertools
import random
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from moroccron.core.packer import pack
from moroccron.model.constraint import Constraint, Operator
from moroccron.model.offer import Offer, PortRange
from moroccron.model.packing import Group, Member, Packing, Shape, VetoKind
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey

CONSTRAINTS = (
    Constraint("hostname", Operator.UNIQUE),
    Constraint("rack", Operator.UNIQUE),
    Constraint("rack", Operator.MAX_PER, "2"),
    Constraint("rack", Operator.GROUP_BY),
    Constraint("rack", Operator.GROUP_BY, "2"),
    Constraint("@hostname", Operator.GROUP_BY, "3"),
    Constraint("rack", Operator.CLUSTER),
    Constraint("rack", Operator.CLUSTER, "a"),
    Constraint("rack", Operator.LIKE, "a|b"),
    Constraint("rack", Operator.UNLIKE, "a"),
    Constraint("rack", Operator.IS, "b"),
    Constraint("zone", Operator.UNLIKE, "z.*"),
)
LOOKS_AROUND = {"UNIQUE", "MAX_PER", "GROUP_BY", "CLUSTER"}
RUNS = ("run-1", "run-2")
ROLES = (None, None, "night")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
#: when maintenance begins and ends, in minutes from now
WINDOWS = {1: (5, None), 2: (-5, None), 3: (30, 60), 4: (-30, -1)}


# ------------------------------------------------------------------ worlds


@st.composite
def offers(draw, most=6, gpus=(0, 0, 0, 1, 4)):
    found = []
    for i in range(draw(st.integers(0, most))):
        agent = draw(st.integers(0, 4))
        ranges = ()
        if draw(st.booleans()):
            first = 31000 + 10 * i
            ranges = (PortRange(first, first + draw(st.integers(0, 4))),)
        free = Resources(
            cpus=draw(st.sampled_from([0, 500, 1000, 2000, 4000, 8000])),
            mem=draw(st.sampled_from([0, 256, 512, 1024, 4096])),
            disk=draw(st.sampled_from([0, 100, 1000])),
            gpus=draw(st.sampled_from(gpus)),
            ports=sum(map(len, ranges)),
        )
        rack = ("a", "b", "c", "a", None)[agent]
        attributes = {} if rack is None else {"rack": rack}
        made = Offer(f"o{i}", f"agent-{agent}", f"host-{agent}", free, ranges, attributes)
        found.append(replace(made, role=draw(st.sampled_from(ROLES))))
    windows = draw(st.sets(st.sampled_from(sorted(WINDOWS)), max_size=3))
    return [with_window(offer) if int(offer.agent_id[-1]) in windows else offer for offer in found]


def with_window(offer):
    begins, ends = WINDOWS[int(offer.agent_id[-1])]
    return replace(
        offer,
        unavailable_from=NOW + timedelta(minutes=begins),
        unavailable_until=None if ends is None else NOW + timedelta(minutes=ends),
    )


@st.composite
def groups(draw, most=7, constrained=True):
    found = []
    for i in range(draw(st.integers(0, most))):
        resources = Resources(
            cpus=draw(st.sampled_from([0, 100, 500, 1000, 3000, 9000])),
            mem=draw(st.sampled_from([0, 64, 256, 1000])),
            disk=draw(st.sampled_from([0, 0, 50])),
            gpus=draw(st.sampled_from([0, 0, 0, 1])),
            ports=draw(st.sampled_from([0, 0, 1, 2])),
        )
        some = draw(st.lists(st.sampled_from(CONSTRAINTS), max_size=2)) if constrained else []
        run = draw(st.sampled_from(RUNS))
        scope = run if any(looks_around(c) for c in some) else None
        number = draw(st.integers(0, 6))
        attempts = [AttemptKey(run, f"job-{i}", n + 1) for n in range(number)]
        priority = draw(st.integers(0, 2))
        role, lasts = draw(st.sampled_from(ROLES)), draw(st.sampled_from([0, 60, 600, 3600]))
        avoid = draw(st.sampled_from([(), (), ("agent-0",), ("agent-1", "agent-2")]))
        shape = Shape(resources, tuple(some), scope, role, lasts, avoid)
        found.append(Group(shape, priority, attempts))
    return found


@st.composite
def members(draw):
    found = {}
    for run in RUNS:
        found[run] = [
            Member(
                tuple(draw(st.lists(st.sampled_from(CONSTRAINTS), max_size=2))),
                {"rack": draw(st.sampled_from("abc")), "hostname": host, "@hostname": host},
                draw(st.booleans()),
            )
            for host in draw(st.lists(st.sampled_from(["host-0", "host-1"]), max_size=2))
        ]
    return found


# ------------------------------------------------------------------ the naive reading


def looks_around(constraint):
    return constraint.operator in LOOKS_AROUND and constraint.value != "a"


def value_of(constraint, offer):
    if constraint.attribute in ("hostname", "@hostname"):
        return offer.hostname
    return offer.attributes.get(constraint.attribute)


class World:
    """Everything of a round by key and agent, for asking simple questions of it."""

    def __init__(self, groups, offers, members, packing):
        self.group_of = {key: group for group in groups for key in group.attempts}
        self.offer_of = {offer.agent_id: offer for offer in offers}
        self.rooms = {(offer.agent_id, offer.role) for offer in offers}
        self.offers = offers
        self.members = members
        self.placements = packing.placements

    def free(self, room, lowest):
        """What is left of an agent for a role after the placements of at least some priority."""
        total = Resources()
        for offer in self.offers:
            if (offer.agent_id, offer.role) == room:
                total += offer.resources
        for placement in self.placements:
            group = self.group_of[placement.key]
            if (placement.agent_id, placement.role) == room and group.priority >= lowest:
                total -= group.shape.resources
        return total

    def rooms_of(self, shape):
        return [room for room in self.rooms if room[1] == shape.role]

    def values(self, scope, constraint, lowest, live_only):
        """Where a group is: what was there before, and what this round placed of at least some priority."""
        found = [
            member.location[constraint.attribute]
            for member in self.members.get(scope, ())
            if constraint in member.constraints and (member.live or not live_only)
            if constraint.attribute in member.location
        ]
        for placement in self.placements:
            group = self.group_of[placement.key]
            shape = group.shape
            if (
                shape.scope == scope
                and constraint in shape.constraints
                and group.priority >= lowest
            ):
                found.append(value_of(constraint, self.offer_of[placement.agent_id]))
        return found

    def admits(self, shape, constraint, agent, lowest):
        """Whether one more job of a shape may go to an agent as things are."""
        value = value_of(constraint, self.offer_of[agent])
        operator, argument = constraint.operator, constraint.value
        if value is None:
            return operator == "UNLIKE"
        if operator == "LIKE":
            return bool(re.fullmatch(argument, value))
        if operator == "UNLIKE":
            return not re.fullmatch(argument, value)
        if operator == "IS" or (operator == "CLUSTER" and argument):
            return value == argument
        if operator == "CLUSTER":
            return all(v == value for v in self.values(shape.scope, constraint, lowest, False))
        used = Counter(self.values(shape.scope, constraint, lowest, True))
        if operator == "UNIQUE":
            return used[value] == 0
        if operator == "MAX_PER":
            return used[value] < int(argument)
        return value not in used or (
            len(used) >= int(argument or 0) and used[value] == min(used.values())
        )

    def is_open(self, shape, room):
        """Whether an attempt that begins now is over before the agent's maintenance, or that is past."""
        for offer in self.offers:
            if (offer.agent_id, offer.role) == room and offer.unavailable_from is not None:
                past = offer.unavailable_until is not None and offer.unavailable_until <= NOW
                if not past and NOW + timedelta(seconds=shape.lasts) > offer.unavailable_from:
                    return False
        return True

    def could_take(self, group, room, lowest):
        shape = group.shape
        return (
            room[1] == shape.role
            and self.is_open(shape, room)
            and shape.resources.fits_in(self.free(room, lowest))
            and all(self.admits(shape, c, room[0], lowest) for c in shape.constraints)
        )


# ------------------------------------------------------------------ the properties


@settings(deadline=None)
@given(groups(), offers(), members())
def test_every_attempt_is_in_exactly_one_place(some_groups, some_offers, some_members):
    packing = pack(some_groups, some_offers, some_members, NOW)
    found = [p.key for p in packing.placements] + [k for u in packing.unplaced for k in u.attempts]
    assert sorted(found) == sorted(key for group in some_groups for key in group.attempts)


@settings(deadline=None)
@given(groups(), offers(), members())
def test_no_agent_is_over_committed_and_each_port_goes_to_one(groups, offers, members):
    packing = pack(groups, offers, members, NOW)
    world = World(groups, offers, members, packing)
    for room in world.rooms:
        left = world.free(room, lowest=0)
        assert min(left.as_tuple()) >= 0, (room, left)
        here = [p for p in packing.placements if (p.agent_id, p.role) == room]
        cut = [port for p in here for port in p.ports]
        assert len(cut) == len(set(cut))
        ranges = [r for o in offers if (o.agent_id, o.role) == room for r in o.port_ranges]
        assert all(any(r.first <= port <= r.last for r in ranges) for port in cut)
    for placement in packing.placements:
        shape = world.group_of[placement.key].shape
        assert len(placement.ports) == shape.resources.ports
        assert placement.role == shape.role
        assert world.is_open(shape, (placement.agent_id, placement.role))


@settings(deadline=None)
@given(groups(), offers(), members())
def test_constraints_hold_in_the_result(groups, offers, members):
    packing = pack(groups, offers, members, NOW)
    world = World(groups, offers, members, packing)
    for placement in packing.placements:
        shape = world.group_of[placement.key].shape
        for constraint in shape.constraints:
            value = value_of(constraint, world.offer_of[placement.agent_id])
            if not looks_around(constraint):
                assert world.admits(shape, constraint, placement.agent_id, 0), constraint
            elif constraint.operator == "UNIQUE":
                assert world.values(shape.scope, constraint, 0, True).count(value) == 1
            elif constraint.operator == "MAX_PER":
                here = world.values(shape.scope, constraint, 0, True).count(value)
                assert here <= int(constraint.value)
            elif constraint.operator == "CLUSTER":
                assert set(world.values(shape.scope, constraint, 0, False)) == {value}
            else:
                assert value is not None


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(1, 3), st.integers(0, 3), offers(most=8, gpus=(0,)))
def test_group_by_never_piles_up(number, minimum, priority, some_offers):
    """From nothing, after each placement no value has over one job more than the least used one has."""
    constraint = Constraint("rack", Operator.GROUP_BY, str(minimum))
    attempts = [AttemptKey("run-1", "job", n) for n in range(number)]
    some_offers = [replace(o, role=None, unavailable_from=None) for o in some_offers]
    shape = Shape(Resources(cpus=500), (constraint,), "run-1")
    packing = pack([Group(shape, priority, attempts)], some_offers, {}, NOW)
    rack = {o.agent_id: o.attributes.get("rack") for o in some_offers}
    used = Counter(rack[p.agent_id] for p in packing.placements)
    assert None not in used
    if len(used) < minimum:
        assert all(count == 1 for count in used.values())
    elif used:
        assert max(used.values()) - min(used.values()) <= 1


@settings(deadline=None)
@given(groups(most=1), offers(), members())
def test_an_agent_is_used_that_should_be_avoided_only_for_want_of_others(groups, offers, members):
    packing = pack(groups, offers, members, NOW)
    world = World(groups, offers, members, packing)
    for placement in packing.placements:
        group = world.group_of[placement.key]
        around = any(looks_around(c) for c in group.shape.constraints)
        if around or placement.agent_id not in group.shape.avoid:
            continue  # where its group is may leave it no choice
        for room in world.rooms:
            avoided = room[0] in group.shape.avoid
            assert avoided or not world.could_take(group, room, lowest=0), (placement, room)


@settings(deadline=None)
@given(groups(), offers(), members())
def test_it_conserves_work(groups, offers, members):
    """What was not placed has a veto against every room as it was left."""
    packing = pack(groups, offers, members, NOW)
    world = World(groups, offers, members, packing)
    for unplaced in packing.unplaced:
        group = world.group_of[unplaced.attempts[0]]
        for room in world.rooms:
            assert not world.could_take(group, room, lowest=0), (unplaced, room)


@settings(deadline=None)
@given(groups(), offers(), members())
def test_nobody_waits_for_room_that_a_lower_priority_took(groups, offers, members):
    packing = pack(groups, offers, members, NOW)
    world = World(groups, offers, members, packing)
    for unplaced in packing.unplaced:
        group = world.group_of[unplaced.attempts[0]]
        if any(c.operator == "GROUP_BY" for c in group.shape.constraints):
            continue  # a lower one's place may be what admits it
        for room in world.rooms:
            assert not world.could_take(group, room, lowest=group.priority), (unplaced, room)


@settings(deadline=None)
@given(groups(), offers(), members(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(groups, offers, members, chance):
    expected = pack(groups, offers, members, NOW)
    for values in (groups, offers, *members.values()):
        chance.shuffle(values)
    assert pack(groups, offers, members, NOW) == expected


@settings(deadline=None)
@given(groups(), offers(), members())
def test_within_a_group_the_longest_waiting_go_first(groups, offers, members):
    packing = pack(groups, offers, members, NOW)
    placed = {p.key for p in packing.placements}
    for group in groups:
        flags = [key in placed for key in group.attempts]
        assert flags == sorted(flags, reverse=True)


@settings(deadline=None)
@given(groups(), offers(), members())
def test_the_reasons_are_true(groups, offers, members):
    """Every agent with offers of its role is counted once, under a reason that holds; so is the nearest."""
    packing = pack(groups, offers, members, NOW)
    world = World(groups, offers, members, packing)
    for unplaced in packing.unplaced:
        shape, rooms = unplaced.shape, world.rooms_of(unplaced.shape)
        assert unplaced.agents == len(rooms) == sum(unplaced.vetoes.values())
        assert (unplaced.nearest is None) == (not rooms)
        for kind in set(VetoKind) - {VetoKind.QUOTA}:
            if kind is VetoKind.CONSTRAINT:
                possible = [
                    room
                    for room in rooms
                    if not all(world.admits(shape, c, room[0], 0) for c in shape.constraints)
                ]
            elif kind is VetoKind.MAINTENANCE:
                possible = [room for room in rooms if not world.is_open(shape, room)]
            else:
                asked = getattr(shape.resources, kind)
                possible = [r for r in rooms if asked > getattr(world.free(r, 0), kind)]
            assert unplaced.vetoes.get(kind, 0) <= len(possible), kind
        if unplaced.nearest is not None:
            assert unplaced.nearest.kind in unplaced.vetoes
            if unplaced.nearest.begins is not None:
                windows = {o.unavailable_from for o in offers if o.role == shape.role}
                assert unplaced.nearest.begins in windows
            elif unplaced.nearest.constraint is None:
                assert unplaced.nearest.free < unplaced.nearest.asked
                free = {getattr(world.free(r, 0), unplaced.nearest.kind) for r in rooms}
                assert unplaced.nearest.free in free


@given(offers(), members())
def test_an_empty_queue_places_nothing(offers, members):
    assert pack([], offers, members, NOW) == Packing((), ())


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(2, 3), st.integers(2, 3)), min_size=1, max_size=9))
def test_against_the_optimum_on_one_agent(jobs):
    """Jobs of 2 or 3 of both kinds on an agent of 12: never fewer than two thirds of the optimum.

    A filling that admits no more has less than 3 of some kind free, so at least 10 of it are in use by jobs
    of at most 3: four jobs. No filling has more than 12 / 2: six.
    """
    groups = [
        Group(Shape(Resources(cpus=c, mem=m)), 0, [AttemptKey("run-1", f"job-{i}", 1)])
        for i, (c, m) in enumerate(jobs)
    ]
    packing = pack(groups, [Offer("o", "agent", "host", Resources(cpus=12, mem=12))], {}, NOW)
    best = max(
        number
        for number in range(min(6, len(jobs)) + 1)
        for some in itertools.combinations(jobs, number)
        if sum(c for c, _ in some) <= 12 and sum(m for _, m in some) <= 12
    )
    assert 2 * best <= 3 * len(packing.placements) <= 3 * best


def test_a_large_seeded_world_holds_too():
    rng = random.Random(7)
    some_offers = [
        Offer(
            f"o{i}",
            f"agent-{i % 40:02}",
            f"host-{i % 40:02}",
            Resources(rng.randrange(16_000), rng.randrange(65_536), gpus=rng.choice([0, 0, 4])),
            attributes={"rack": "abcd"[i % 4]},
            role=rng.choice(ROLES),
        )
        for i in range(60)
    ]
    some_offers = [with_window(o) if o.agent_id[-1] in "1234" else o for o in some_offers]
    some_groups = []
    for i in range(120):
        run = f"run-{i % 5}"
        constraints = tuple(rng.sample(CONSTRAINTS, rng.choice([0, 0, 0, 1, 2])))
        scope = run if any(looks_around(c) for c in constraints) else None
        demand = Resources(
            rng.randrange(50, 4000), rng.randrange(16_384), gpus=rng.choice([0, 0, 1])
        )
        attempts = [AttemptKey(run, f"job-{i}", n) for n in range(rng.randrange(1, 30))]
        shape = Shape(demand, constraints, scope, rng.choice(ROLES), rng.choice([0, 600, 3600]))
        some_groups.append(Group(shape, rng.randrange(3), attempts))
    packing = pack(some_groups, some_offers, {}, NOW)
    world = World(some_groups, some_offers, {}, packing)
    assert packing.placements
    assert packing.unplaced
    for room in world.rooms:
        assert min(world.free(room, 0).as_tuple()) >= 0
    for unplaced in packing.unplaced:
        group = world.group_of[unplaced.attempts[0]]
        assert not any(world.could_take(group, room, 0) for room in world.rooms)
