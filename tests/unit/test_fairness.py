"""Whose turn it is: by hand, on a few lines of two or three owners."""

from datetime import timedelta

from moroccron.core.fairness import Front, Holding, level_of, take_turns
from moroccron.model.packing import Shape
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey
from moroccron.testing import EPOCH

ONE = Resources(cpus=1000, mem=100)


def front(owner, number, *, level=0, resources=ONE, claims=(), name="", since=0):
    keys = [AttemptKey("r", f"{owner}{name}{n:03}", 1) for n in range(number)]
    ready = [EPOCH + timedelta(seconds=since + n) for n in range(number)]
    return Front(Shape(resources, claims=claims), level, owner, keys, ready)


def turns(*fronts, cpus=8, held=None, weights=None, left=None):
    """How many of each owner are served, by level."""
    free = {None: Resources(cpus=1000 * cpus, mem=100_000)}
    found = {}
    for group in take_turns(fronts, free, held or {}, weights or {}, left or {}):
        if group.priority % 2:
            owner = group.attempts[0].job_id[0]
            found[owner] = found.get(owner, 0) + len(group.attempts)
    return found


def test_alone_nobody_takes_turns():
    (group,) = take_turns([front("a", 9, level=3)], {None: ONE}, {}, {}, {})
    assert (group.priority, len(group.attempts)) == (6, 9)


def test_two_who_want_everything_get_halves():
    assert turns(front("a", 100), front("b", 100)) == {"a": 4, "b": 4}


def test_what_one_leaves_the_other_has():
    assert turns(front("a", 100), front("b", 1)) == {"a": 7, "b": 1}


def test_weights():
    assert turns(front("a", 100), front("b", 100), weights={"a": 3}) == {"a": 6, "b": 2}


def test_who_holds_much_already_comes_later():
    assert turns(front("a", 100), front("b", 100), held={"a": Holding(4000, 400, 4)}) == {
        "a": 2,
        "b": 6,
    }


def test_the_kind_of_which_one_has_the_most_counts():
    """Dominant resource fairness, as in its paper: 9 cpus and 18 GiB, <1, 4> beside <3, 1>."""
    a = front("a", 100, resources=Resources(cpus=1000, mem=4096))
    b = front("b", 100, resources=Resources(cpus=3000, mem=1024))
    free = {None: Resources(cpus=9000, mem=18 * 1024)}
    served = {
        group.attempts[0].job_id[0]: len(group.attempts)
        for group in take_turns([a, b], free, {}, {}, {})
        if group.priority % 2
    }
    assert served == {"a": 3, "b": 2}


def test_a_level_comes_before_all_turns():
    assert turns(front("a", 100, level=1), front("b", 100)) == {"a": 8}


def test_a_turn_is_not_spent_on_what_waits_for_slots():
    blocked = front("a", 100, claims=(("pool:x", 1),))
    assert turns(blocked, front("b", 100), left={"pool:x": 1}) == {"a": 1, "b": 7}


def test_of_one_owner_who_waited_longest_comes_first():
    wide = front("a", 3, name="w", since=50)
    long = front("a", 3, name="l", resources=Resources(cpus=2000, mem=100))
    groups = take_turns([wide, long, front("b", 9)], {None: Resources(8000, 9000)}, {}, {}, {})
    served = {g.attempts[0].job_id[:2]: len(g.attempts) for g in groups if g.priority % 2}
    assert served == {"al": 2, "b0": 4}


def test_nothing_is_lost_on_the_way():
    fronts = [front("a", 20), front("b", 5, level=2), front("c", 7)]
    groups = take_turns(fronts, {None: Resources(4000, 4000)}, {}, {}, {})
    given = sorted(key for f in fronts for key in f.attempts)
    assert sorted(key for group in groups for key in group.attempts) == given


def test_each_step_of_waiting_is_one_of_priority():
    now = EPOCH + timedelta(seconds=125)
    assert level_of(3, EPOCH, now, 60.0) == 5
    assert level_of(3, EPOCH, now, 0) == 3
    assert level_of(3, now + timedelta(seconds=5), now, 60.0) == 3
