"""Which runs are due, on a schedule of every hour."""

from datetime import timedelta

import pytest

from moroccron.core.due import Due, due_runs, first_scheduled_until
from moroccron.model.dag_version import Every
from moroccron.model.run import DataInterval
from moroccron.model.timetable import timetable_of
from moroccron.testing import EPOCH, a_version

HOUR = timedelta(hours=1)


def interval(n):
    """The n-th hour after EPOCH."""
    return DataInterval(EPOCH + n * HOUR, EPOCH + (n + 1) * HOUR)


def due(now, *, since=0, catchup=True, room=99, **fields):
    timetable = timetable_of(a_version(schedule=Every(3600), **fields))
    assert timetable is not None
    return due_runs(
        timetable, EPOCH + since * HOUR, catchup=catchup, room=room, now=EPOCH + now * HOUR
    )


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
    found = due(3.5, catchup=False)
    assert found.intervals == (interval(2),)
    assert found.next_due == EPOCH + 4 * HOUR


def test_without_room_nothing_is_passed_over():
    assert due(3.5, catchup=False, room=0) == Due((), EPOCH, EPOCH + HOUR)


def test_after_the_end_nothing_is_due_any_more():
    found = due(9, end=EPOCH + 2 * HOUR)
    assert found.intervals == (interval(0), interval(1))
    assert found.next_due is None


@pytest.mark.parametrize(
    ("start", "catchup", "expected"),
    [
        (None, False, 0),
        (None, True, 0),
        (-5, True, -5),
        (-5, False, 0),
        (5, True, 5),
        (5, False, 5),
    ],
)
def test_where_a_new_dag_begins(start, catchup, expected):
    moment = None if start is None else EPOCH + start * HOUR
    found = first_scheduled_until(moment, catchup=catchup, now=EPOCH)
    assert found == EPOCH + expected * HOUR


@pytest.mark.parametrize("catchup", [True, False])
def test_asking_often_or_seldom_gives_the_same_when_catching_up(catchup):
    """Asked every half hour, each interval comes once; asked once, the same when catching up."""
    often, since = [], EPOCH
    timetable = timetable_of(a_version(schedule=Every(3600)))
    assert timetable is not None
    for half in range(1, 12):
        now = EPOCH + half * HOUR / 2
        found = due_runs(timetable, since, catchup=catchup, room=9, now=now)
        often += found.intervals
        since = found.scheduled_until
    assert often == [interval(n) for n in range(5)]
    assert list(due(5.5).intervals) == often
