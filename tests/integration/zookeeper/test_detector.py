"""Which master leads, by the nodes that masters keep in a real ZooKeeper."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from kazoo.client import KazooClient
from kazoo.security import make_digest_acl

from moroccron.adapters.zookeeper.address import zk_address
from moroccron.adapters.zookeeper.detector import ZooKeeperDetector
from moroccron.adapters.zookeeper.session import Session
from tests.cluster.zookeeper import ZooKeeper
from tests.waiting import until

pytestmark = pytest.mark.cluster


class Masters:
    """A few masters that contend, each by a session of its own."""

    def __init__(self, zookeeper: ZooKeeper, path: str = "/mesos") -> None:
        self._zookeeper = zookeeper
        self._path = path
        self._clients: dict[int, KazooClient] = {}

    def begin(self, port: int, **fields: object) -> None:
        client = self._clients[port] = KazooClient(self._zookeeper.address)
        client.start()
        info = {"address": {"ip": "10.0.0.1", "hostname": "m", "port": port}} | fields
        self.write("json.info_", json.dumps(info).encode(), client)

    def write(self, label: str, value: bytes, client: KazooClient) -> None:
        node = f"{self._path}/{label}"
        client.create(node, value, ephemeral=True, sequence=True, makepath=True)

    def end(self, port: int) -> None:
        client = self._clients.pop(port)
        client.stop()
        client.close()

    def close(self) -> None:
        for port in list(self._clients):
            self.end(port)


@pytest.fixture
def masters(zookeeper: ZooKeeper) -> Iterator[Masters]:
    masters = Masters(zookeeper)
    yield masters
    masters.close()


@pytest.fixture
def detect(zookeeper: ZooKeeper) -> Iterator[Callable[..., tuple[ZooKeeperDetector, list]]]:
    """Begins detectors; with each the list of what it told."""
    with ExitStack() as stack:

        def begin(url: str | None = None) -> tuple[ZooKeeperDetector, list[str | None]]:
            told: list[str | None] = []
            detector = ZooKeeperDetector(zk_address(url or zookeeper.url("/mesos")), session=4.0)
            stack.callback(detector.stop)
            detector.watch(told.append)
            return detector, told

        yield begin


def test_the_first_master_leads_and_then_the_next(masters: Masters, detect) -> None:
    for port in (5050, 5051, 5052):
        masters.begin(port)
    _, told = detect()
    until(lambda: told == ["10.0.0.1:5050"], "the first")
    masters.end(5051)
    masters.end(5050)
    until(lambda: told[1:] == ["10.0.0.1:5052"], "the one that is left")
    masters.end(5052)
    until(lambda: told[2:] == [None], "nobody")
    masters.begin(5050)
    until(lambda: told[3:] == ["10.0.0.1:5050"], "the first again")


def test_masters_that_come_later_than_their_path(masters: Masters, detect) -> None:
    _, told = detect()
    until(lambda: told == [None], "nobody yet")
    masters.begin(5050)
    until(lambda: told == [None, "10.0.0.1:5050"], "somebody")


def test_other_nodes_are_nobodys_lead(masters: Masters, zookeeper: ZooKeeper, detect) -> None:
    with_replicas = KazooClient(zookeeper.address)
    with_replicas.start()
    masters.write("log_replicas/", b"", with_replicas)
    masters.write("info_", b"not for us", with_replicas)
    masters.begin(5050)
    _, told = detect()
    until(lambda: told == ["10.0.0.1:5050"], "the master")
    with_replicas.stop()
    with_replicas.close()


def test_a_leader_that_cannot_be_read_is_nobody(masters: Masters, detect) -> None:
    masters.begin(5050, address="?")
    masters.begin(5051)
    _, told = detect()
    until(lambda: told == [None], "not to be known")
    masters.end(5050)
    until(lambda: told == [None, "10.0.0.1:5051"], "one that can")


def test_an_outage_of_zookeeper_is_no_change(
    masters: Masters, zookeeper: ZooKeeper, detect, caplog: pytest.LogCaptureFixture
) -> None:
    masters.begin(5050)
    detector, told = detect()
    until(lambda: told, "the master")
    assert not detector.blind
    zookeeper.kill()
    until(lambda: detector.blind, "blind")
    assert "staying with master 10.0.0.1:5050" in caplog.text
    zookeeper.start()
    until(lambda: not detector.blind, "seeing again")
    assert told == ["10.0.0.1:5050"]
    masters.begin(5051)
    masters.end(5050)
    until(lambda: told[1:] == ["10.0.0.1:5051"], "changes are told again")


def test_several_servers_of_which_one_answers(
    masters: Masters, zookeeper: ZooKeeper, detect
) -> None:
    masters.begin(5050)
    _, told = detect(f"zk://127.0.0.1:1,{zookeeper.address},nowhere.invalid/mesos")
    until(lambda: told == ["10.0.0.1:5050"], "the master")


def test_a_path_that_only_some_may_read(
    zookeeper: ZooKeeper, detect, caplog: pytest.LogCaptureFixture
) -> None:
    owner = KazooClient(zookeeper.address, auth_data=[("digest", "mesos:secret")])
    owner.start()
    acl = [make_digest_acl("mesos", "secret", all=True)]
    info = json.dumps({"address": {"ip": "10.0.0.1", "port": 5050}}).encode()
    owner.create("/mesos", acl=acl)
    owner.create("/mesos/json.info_", info, acl=acl, ephemeral=True, sequence=True)
    _, told = detect(f"zk://mesos:secret@{zookeeper.address}/mesos")
    until(lambda: told == ["10.0.0.1:5050"], "read by one who may")
    _, told_to_stranger = detect(f"zk://mesos:guess@{zookeeper.address}/mesos")
    until(lambda: "user and password" in caplog.text, "said to one who may not")
    assert told_to_stranger == []
    assert "guess" not in caplog.text
    owner.stop()
    owner.close()


def test_one_that_was_stopped_tells_no_more(masters: Masters, detect) -> None:
    masters.begin(5050)
    detector, told = detect()
    until(lambda: told, "the master")
    detector.failed("10.0.0.1:5050")
    detector.stop()
    masters.end(5050)
    assert told == ["10.0.0.1:5050"]


def test_looking_often_leaves_one_watch(
    masters: Masters, detect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kazoo keeps each callback that differs until the node changes: for weeks, where no master ever dies."""
    watches: list[object] = []
    for question in ("exists", "children"):
        ask = getattr(Session, question)

        def asking(session, path, on_change, ask=ask):
            watches.append(on_change)
            return ask(session, path, on_change)

        monkeypatch.setattr(Session, question, asking)
    masters.begin(5050)
    detector, told = detect()
    for look in range(1, 6):
        until(lambda look=look: len(watches) >= 2 * look, "it has looked")
        detector.failed("10.0.0.1:5050")
    assert told == ["10.0.0.1:5050"]
    assert len(set(watches)) == 1
