"""The test cluster's ZooKeeper keeps its data through a death, and its sessions through a short one."""

import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from kazoo.client import KazooClient

from tests.cluster.zookeeper import ZooKeeper
from tests.waiting import until

pytestmark = pytest.mark.cluster

PATIENT = 20.0
BRIEF_SESSION = """
import sys, threading
from kazoo.client import KazooClient
client = KazooClient(hosts=sys.argv[1], timeout=1.0)
client.start()
client.create("/brief", b"", ephemeral=True)
print("here", flush=True)
threading.Event().wait()
"""


@pytest.fixture
def clients(zookeeper: ZooKeeper) -> Iterator[list[KazooClient]]:
    started: list[KazooClient] = []
    yield started
    for client in started:
        client.stop()
        client.close()


def connected(zookeeper: ZooKeeper, clients: list[KazooClient]) -> KazooClient:
    client = KazooClient(hosts=zookeeper.address, timeout=PATIENT)
    clients.append(client)
    client.start(timeout=PATIENT)
    return client


def test_it_serves_nothing_but_what_is_put_there(
    zookeeper: ZooKeeper, clients: list[KazooClient]
) -> None:
    client = connected(zookeeper, clients)
    assert client.get_children("/") == ["zookeeper"]
    client.create("/moroccron", b"here")
    assert client.get("/moroccron")[0] == b"here"
    assert "Mode: standalone" in zookeeper.ask("srvr")
    assert zookeeper.url("/moroccron") == f"zk://127.0.0.1:{zookeeper.port}/moroccron"


def test_data_and_sessions_survive_a_kill(zookeeper: ZooKeeper, clients: list[KazooClient]) -> None:
    client = connected(zookeeper, clients)
    states: list[str] = []
    client.add_listener(states.append)
    client.create("/stays", b"1")
    client.create("/mine", b"", ephemeral=True)
    zookeeper.kill()
    assert zookeeper.ask("ruok") == ""
    until(lambda: states == ["SUSPENDED"], "the client heard of it")
    zookeeper.start()
    until(lambda: states == ["SUSPENDED", "CONNECTED"], "the client is back, its session too")
    assert client.get("/stays")[0] == b"1"
    assert client.exists("/mine")


def test_a_session_ends_when_its_client_is_silent_too_long(
    zookeeper: ZooKeeper, clients: list[KazooClient]
) -> None:
    watcher = connected(zookeeper, clients)
    gone = threading.Event()
    with subprocess.Popen(
        [sys.executable, "-c", BRIEF_SESSION, zookeeper.address], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert watcher.exists("/brief", watch=lambda _: gone.set())
        other.kill()
    assert gone.wait(PATIENT), "a session of a second is given up"
    assert watcher.exists("/brief") is None


def test_frozen_it_answers_nothing_until_it_goes_on(zookeeper: ZooKeeper) -> None:
    zookeeper.pause()
    assert zookeeper.ask("ruok", patience=0.2) == ""
    zookeeper.resume()
    zookeeper.wait_healthy()
    assert zookeeper.ask("ruok") == "imok"
