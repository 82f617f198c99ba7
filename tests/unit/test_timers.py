"""When the engine wakes, and for whom: what does not matter any more does not pile up."""

from datetime import timedelta

from moroccron.core.timers import RunExpiry, Timers
from moroccron.testing import EPOCH


def at(seconds):
    return EPOCH + timedelta(seconds=seconds)


def test_due_in_order_and_once():
    timers = Timers()
    timers.add(at(5), "late")
    timers.add(at(1), "early")
    assert timers.next_wake() == at(1)
    assert list(timers.due(at(5))) == ["early", "late"]
    assert list(timers.due(at(9))) == []


def test_an_alarm_rings_once_and_can_be_taken_back():
    timers = Timers()
    timers.set_alarm("hold", at(1))
    timers.set_alarm("sweep", at(1))
    timers.set_alarm("sweep", None)
    timers.ring(at(1))
    assert timers.rings("hold")
    assert not timers.rings("sweep")
    timers.ring(at(2))
    assert not timers.rings("hold")


def test_those_of_what_is_gone_do_not_pile_up():
    """A run that may take a year and takes a second leaves an entry behind; a leader may lead for months."""
    alive = {"r0"}
    timers = Timers(lambda subject: subject.run_id in alive)
    timers.add(at(10**7), RunExpiry("r0"))
    for n in range(1, 200_000):
        timers.add(at(10**7 + n), RunExpiry(f"r{n}"))
    assert len(timers) < 30_000
    assert list(timers.due(at(10**7))) == [RunExpiry("r0")]


def test_those_that_matter_are_all_kept():
    timers = Timers(lambda _: True)
    for n in range(50_000):
        timers.add(at(n), str(n))
    assert len(list(timers.due(at(50_000)))) == 50_000
