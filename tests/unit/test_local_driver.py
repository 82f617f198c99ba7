"""The driver against an agent that it cannot understand."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from moroccron.adapters.local import paths
from moroccron.adapters.local.driver import LocalDriver
from moroccron.model.events import Event, Subscribed
from tests.waiting import until

SUBSCRIBED = {"type": "subscribed", "framework_id": "f", "agent_id": "a"}
UPDATE = {"type": "update", "task_id": "t", "agent_id": "a", "state": "running", "at": 1}
OFFER = {"id": "o", "agent_id": "a", "hostname": "h", "attributes": {}, "port_ranges": []}


class Agent:
    """Subscribes whoever comes, and says one thing more to the first."""

    def __init__(self, socket_path: Path, first_words: bytes) -> None:
        self._words = first_words
        self._listener = paths.listen(socket_path)
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            self._connections.append(connection)
            if not connection.recv(1000):
                return
            connection.sendall(json.dumps(SUBSCRIBED).encode() + b"\n" + self._words)
            self._words = b""

    def close(self, socket_path: Path) -> None:
        paths.connect(socket_path).close()
        self._thread.join()
        for open_socket in (self._listener, *self._connections):
            open_socket.close()


@pytest.fixture
def socket_path(tmp_path: Path) -> Path:
    return tmp_path / "agent.sock"


@pytest.fixture(
    params=[
        {"type": "offers", "offers": [OFFER | {"resources": {"cpus": 1, "bandwidth": 3}}]},
        {"type": "offers", "offers": [None]},
        UPDATE | {"at": 1e300},
        UPDATE | {"state": "dancing"},
        [1, 2],
    ],
    ids=["an unknown field", "no offer", "no moment", "no state", "no object"],
)
def nonsense(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def agent(socket_path: Path, nonsense: Any) -> Iterator[Agent]:
    agent = Agent(socket_path, json.dumps(nonsense).encode() + b"\n")
    yield agent
    agent.close(socket_path)


def test_nonsense_ends_the_connection_and_not_the_driver(agent: Agent, socket_path: Path) -> None:
    """What came together with it is dropped with it."""
    events: list[Event] = []
    driver = LocalDriver(socket_path)
    driver.start(None, events.append)
    until(lambda: events[-1:] == [Subscribed("f")], "the driver comes back")
    driver.stop()
