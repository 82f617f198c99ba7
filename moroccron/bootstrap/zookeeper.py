"""What is kept in ZooKeeper, as it was set: the election, a copy of the framework id, the leading master."""

from moroccron.adapters.zookeeper.address import ZkAddress, ZkAddressInvalid, zk_address
from moroccron.adapters.zookeeper.detector import ZooKeeperDetector
from moroccron.adapters.zookeeper.election import ZooKeeperElection
from moroccron.adapters.zookeeper.framework_id import FrameworkIdMirror
from moroccron.bootstrap.mirrored import MirroredStore
from moroccron.ports import Election, MasterDetector, Store
from moroccron.settings import SettingsInvalid

ELECTION, FRAMEWORK_ID = "election", "framework_id"  #: below the path of the election


def build_election(where: str, holder: str) -> Election:
    return ZooKeeperElection(_address(where, "election").child(ELECTION), holder)


def build_mirror(where: str) -> FrameworkIdMirror:
    """The copy of the framework id, beside the election."""
    return FrameworkIdMirror(_address(where, "election").child(FRAMEWORK_ID))


def guard(store: Store, where: str) -> Store:
    return MirroredStore(store, build_mirror(where))


def build_detector(where: str, secure: bool) -> MasterDetector:
    return ZooKeeperDetector(_address(where, "master"), secure=secure)


def _address(where: str, setting: str) -> ZkAddress:
    try:
        return zk_address(where)
    except ZkAddressInvalid as error:
        raise SettingsInvalid(
            str(error),
            source=f"the setting {setting}",
            name=setting,
            remedy="write zk://host1:port,host2:port/path",
        ) from error
