"""Which runs are due, on a schedule of every hour."""

from datetime import timedelta

import pytest

from moroccron.core.due import Due, Passed, Rules, due_runs, first_scheduled_until
from moroccron.model.run import DataInterval
from moroccron.model.schedule import CatchUp, Every, Overlap
from moroccron.model.timetable import timetable_of
from moroccron.testing import EPOCH, a_version

HOUR = timedelta(hours=1)
ALL, LAST, NONE = (Rules(catchup) for catchup in (CatchUp.ALL, CatchUp.LAST, CatchUp.NONE))


def interval(n):
    """The n-th hour after EPOCH."""
    return DataInterval(EPOCH + n * HOUR, EPOCH + (n + 1) * HOUR)


def at(n):
    return EPOCH + n * HOUR


def due(now, *, since=0, rules=ALL, room=99, **fields):
    timetable = timetable_of(a_version(schedule=Every(3600), **fields))
    assert timetable is not None
    return due_runs(timetable, at(since), rules, room=room, now=at(now))


def test_nothing_is_due_before_the_first_interval_is_over():
    assert due(0.99) == Due((), EPOCH, EPOCH + HOUR)


def test_an_interval_is_due_the_moment_it_ends():
    assert due(1) == Due((interval(0),), EPOCH + HOUR, EPOCH + 2 * HOUR)


def test_catching_up_takes_every_interval_oldest_first():
    assert due(3.5).intervals == (interval(0), interval(1), interval(2))


def test_what_finds_no_room_stays_due():
    found = due(3.5, room=2)
    assert found.intervals == (interval(0), interval(1))
    assert found.scheduled_until == EPOCH + 2 * HOUR
    assert found.next_due == EPOCH + 3 * HOUR


def test_without_catchup_only_the_latest_counts():
    found = due(3.5, rules=LAST)
    assert found.intervals == (interval(2),)
    assert found.next_due == EPOCH + 4 * HOUR
    assert found.missed == Passed(at(1), at(2))


def test_without_room_nothing_is_passed_over():
    assert due(3.5, rules=LAST, room=0) == Due((), EPOCH, EPOCH + HOUR)


def test_with_catchup_none_nothing_is_made_up_for():
    found = due(3.5, rules=NONE)
    assert found == Due((), at(3), at(4), Passed(at(1), at(3)))


@pytest.mark.parametrize("catchup", CatchUp)
def test_a_fire_that_is_seen_within_a_minute_was_not_missed(catchup):
    found = due(1 + 59 / 3600, rules=Rules(catchup))
    assert found == Due((interval(0),), at(1), at(2))


@pytest.mark.parametrize(
    ("catchup", "now", "hours", "expected"),
    [
        (CatchUp.ALL, 5.5, 2.5, [2, 3, 4]),
        (CatchUp.ALL, 5.5, 2.4, [3, 4]),
        (CatchUp.ALL, 5.5, 0.4, []),
        (CatchUp.ALL, 5.5, 99, [0, 1, 2, 3, 4]),
        (CatchUp.LAST, 5.5, 0.5, [4]),
        (CatchUp.LAST, 5.5, 0.4, []),
        (CatchUp.NONE, 5.01, 99, [4]),
        (CatchUp.NONE, 5.1, 99, []),
    ],
)
def test_missed_fires_are_made_up_for_within_the_window(catchup, now, hours, expected):
    found = due(now, rules=Rules(catchup, hours * 3600))
    assert found.intervals == tuple(interval(n) for n in expected)
    assert found.scheduled_until == at(5)
    assert found.next_due == at(6)
    passed = 5 - len(expected)
    assert found.missed == (Passed(at(1), at(passed)) if passed else None)


@pytest.mark.parametrize("overlap", [o for o in Overlap if o is not Overlap.QUEUE])
def test_who_does_not_queue_leaves_nothing_due(overlap):
    found = due(5.5, rules=Rules(CatchUp.ALL, None, overlap), room=2)
    assert found.intervals == (interval(0), interval(1))
    assert found.newest == interval(4)
    assert found.crowded == Passed(at(3), at(4))
    assert (found.scheduled_until, found.next_due) == (at(5), at(6))


def test_a_single_fire_without_room_is_the_newest():
    found = due(1, rules=Rules(CatchUp.LAST, None, Overlap.SKIP), room=0)
    assert found == Due((), at(1), at(2), newest=interval(0))


def test_a_schedule_that_has_ended_is_made_up_for_and_over():
    found = due(9, rules=Rules(CatchUp.NONE), end=at(2))
    assert found == Due((), at(2), None, Passed(at(1), at(2)))


def test_after_the_end_nothing_is_due_any_more():
    found = due(9, end=EPOCH + 2 * HOUR)
    assert found.intervals == (interval(0), interval(1))
    assert found.next_due is None


@pytest.mark.parametrize(
    ("start", "catchup", "expected"),
    [
        (None, CatchUp.LAST, 0),
        (None, CatchUp.ALL, 0),
        (-5, CatchUp.ALL, -5),
        (-5, CatchUp.LAST, 0),
        (-5, CatchUp.NONE, 0),
        (5, CatchUp.ALL, 5),
        (5, CatchUp.LAST, 5),
    ],
)
def test_where_a_new_dag_begins(start, catchup, expected):
    moment = None if start is None else EPOCH + start * HOUR
    found = first_scheduled_until(moment, catchup=catchup, now=EPOCH)
    assert found == EPOCH + expected * HOUR


@pytest.mark.parametrize("catchup", [CatchUp.ALL, CatchUp.LAST])
def test_asking_often_or_seldom_gives_the_same_when_catching_up(catchup):
    """Asked every half hour, each interval comes once; asked once, the same when catching up."""
    often, since = [], EPOCH
    timetable = timetable_of(a_version(schedule=Every(3600)))
    assert timetable is not None
    for half in range(1, 12):
        now = EPOCH + half * HOUR / 2
        found = due_runs(timetable, since, Rules(catchup), room=9, now=now)
        often += found.intervals
        since = found.scheduled_until
    assert often == [interval(n) for n in range(5)]
    assert list(due(5.5).intervals) == often
