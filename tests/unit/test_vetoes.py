"""The operators' rules, and why a job waits in words for people."""

from datetime import UTC, datetime

import pytest

from moroccron.core.vetoes import Tally, describe, location_of, matches
from moroccron.model.constraint import Constraint, Operator
from moroccron.model.offer import Offer
from moroccron.model.packing import Member, Shape, Unplaced, Veto, VetoKind
from moroccron.model.resources import Resources

LIKE = Constraint("rack", Operator.LIKE, "r[1-3]")
UNIQUE = Constraint("hostname", Operator.UNIQUE)


@pytest.mark.parametrize(
    ("operator", "argument", "value", "passes"),
    [
        ("LIKE", "r[1-3]", "r2", True),
        ("LIKE", "r[1-3]", "r22", False),
        ("LIKE", "r[1-3]", "xr2", False),
        ("LIKE", ".*", "anything", True),
        ("LIKE", "a|ab", "ab", True),
        ("LIKE", ".*", None, False),
        ("UNLIKE", "r[1-3]", "r2", False),
        ("UNLIKE", "r[1-3]", "r22", True),
        ("UNLIKE", ".*", None, True),
        ("IS", "r.", "r.", True),
        ("IS", "r.", "r1", False),
        ("IS", "r1", None, False),
        ("CLUSTER", "r1", "r1", True),
        ("CLUSTER", "r1", "r2", False),
        ("CLUSTER", "r1", None, False),
        ("LIKE", "(", "(", False),
        ("UNLIKE", "(", "(", False),
        ("LIKE", "(a+)+", "a" * 5_000 + "b", False),  # Python's own engine would take for ever
        ("UNLIKE", "(.*a){12}", "a" * 5_000 + "b", True),
        ("LIKE", ".*", "\udcff", False),
    ],
)
def test_conditions_on_the_agent_alone(operator, argument, value, passes):
    assert matches(Constraint("rack", Operator(operator), argument), value) is passes


@pytest.mark.parametrize(
    ("operator", "argument", "live", "ended", "admitted"),
    [
        ("UNIQUE", None, "", "", "abc"),
        ("UNIQUE", None, "a", "b", "bc"),
        ("MAX_PER", "2", "aab", "bb", "bc"),
        ("MAX_PER", "0", "", "", ""),
        ("CLUSTER", None, "", "", "abc"),
        ("CLUSTER", None, "bb", "", "b"),
        ("CLUSTER", None, "", "c", "c"),
        ("CLUSTER", None, "a", "b", ""),
        ("GROUP_BY", None, "", "", "abc"),
        ("GROUP_BY", None, "a", "", "abc"),
        ("GROUP_BY", None, "aab", "", "bc"),
        ("GROUP_BY", "2", "a", "", "bc"),
        ("GROUP_BY", "2", "ab", "", "abc"),
        ("GROUP_BY", "3", "ab", "", "c"),
        ("GROUP_BY", "3", "aabbc", "a", "c"),
    ],
)
def test_conditions_on_the_group(operator, argument, live, ended, admitted):
    constraint = Constraint("rack", Operator(operator), argument)
    members = [Member((constraint,), {"rack": value}, True) for value in live]
    members += [Member((constraint,), {"rack": value}, False) for value in ended]
    members += [Member((UNIQUE,), {"rack": "a"}, True), Member((constraint,), {}, True)]
    tally = Tally(constraint, members)
    assert "".join(value for value in "abc" if tally.admits(value)) == admitted


def test_what_was_placed_counts():
    tally = Tally(UNIQUE)
    tally.add("host")
    assert not tally.admits("host")


def test_location_in_the_words_of_the_constraints():
    offer = Offer("o", "a", "host-1", Resources(), (), {"rack": "r1", "hostname": "not this"})
    missing = Constraint("zone", Operator.UNLIKE, "z")
    own = Constraint("@hostname", Operator.UNIQUE)
    assert location_of((LIKE, UNIQUE, own, missing), offer) == (
        ("@hostname", "host-1"),
        ("hostname", "host-1"),
        ("rack", "r1"),
    )


def unplaced(vetoes, nearest, constraints=()):
    shape = Shape(Resources(1000, 256), tuple(constraints), lasts=3605.0)
    return Unplaced(shape, (), sum(vetoes.values()), vetoes, nearest)


@pytest.mark.parametrize(
    ("vetoes", "nearest", "constraints", "sentence"),
    [
        ({}, None, (), "no offer yet"),
        (
            {"cpus": 3},
            Veto(VetoKind.CPUS, 64_000, 8_000),
            (),
            "cpus: asks 64, at most 8 free on any of 3 agents",
        ),
        (
            {"cpus": 1},
            Veto(VetoKind.CPUS, 1_250, 100),
            (),
            "cpus: asks 1.25, 0.1 free on the only agent",
        ),
        (
            {"mem": 2},
            Veto(VetoKind.MEM, 4096, 100),
            (),
            "mem: asks 4096 MiB, at most 100 MiB free on any of 2 agents",
        ),
        (
            {"ports": 2},
            Veto(VetoKind.PORTS, 4, 0),
            (),
            "ports: asks 4, at most 0 free on any of 2 agents",
        ),
        (
            {"constraint": 3},
            Veto(VetoKind.CONSTRAINT, constraint=LIKE),
            (LIKE,),
            "constraint rack LIKE r[1-3]: none of 3 agents matches",
        ),
        (
            {"constraint": 1},
            Veto(VetoKind.CONSTRAINT, constraint=UNIQUE),
            (UNIQUE,),
            "constraint hostname UNIQUE: every value on 1 agent is taken by a job of this run",
        ),
        (
            {"constraint": 4},
            Veto(VetoKind.CONSTRAINT, constraint=LIKE),
            (UNIQUE, LIKE),
            "constraints: none of 4 agents satisfies all; most often it is rack LIKE r[1-3]",
        ),
        (
            {"maintenance": 1},
            Veto(VetoKind.MAINTENANCE, begins=datetime(2026, 3, 1, 4, 30, tzinfo=UTC)),
            (),
            "maintenance: counted as lasting 1 h 5 s, too long for the only agent, "
            "in maintenance from 2026-03-01 04:30:00 UTC on",
        ),
        (
            {"maintenance": 3},
            Veto(VetoKind.MAINTENANCE, begins=datetime(2026, 3, 1, 4, 30, tzinfo=UTC)),
            (),
            "maintenance: counted as lasting 1 h 5 s, too long for any of 3 agents, "
            "the last of them in maintenance from 2026-03-01 04:30:00 UTC on",
        ),
        (
            {"constraint": 1, "maintenance": 2},
            Veto(VetoKind.MAINTENANCE, begins=datetime(2026, 3, 1, 4, 30, tzinfo=UTC)),
            (LIKE,),
            "no room on any of 3 agents: 1 fails a constraint, 2 go into maintenance too soon; "
            "the last of them from 2026-03-01 04:30:00 UTC on",
        ),
        (
            {"cpus": 3, "mem": 1, "constraint": 1},
            Veto(VetoKind.CPUS, 4_000, 2_000),
            (LIKE,),
            "no room on any of 5 agents: 3 lack cpus, 1 lacks mem, 1 fails a constraint; "
            "nearest: asks 4 of cpus, 2 free",
        ),
    ],
)
def test_reasons_in_plain_words(vetoes, nearest, constraints, sentence):
    kinds = {VetoKind(kind): number for kind, number in vetoes.items()}
    assert describe(unplaced(kinds, nearest, constraints)) == sentence
