"""Queued attempts by class, as much of each as the packer can use."""

from datetime import timedelta

import pytest

from moroccron.core.queue import Queue, most_in
from moroccron.model.packing import Shape
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey
from moroccron.testing import EPOCH

ONE = Shape(Resources(cpus=1000, mem=100))
TWO = Shape(Resources(cpus=2000, mem=100))


def key(n):
    return AttemptKey("r", f"j{n}", 1)


@pytest.mark.parametrize(
    ("demand", "free", "most"),
    [
        (Resources(cpus=1000), Resources(cpus=3999), 3),
        (Resources(cpus=1000, mem=100), Resources(cpus=9000, mem=250), 2),
        (Resources(ports=1), Resources(cpus=9000), 0),
    ],
)
def test_how_often_a_demand_fits(demand, free, most):
    assert most_in(demand, free) == most


def fronts(queue, *, cpus=9000, waited=0, aging=0):
    free = {None: Resources(cpus=cpus, mem=10_000)}
    return queue.fronts(free, EPOCH + timedelta(seconds=waited), aging)


def test_first_in_first_out_and_no_more_than_could_fit_and_one():
    queue = Queue()
    for n in range(100):
        queue.add(key(n), 0, ONE, EPOCH)
    queue.add(key(200), 0, TWO, EPOCH)
    found = {front.shape: list(front.attempts) for front in fronts(queue, cpus=5000)}
    assert found[ONE] == [key(n) for n in range(6)]
    assert found[TWO] == [key(200)]
    queue.discard(key(0))
    assert list(fronts(queue, cpus=1000)[0].attempts) == [key(1), key(2)]


def test_adding_twice_keeps_the_place_and_discarding_forgets():
    queue = Queue()
    for n in (1, 2, 1):
        queue.add(key(n), 0, ONE, EPOCH)
    assert list(queue) == [key(1), key(2)]
    assert len(queue) == 2
    queue.discard(key(1))
    queue.discard(key(1))
    assert key(1) not in queue
    queue.discard(key(2))
    assert fronts(queue) == []


def test_waiting_adds_to_priority_a_step_at_a_time():
    queue = Queue()
    queue.add(key(1), 5, ONE, EPOCH)
    queue.add(key(2), 5, ONE, EPOCH + timedelta(seconds=30))
    assert [f.level for f in fronts(queue, waited=59, aging=60)] == [5]
    levels = {f.level: list(f.attempts) for f in fronts(queue, waited=60, aging=60)}
    assert levels == {6: [key(1)], 5: [key(2)]}
    assert [f.level for f in fronts(queue, waited=600, aging=0)] == [5]


def test_owners_stand_in_lines_of_their_own():
    queue = Queue()
    for n, owner in enumerate("abab"):
        queue.add(key(n), 0, ONE, EPOCH, owner)
    assert {f.owner: list(f.attempts) for f in fronts(queue)} == {
        "a": [key(0), key(2)],
        "b": [key(1), key(3)],
    }
    assert queue.of_owner("b") == [key(1), key(3)]
