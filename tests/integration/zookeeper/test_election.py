"""What only a real ZooKeeper can do to an election: be down, come back, forbid, grant otherwise, be edited."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from kazoo.client import KazooClient
from kazoo.security import make_digest_acl

from moroccron.adapters.zookeeper.address import zk_address
from moroccron.adapters.zookeeper.election import ZooKeeperElection
from moroccron.adapters.zookeeper.session import Session
from moroccron.model.errors import ElectionRefused
from tests.cluster.zookeeper import TICK, ZooKeeper
from tests.waiting import until

pytestmark = pytest.mark.cluster
PATH = "/moroccron/election"
LENGTH = 4.0


class Candidate:
    """An election with a thread that waits for it."""

    def __init__(self, election: ZooKeeperElection) -> None:
        self.election = election
        self.losses: list[str] = []
        self.returned = threading.Event()
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        self.election.wait(self.losses.append)
        self.returned.set()

    def elected(self) -> "Candidate":
        until(self.election.trusted, "elected")
        return self


@pytest.fixture
def stand(zookeeper: ZooKeeper) -> Iterator[Callable[..., Candidate]]:
    with ExitStack() as stack:

        def begin(length: float = LENGTH) -> Candidate:
            address = zk_address(zookeeper.url(PATH))
            candidate = Candidate(ZooKeeperElection(address, "me", session=length))
            stack.callback(candidate.election.resign)
            return candidate

        yield begin


@pytest.fixture
def operator(zookeeper: ZooKeeper) -> Iterator[KazooClient]:
    client = KazooClient(zookeeper.address)
    client.start()
    yield client
    client.stop()
    client.close()


def test_an_outage_costs_trust_and_not_the_lead(
    zookeeper: ZooKeeper, stand: Callable[..., Candidate]
) -> None:
    leader = stand().elected()
    other = stand()
    zookeeper.kill()
    until(lambda: not leader.election.trusted(), "in doubt")
    down_for = threading.Event()
    down_for.wait(LENGTH * 1.5)  # longer than a session lives while its ensemble does
    assert not leader.election.trusted()
    assert leader.losses == []
    zookeeper.start()
    until(leader.election.trusted, "sure again")
    assert leader.losses == []
    assert not other.returned.is_set()


def test_a_broken_connection_costs_trust_at_once(
    zookeeper: ZooKeeper, stand: Callable[..., Candidate]
) -> None:
    leader = stand(length=40.0).elected()
    zookeeper.kill()
    until(lambda: not leader.election.trusted(), "in doubt long before the session ends", 10.0)
    assert leader.losses == []


def test_trust_ends_by_our_own_clock_before_the_session_does(zookeeper: ZooKeeper) -> None:
    """Nobody need wake up for it: here the next sign of life is seconds away."""
    now = 1000.0
    address = zk_address(zookeeper.url(PATH))
    election = ZooKeeperElection(address, "me", session=40.0, clock=lambda: now)
    election.wait(lambda why: None)
    assert election.trusted()
    now += 0.45 * 40
    assert election.trusted()
    now += 0.1 * 40
    assert not election.trusted()
    election.resign()


def test_a_candidate_waits_for_a_zookeeper_that_is_down(
    zookeeper: ZooKeeper, stand: Callable[..., Candidate]
) -> None:
    zookeeper.kill()
    candidate = stand()
    zookeeper.start()
    candidate.elected()


def test_a_node_that_an_operator_removes_is_a_loss(
    operator: KazooClient, stand: Callable[..., Candidate]
) -> None:
    leader = stand().elected()
    other = stand()
    until(lambda: len(operator.get_children(PATH)) == 2, "both stand")
    first = min(operator.get_children(PATH), key=lambda name: name[-10:])
    operator.delete(f"{PATH}/{first}")
    until(lambda: leader.losses, "told")
    assert not leader.election.trusted()
    other.elected()


def test_a_candidate_whose_node_was_removed_stands_again(
    operator: KazooClient, stand: Callable[..., Candidate]
) -> None:
    leader = stand().elected()
    other = stand()
    until(lambda: len(operator.get_children(PATH)) == 2, "both stand")
    last = max(operator.get_children(PATH), key=lambda name: name[-10:])
    operator.delete(f"{PATH}/{last}")
    until(lambda: len(operator.get_children(PATH)) == 2, "it stands again")
    leader.election.resign()
    other.elected()


def test_nodes_name_their_holder(operator: KazooClient, stand: Callable[..., Candidate]) -> None:
    stand().elected()
    (name,) = operator.get_children(PATH)
    assert operator.get(f"{PATH}/{name}")[0] == b"me"


def test_a_crowd_elects_one_after_the_other(stand: Callable[..., Candidate]) -> None:
    crowd = [stand(length=20.0) for _ in range(8)]
    for _ in range(len(crowd)):
        until(lambda: any(c.election.trusted() for c in crowd), "somebody leads")
        (leader,) = [candidate for candidate in crowd if candidate.election.trusted()]
        leader.election.resign()
        crowd.remove(leader)
        assert leader.losses == []


class TestCredentials:
    def test_open_what_they_closed(self, zookeeper: ZooKeeper) -> None:
        ours = zk_address(f"zk://me:secret@{zookeeper.address}{PATH}")
        election = ZooKeeperElection(ours, "me", session=LENGTH)
        election.wait(lambda why: None)
        assert election.trusted()
        strangers = zk_address(f"zk://me:guess@{zookeeper.address}{PATH}")
        with pytest.raises(ElectionRefused, match="user and password") as caught:
            ZooKeeperElection(strangers, "stranger", session=LENGTH).wait(lambda why: None)
        assert "guess" not in str(caught.value)
        assert election.trusted()
        election.resign()

    def test_that_are_missing_are_said_to_be(
        self, zookeeper: ZooKeeper, operator: KazooClient
    ) -> None:
        operator.create("/moroccron", acl=[make_digest_acl("me", "secret", all=True)])
        nobody = zk_address(zookeeper.url(PATH))
        with pytest.raises(ElectionRefused):
            ZooKeeperElection(nobody, "nobody", session=LENGTH).wait(lambda why: None)


def test_the_session_that_was_granted_is_known(zookeeper: ZooKeeper) -> None:
    """The server raises what is too short. kazoo keeps the figure to itself: this is what we rely on."""
    connected = threading.Event()
    session = Session(zk_address(zookeeper.url("/x")), 0.1, lambda state: connected.set())
    assert connected.wait(10)
    assert session.granted == pytest.approx(2 * TICK / 1000)
    session.close()
