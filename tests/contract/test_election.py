"""What every election promises: one leader at most, and soon another one when it dies, resigns or freezes.

The candidates are processes, so that they can be killed and frozen; their journal is the witness.
"""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.elections import Booth, Candidate
from tests.waiting import PATIENCE, until

LENGTH = 1.5  #: seconds of a lease or session
SLACK = 5.0  #: seconds that a busy machine may add to what is promised
KINDS = [
    "file",
    "sqlite",
    pytest.param("postgres", marks=pytest.mark.postgres),
    pytest.param("zookeeper", marks=pytest.mark.cluster),
]


@pytest.fixture(params=KINDS)
def new_booth(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Booth]]:
    """Holds elections of the kind under test, with leases of a given length if it has leases."""
    booths = []

    def hold(length: float = LENGTH) -> Booth:
        kind = request.param
        if kind == "file":
            booth = Booth(tmp_path, kind, str(tmp_path / "lock"), length=0.0, lease=None)
        elif kind == "zookeeper":
            where = request.getfixturevalue("zookeeper").url("/moroccron/election")
            booth = Booth(tmp_path, kind, where, length=length, lease=length)
        else:
            where = request.getfixturevalue("new_database")(kind)
            booth = Booth(tmp_path, "sql", where, length=length, lease=length)
        booths.append(booth)
        return booth

    yield hold
    for booth in booths:
        booth.end()


@pytest.fixture
def booth(new_booth: Callable[..., Booth]) -> Booth:
    return new_booth()


def looks(candidate: Candidate, number: int) -> None:
    """It looked so many times more and believed to lead."""
    enough = len(candidate.said("trusted")) + number
    until(lambda: len(candidate.said("trusted")) >= enough, f"{candidate.name} leads on")


def test_one_of_many_leads(booth: Booth) -> None:
    many = [booth.stand() for _ in range(4)]
    leader = booth.await_next(many, PATIENCE)
    for candidate in many:
        candidate.await_word("standing")
    looks(leader, 300)  # for longer than a lease
    assert [c for c in many if c.said("returned")] == [leader]
    booth.assert_one_leader()


def test_the_next_leads_when_the_leader_is_killed(booth: Booth) -> None:
    leader = booth.leader()
    others = [booth.standby(), booth.standby()]
    leader.kill()
    booth.await_next(others, (booth.lease or 0.0) + SLACK)
    booth.assert_one_leader()


def test_the_next_leads_at_once_when_the_leader_resigns(new_booth: Callable[..., Booth]) -> None:
    booth = new_booth(length=20.0)
    leader = booth.leader()
    others = [booth.standby(), booth.standby()]
    leader.resign()
    given_up = leader.await_word("resigned")
    next_leader = booth.await_next(others, SLACK)
    assert not [fact for fact in leader.said("trusted") if fact.at > given_up.at]
    assert next_leader.said("trusted")[0].at - given_up.at < SLACK
    assert not leader.said("lost"), "whoever resigned knows it"
    booth.assert_one_leader()


def test_one_that_waits_can_resign(booth: Booth) -> None:
    leader = booth.leader()
    waiting = booth.standby()
    waiting.resign()
    waiting.await_word("returned")
    waiting.await_word("resigned")
    other = booth.standby()
    leader.kill()
    other.await_word("trusted")
    assert not waiting.leads
    booth.assert_one_leader()


def test_a_leader_that_was_frozen_for_too_long_has_lost(booth: Booth) -> None:
    leader = booth.leader()
    other = booth.standby()
    leader.freeze()
    if booth.lease is None:
        leader.thaw()  # a lock stays with its process: nobody else can have led meanwhile
        looks(leader, 20)
        assert not leader.said("lost")
        assert not other.leads
    else:
        other.await_word("trusted", booth.lease + SLACK)
        leader.thaw()
        leader.await_word("lost")
        looks(other, 20)
        assert len(leader.said("lost")) == 1
    booth.assert_one_leader()


@pytest.mark.timeout(150)
def test_storms(booth: Booth) -> None:
    """Leaders die, resign and freeze, one after the other, and each time somebody new stands as well."""
    chance = random.Random(4)
    frozen: list[Candidate] = []
    standing = [booth.stand() for _ in range(3)]
    ways = ["kill", "resign", "freeze"] if booth.lease is not None else ["kill", "resign"]
    for way in ways + chance.choices(ways, k=5):
        leader = booth.await_next(standing, (booth.lease or 0.0) + PATIENCE)
        standing.remove(leader)
        getattr(leader, way)()
        if way == "freeze":
            frozen.append(leader)
        standing.append(booth.stand())
        if len(frozen) == 2:
            frozen.pop(0).thaw()
    for candidate in frozen:
        candidate.thaw()
        candidate.await_word("lost")
    booth.assert_one_leader()
