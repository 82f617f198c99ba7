"""The mirror of the framework id, and that a database which is not ours is refused."""

from collections.abc import Iterator

import pytest
from kazoo.client import KazooClient

from moroccron.adapters.zookeeper.address import ZkAddress, zk_address
from moroccron.adapters.zookeeper.framework_id import FrameworkIdMirror
from moroccron.adapters.zookeeper.session import ZooKeeperUnavailable
from moroccron.bootstrap.mirrored import MirroredStore
from moroccron.bootstrap.zookeeper import build_mirror
from moroccron.model.changes import FrameworkChanged
from moroccron.model.errors import ElectionRefused, FrameworkMismatch
from moroccron.testing import MemoryStore
from tests.cluster.zookeeper import ZooKeeper

pytestmark = pytest.mark.cluster
PATH = "/moroccron/framework_id"


@pytest.fixture
def address(zookeeper: ZooKeeper) -> ZkAddress:
    return zk_address(zookeeper.url(PATH))


@pytest.fixture
def operator(zookeeper: ZooKeeper) -> Iterator[KazooClient]:
    client = KazooClient(zookeeper.address)
    client.start()
    yield client
    client.stop()
    client.close()


def test_a_store_goes_with_its_mirror(zookeeper: ZooKeeper, operator: KazooClient) -> None:
    mirror = build_mirror(zookeeper.url("/moroccron"))
    assert mirror is not None
    store = MirroredStore(MemoryStore(), mirror)
    term = store.begin_term("me")
    assert store.load().framework_id is None
    assert operator.exists(PATH) is None
    store.commit(term, [FrameworkChanged("F-1")])
    assert operator.get(PATH)[0] == b"F-1"
    assert store.load().framework_id == "F-1"
    store.commit(term, [FrameworkChanged("F-2")])
    assert store.load().framework_id == "F-2"
    empty = MirroredStore(MemoryStore(), mirror)
    with pytest.raises(FrameworkMismatch):
        empty.load()


def test_a_mirror_that_was_lost_is_made_again(address: ZkAddress, operator: KazooClient) -> None:
    mirror = FrameworkIdMirror(address)
    mirror.check("F-1")
    assert operator.get(PATH)[0] == b"F-1"
    mirror.check("F-1")


@pytest.mark.parametrize("stored", [None, "F-2"])
def test_what_differs_is_refused_and_left_alone(
    address: ZkAddress, operator: KazooClient, stored: str | None
) -> None:
    mirror = FrameworkIdMirror(address)
    mirror.keep("F-1")
    with pytest.raises(FrameworkMismatch) as caught:
        mirror.check(stored)
    for word in (stored or "none", "F-1", PATH, "`database`", "delete the node"):
        assert word in str(caught.value)
    assert operator.get(PATH)[0] == b"F-1"


def test_one_who_may_not_write_is_told_so(zookeeper: ZooKeeper) -> None:
    FrameworkIdMirror(zk_address(f"zk://me:secret@{zookeeper.address}{PATH}")).keep("F-1")
    stranger = FrameworkIdMirror(zk_address(f"zk://me:guess@{zookeeper.address}{PATH}"))
    stranger.check("F-1")
    with pytest.raises(ElectionRefused, match="user and password"):
        stranger.keep("F-2")


def test_a_zookeeper_that_is_down_is_told_and_does_not_undo_the_commit(
    zookeeper: ZooKeeper, address: ZkAddress
) -> None:
    zookeeper.kill()
    mirror = FrameworkIdMirror(address, patience=0.2)
    with pytest.raises(ZooKeeperUnavailable, match="is ZooKeeper running"):
        mirror.check("F-1")
    memory = MemoryStore()
    store = MirroredStore(memory, mirror)
    store.commit(store.begin_term("me"), [FrameworkChanged("F-1")])
    assert memory.load().framework_id == "F-1"
