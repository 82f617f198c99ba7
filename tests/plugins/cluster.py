"""The test cluster: a real Mesos and a real ZooKeeper, each test's own, gone after it.

`mesos_master` and `zookeeper` run already; `mesos_agent` begins agents. All can be killed, frozen
and begun again. For a cluster of another scope or shape, take the classes of tests/cluster.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from tests.cluster import postgres as postgres_room
from tests.cluster import zookeeper as zookeeper_room
from tests.cluster.mesos import Agent, Master
from tests.cluster.postgres import MortalPostgres
from tests.cluster.zookeeper import ZooKeeper
from tests.mesos import build
from tests.mesos.kit import Kit, lay_out


@pytest.fixture(scope="session")
def mesos_kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """The programs. Without them the test is skipped, which CI refuses."""
    home = build.home()
    if reason := build.why_not(home):
        pytest.skip(reason)
    return lay_out(home, tmp_path_factory.mktemp("mesos-helpers"))


@pytest.fixture
def new_mesos_master(mesos_kit: Kit, tmp_path: Path) -> Iterator[Callable[..., Master]]:
    """Begins masters: new_mesos_master(flags={"offer_timeout": "5secs"}, credential="me:secret")."""
    numbers = count(1)
    with ExitStack() as stack:

        def begin(**options: object) -> Master:
            name = f"master-{next(numbers)}"
            master = Master(mesos_kit, tmp_path / name, name=name, **options)  # type: ignore[arg-type]
            stack.callback(master.end)
            master.start()
            return master

        yield begin


@pytest.fixture
def mesos_master(new_mesos_master: Callable[..., Master]) -> Master:
    """A master without agents that answers; its `records` are what it knows."""
    return new_mesos_master()


@pytest.fixture
def new_mesos_agent(mesos_kit: Kit, tmp_path: Path) -> Iterator[Callable[..., Agent]]:
    """Begins agents of any master: new_mesos_agent(master, attributes="rack:a", resources="cpus:1")."""
    numbers = count(1)
    with ExitStack() as stack:

        def begin(master: Master, *, wait: bool = True, **options: object) -> Agent:
            number = next(numbers)
            folder = tmp_path / f"agent-{number}"
            agent = Agent(mesos_kit, folder, master, number=number, **options)  # type: ignore[arg-type]
            stack.callback(agent.end)
            agent.start(wait=wait)
            return agent

        yield begin


@pytest.fixture
def mesos_agent(
    mesos_master: Master, new_mesos_agent: Callable[..., Agent]
) -> Callable[..., Agent]:
    """Begins agents of `mesos_master`: mesos_agent(attributes="rack:a;zone:z1", resources="cpus:2")."""

    def begin(**options: object) -> Agent:
        return new_mesos_agent(mesos_master, **options)

    return begin


@pytest.fixture
def zookeeper(tmp_path: Path) -> Iterator[ZooKeeper]:
    """A server that serves, with nothing in it. Without Debian's package the test is skipped."""
    if reason := zookeeper_room.why_not():
        pytest.skip(reason)
    server = ZooKeeper(tmp_path / "zookeeper")
    try:
        server.start()
        yield server
    finally:
        server.end()


@pytest.fixture
def own_postgres() -> Iterator[MortalPostgres]:
    """A server of the test's own, to be killed and frozen; `create()` answers a database's URL."""
    if reason := postgres_room.why_not():
        pytest.skip(reason)
    server = postgres_room.server()
    try:
        server.start()
        yield server
    finally:
        server.stop()
        server.remove()
