"""Which attempt goes where, by example. What holds of every packing is in tests/property/test_packer.py."""

from datetime import UTC, datetime, timedelta

import pytest

from moroccron.core.packer import pack
from moroccron.model.constraint import Constraint, Operator
from moroccron.model.offer import Offer, PortRange
from moroccron.model.packing import Group, Member, Shape, Veto, VetoKind
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey

RUN = "run-1"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def offer(agent, cpus=4000, mem=4096, *, id=None, gpus=0, ports=(), closes=None, **attributes):
    """`closes`: seconds from NOW until the agent's maintenance; it takes an hour."""
    ranges = tuple(PortRange(*r) for r in ports)
    free = Resources(cpus, mem, 0, gpus, sum(map(len, ranges)))
    window = {}
    if closes is not None:
        begins = NOW + timedelta(seconds=closes)
        window = {"unavailable_from": begins, "unavailable_until": begins + timedelta(hours=1)}
    return Offer(id or f"offer-{agent}", agent, f"{agent}.test", free, ranges, attributes, **window)


def group(
    name, number=1, cpus=1000, mem=256, *, priority=0, constraints=(), run=RUN, lasts=0, **more
):
    around = any(c.operator in ("UNIQUE", "MAX_PER", "GROUP_BY", "CLUSTER") for c in constraints)
    scope = run if around else None
    shape = Shape(Resources(cpus, mem, **more), tuple(constraints), scope, lasts=lasts)
    return Group(shape, priority, [AttemptKey(run, name, n + 1) for n in range(number)])


def where(packing):
    """Agents by job, in the order of placing, and how many of each job are left."""
    placed, left = {}, {}
    for placement in packing.placements:
        placed.setdefault(placement.key.job_id, []).append(placement.agent_id)
    for unplaced in packing.unplaced:
        left[unplaced.attempts[0].job_id] = len(unplaced.attempts)
    return placed, left


def placed(groups, offers, members=None):
    return where(pack(groups, offers, members or {}, NOW))


class TestRooms:
    def test_offers_of_one_agent_are_one_room(self):
        halves = [offer("a", 1000, id="o1"), offer("a", 1000, id="o2")]
        assert placed([group("big", cpus=2000)], halves) == ({"big": ["a"]}, {})

    def test_ports_are_cut_lowest_first_over_all_ranges(self):
        offers = [offer("a", id="o2", ports=[(31000, 31001)]), offer("a", id="o1", ports=[(8, 8)])]
        packing = pack(
            [group("web", 2, cpus=100, ports=1), group("db", cpus=900, ports=1)], offers, {}, NOW
        )
        assert sorted(p.ports for p in packing.placements) == [(8,), (31000,), (31001,)]

    def test_a_port_offered_twice_is_one_port(self):
        offers = [offer("a", id="o1", ports=[(5, 6)]), offer("a", id="o2", ports=[(6, 7)])]
        packing = pack([group("web", 4, cpus=10, ports=1)], offers, {}, NOW)
        assert [p.ports for p in packing.placements] == [(5,), (6,), (7,)]
        assert packing.unplaced[0].nearest == Veto(VetoKind.PORTS, asked=1, free=0)

    def test_thousandths_add_up_exactly(self):
        assert placed([group("tenth", 11, cpus=100, mem=0)], [offer("a", 1000)])[1] == {"tenth": 1}

    def test_a_job_that_asks_for_nothing_always_fits(self):
        assert placed([group("free", 500, 0, 0)], [offer("a", 0, 0)])[1] == {}


class TestMaintenance:
    def test_what_would_last_beyond_its_beginning_is_not_placed(self):
        groups = [group("short", lasts=600), group("long", lasts=601)]
        assert placed(groups, [offer("a", closes=600)]) == ({"short": ["a"]}, {"long": 1})

    def test_the_long_go_where_none_is_and_the_short_leave_them_the_room(self):
        groups = [group("short", 4, lasts=600), group("long", 4, lasts=3600)]
        found, left = placed(groups, [offer("a"), offer("b", closes=600)])
        assert (found, left) == ({"short": ["b"] * 4, "long": ["a"] * 4}, {})

    def test_the_short_go_elsewhere_when_it_is_full(self):
        found, left = placed([group("short", 6, lasts=5)], [offer("a"), offer("b", closes=10)])
        assert (found, left) == ({"short": ["b"] * 4 + ["a"] * 2}, {})

    def test_spread_jobs_heed_it_too(self):
        groups = [group("j", 2, constraints=[Constraint("hostname", Operator.UNIQUE)], lasts=60)]
        assert placed(groups, [offer("a"), offer("b", closes=59)]) == ({"j": ["a"]}, {"j": 1})

    @pytest.mark.parametrize(
        ("closes", "places"),
        [(0, 1), (-1, 0), (-3599, 0), (-3600, 1), (-9999, 1)],
    )
    def test_while_it_lasts_nothing_is_placed_and_afterwards_everything(self, closes, places):
        some = [group("j", 1, lasts=0)]
        assert len(pack(some, [offer("a", closes=closes)], {}, NOW).placements) == places

    def test_of_two_offers_the_earlier_window_counts(self):
        halves = [offer("a", id="o1", closes=600), offer("a", id="o2", closes=60)]
        assert placed([group("j", lasts=100)], halves) == ({}, {"j": 1})

    def test_it_is_told_with_its_beginning(self):
        offers = [offer("a", closes=60), offer("b", closes=120), offer("c", 500)]
        (of_all,) = pack([group("j", lasts=600)], offers[:2], {}, NOW).unplaced
        assert of_all.vetoes == {VetoKind.MAINTENANCE: 2}
        begins = NOW + timedelta(seconds=120)
        assert of_all.nearest == Veto(VetoKind.MAINTENANCE, begins=begins)
        (mixed,) = pack([group("j", lasts=600)], offers, {}, NOW).unplaced
        assert mixed.vetoes == {VetoKind.MAINTENANCE: 2, VetoKind.CPUS: 1}
        assert mixed.nearest == Veto(VetoKind.CPUS, 1000, 500)


class TestOrder:
    def test_priority_goes_first_even_when_the_lower_fits_better(self):
        groups = [group("low", cpus=4000, mem=4096), group("high", 3, priority=1)]
        assert placed(groups, [offer("a")]) == ({"high": ["a"] * 3}, {"low": 1})

    def test_a_lower_priority_gets_what_the_higher_cannot_use(self):
        groups = [group("high", cpus=9000, priority=1), group("low")]
        assert placed(groups, [offer("a")]) == ({"low": ["a"]}, {"high": 1})

    def test_within_a_group_the_first_in_the_queue_go_first(self):
        packing = pack([group("job", 6)], [offer("a"), offer("b", 1000)], {}, NOW)
        assert [(p.key.number, p.agent_id) for p in packing.placements] == [
            (1, "a"),
            (2, "a"),
            (3, "a"),
            (4, "a"),
            (5, "b"),
        ]

    def test_complementary_jobs_share_agents(self):
        groups = [group("cpus", 2, 3000, 1024), group("mem", 2, 1000, 3072)]
        assert placed(groups, [offer("a"), offer("b")])[1] == {}

    def test_large_jobs_are_not_crowded_out_by_small_ones(self):
        groups = [group("small", 8, 500, 512), group("large", 1, 4000, 4096)]
        found, left = placed(groups, [offer("a"), offer("b")])
        assert (found["large"], left) == (["a"], {})

    def test_no_offer(self):
        (unplaced,) = pack([group("job", 3)], [], {}, NOW).unplaced
        assert (len(unplaced.attempts), unplaced.agents, unplaced.nearest) == (3, 0, None)

    def test_groups_without_attempts_are_no_news(self):
        assert pack([group("none", 0)], [], {}, NOW).unplaced == ()


class TestGpus:
    def test_jobs_without_gpus_go_to_other_agents_first(self):
        found, _ = placed([group("plain", 5)], [offer("a", gpus=2), offer("b")])
        assert sorted(found["plain"]) == ["a", "b", "b", "b", "b"]

    def test_jobs_with_gpus_take_theirs_before_others_of_the_same_priority(self):
        groups = [group("plain", 8), group("train", 2, 2000, gpus=1)]
        found, left = placed(groups, [offer("a", gpus=2), offer("b")])
        assert (found["train"], left) == (["a", "a"], {"plain": 4})

    def test_a_higher_priority_takes_an_agent_with_gpus_all_the_same(self):
        groups = [group("plain", 4, priority=1), group("train", 1, gpus=1)]
        assert placed(groups, [offer("a", gpus=2)]) == ({"plain": ["a"] * 4}, {"train": 1})

    def test_spread_jobs_go_there_last_too(self):
        groups = [group("plain", 4, constraints=[Constraint("rack", Operator.MAX_PER, "9")])]
        found, _ = placed(groups, [offer("a", gpus=2, rack="r1"), offer("b", rack="r2")])
        assert found == {"plain": ["b"] * 4}


RACKS = [offer("a", rack="r1"), offer("b", rack="r2"), offer("c", rack="r2"), offer("d")]


@pytest.mark.parametrize(
    ("constraint", "number", "expected"),
    [
        (Constraint("rack", Operator.LIKE, "r[1-3]"), 1, {"a"}),
        (Constraint("rack", Operator.LIKE, "r"), 1, set()),  # as a whole
        (Constraint("rack", Operator.LIKE, "r2"), 8, {"b", "c"}),
        (Constraint("rack", Operator.UNLIKE, "r1"), 12, {"b", "c", "d"}),  # d has no rack
        (Constraint("rack", Operator.IS, "r2"), 8, {"b", "c"}),
        (Constraint("rack", Operator.IS, "r."), 8, set()),  # no expression
        (Constraint("rack", Operator.CLUSTER, "r2"), 8, {"b", "c"}),
        (Constraint("rack", Operator.LIKE, "("), 1, set()),  # no expression at all
        (Constraint("rack", Operator.UNLIKE, "("), 1, {"d"}),
        (Constraint("hostname", Operator.IS, "c.test"), 1, {"c"}),
        (Constraint("@hostname", Operator.LIKE, "[cd].*"), 8, {"c", "d"}),
        (Constraint("rack", Operator.UNIQUE), 9, {"a", "b"}),
        (Constraint("hostname", Operator.UNIQUE), 9, {"a", "b", "c", "d"}),
        (Constraint("rack", Operator.MAX_PER, "1"), 9, {"a", "b"}),
        (Constraint("rack", Operator.MAX_PER, "many"), 9, set()),
    ],
)
def test_agents_that_a_constraint_lets_through(constraint, number, expected):
    found, _ = placed([group("job", number, constraints=[constraint])], RACKS)
    assert set(found.get("job", ())) == expected


class TestGroups:
    def test_unique_counts_the_live_of_the_same_run_and_constraint(self):
        unique = Constraint("rack", Operator.UNIQUE)
        members = {
            RUN: [
                Member((unique,), {"rack": "r1"}, live=True),
                Member((unique,), {"rack": "r2"}, live=False),
                Member((), {"rack": "r3"}, live=True),
            ],
            "another": [Member((unique,), {"rack": "r2"}, live=True)],
        }
        offers = [offer("a", rack="r1"), offer("b", rack="r2"), offer("c", rack="r3")]
        found, left = placed([group("job", 9, constraints=[unique])], offers, members)
        assert (sorted(found["job"]), left) == (["b", "c"], {"job": 7})

    def test_shapes_that_carry_the_same_constraint_are_one_group(self):
        unique = [Constraint("hostname", Operator.UNIQUE)]
        groups = [group("x", 1, 1000, constraints=unique), group("y", 1, 2000, constraints=unique)]
        found, left = placed(groups, [offer("a")])
        assert len(found) == len(left) == 1

    def test_two_runs_are_two_groups(self):
        unique = [Constraint("hostname", Operator.UNIQUE)]
        groups = [group("x", constraints=unique), group("y", constraints=unique, run="run-2")]
        assert placed(groups, [offer("a")]) == ({"x": ["a"], "y": ["a"]}, {})

    def test_max_per_counts_those_that_were_there(self):
        limit = Constraint("rack", Operator.MAX_PER, "2")
        members = {RUN: [Member((limit,), {"rack": "r1"}, live=True)]}
        found, left = placed([group("job", 9, constraints=[limit])], RACKS, members)
        assert (found["job"].count("a"), len(found["job"]), left) == (1, 3, {"job": 6})

    def test_cluster_stays_where_the_first_went_even_when_that_has_ended(self):
        cluster = Constraint("rack", Operator.CLUSTER)
        members = {RUN: [Member((cluster,), {"rack": "r1"}, live=False)]}
        found, left = placed([group("job", 9, constraints=[cluster])], RACKS, members)
        assert (found, left) == ({"job": ["a"] * 4}, {"job": 5})

    def test_a_first_cluster_goes_where_most_of_it_fits(self):
        cluster = Constraint("rack", Operator.CLUSTER)
        found, left = placed([group("job", 8, constraints=[cluster])], RACKS)
        assert (set(found["job"]), left) == ({"b", "c"}, {})

    def test_group_by_spreads_evenly(self):
        by_rack = Constraint("rack", Operator.GROUP_BY, "2")
        offers = [offer("a", 9000, rack="r1"), offer("b", 2000, rack="r2")]
        found, left = placed([group("job", 9, mem=1, constraints=[by_rack])], offers)
        # r1 may be one ahead of r2, which has no more room
        assert (sorted(found["job"]), left) == (["a", "a", "a", "b", "b"], {"job": 4})

    def test_group_by_waits_for_as_many_values_as_it_names(self):
        by_rack = Constraint("rack", Operator.GROUP_BY, "3")
        found, left = placed([group("job", 9, constraints=[by_rack])], RACKS)
        assert (sorted(found["job"]), left) == (["a", "b"], {"job": 7})

    def test_group_by_evens_out_what_was_there(self):
        by_rack = Constraint("rack", Operator.GROUP_BY)
        members = {RUN: [Member((by_rack,), {"rack": "r1"}, live=True)] * 2}
        found, _ = placed([group("job", 3, constraints=[by_rack])], RACKS, members)
        assert found["job"].count("a") <= 1

    def test_group_by_admits_a_higher_priority_once_a_lower_one_evens_the_count(self):
        """The large job may go to r1 only when r2 is in use, and r2 has room for the small one alone."""
        by_rack = Constraint("rack", Operator.GROUP_BY, "2")
        members = {RUN: [Member((by_rack,), {"rack": "r1"}, live=True)]}
        groups = [
            group("large", cpus=4000, constraints=[by_rack], priority=1),
            group("small", 5, cpus=500, constraints=[by_rack]),
        ]
        offers = [offer("a", rack="r1"), offer("b", 1000, rack="r2")]
        found, _ = placed(groups, offers, members)
        assert found["large"] == ["a"]

    def test_a_lot_used_up_behind_a_waiting_one_is_given_nothing_more(self):
        by_rack = Constraint("rack", Operator.GROUP_BY)
        groups = [
            group("waits", cpus=9000, constraints=[by_rack], priority=1),
            group("one", constraints=[by_rack]),
        ]
        assert placed(groups, RACKS) == ({"one": ["a"]}, {"waits": 1})

    def test_all_constraints_must_hold(self):
        both = [Constraint("rack", Operator.LIKE, "r2"), Constraint("hostname", Operator.UNIQUE)]
        found, left = placed([group("job", 5, constraints=both)], RACKS)
        assert (sorted(found["job"]), left) == (["b", "c"], {"job": 3})


class TestReasons:
    def unplaced(self, a_group, offers):
        (found,) = pack([a_group], offers, {}, NOW).unplaced
        return dict(found.vetoes), found.nearest

    def test_count_agents_by_the_first_reason(self):
        offers = [offer("a", 500), offer("b", 800), offer("c", 9000, 100), offer("d", 9000, 200)]
        vetoes, nearest = self.unplaced(group("job", cpus=1000, mem=256), offers)
        assert vetoes == {VetoKind.CPUS: 2, VetoKind.MEM: 2}
        assert nearest == Veto(VetoKind.CPUS, 1000, 800)

    def test_put_what_waiting_does_not_cure_first(self):
        like = Constraint("rack", Operator.LIKE, "r1")
        vetoes, nearest = self.unplaced(group("job", cpus=9000, constraints=[like]), RACKS)
        assert vetoes == {VetoKind.CONSTRAINT: 3, VetoKind.CPUS: 1}
        assert nearest == Veto(VetoKind.CPUS, 9000, 4000)

    def test_name_the_constraint_that_refused_most(self):
        like = Constraint("zone", Operator.LIKE, "z")
        vetoes, nearest = self.unplaced(group("job", constraints=[like]), RACKS)
        assert vetoes == {VetoKind.CONSTRAINT: 4}
        assert nearest == Veto(VetoKind.CONSTRAINT, constraint=like)

    @pytest.mark.parametrize("kind", ["disk", "gpus", "ports"])
    def test_know_every_kind(self, kind):
        vetoes, nearest = self.unplaced(group("job", **{kind: 3}), [offer("a")])
        assert vetoes == {VetoKind(kind): 1}
        assert nearest == Veto(VetoKind(kind), 3, 0)

    def test_are_those_of_the_rooms_as_they_were_left(self):
        _, nearest = self.unplaced(group("job", 5), [offer("a", 4500)])
        assert nearest == Veto(VetoKind.CPUS, 1000, 500)
