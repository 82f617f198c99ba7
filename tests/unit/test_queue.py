"""Queued attempts by class, as much of each as the packer can use."""

import pytest

from moroccron.core.queue import Queue, most_in
from moroccron.model.packing import Shape
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey

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


def test_first_in_first_out_and_no_more_than_could_fit_and_one():
    queue = Queue()
    for n in range(100):
        queue.add(key(n), 0, ONE)
    queue.add(key(200), 0, TWO)
    groups = {g.shape: g.attempts for g in queue.groups({None: Resources(cpus=5000, mem=10_000)})}
    assert groups[ONE] == [key(n) for n in range(6)]
    assert groups[TWO] == [key(200)]
    queue.discard(key(0))
    assert queue.groups({None: Resources(cpus=1000, mem=100)})[0].attempts == [key(1), key(2)]


def test_adding_twice_keeps_the_place_and_discarding_forgets():
    queue = Queue()
    for n in (1, 2, 1):
        queue.add(key(n), 0, ONE)
    assert list(queue) == [key(1), key(2)]
    assert len(queue) == 2
    queue.discard(key(1))
    queue.discard(key(1))
    assert key(1) not in queue
    queue.discard(key(2))
    assert queue.groups({None: Resources(cpus=1000, mem=100)}) == []
