"""Moments to be woken at."""

from moroccron.adapters.local.timers import Timers


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_due_in_order_and_once():
    clock = Clock()
    timers = Timers(clock)
    timers.add(5.0, "kill", "a")
    timers.add(1.0, "timeout", "b")
    timers.add(1.0, "timeout", "a")
    assert timers.next() == 101.0
    assert timers.due() == []
    clock.now = 105.0
    assert timers.due() == [("timeout", "b"), ("timeout", "a"), ("kill", "a")]
    assert timers.due() == []
    assert timers.next() is None


def test_those_of_tasks_that_are_gone_do_not_pile_up():
    timers = Timers(Clock())
    timers.add(1.0, "sweep")
    for number in range(1000):
        timers.add(3600.0, "timeout", str(number))
        timers.prune({"7"})
    timers.prune({"7"})
    assert len(timers._heap) < 110
    assert timers.next() == 101.0
