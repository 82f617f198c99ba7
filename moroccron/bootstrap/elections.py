"""Who holds the election, as it was set: a file's lock, a lease in the database, or ZooKeeper."""

from moroccron.adapters.local.election import FileElection
from moroccron.adapters.local.paths import WorkDir
from moroccron.adapters.sql.election import LEASE, SqlElection
from moroccron.adapters.sql.engine import open_engine
from moroccron.adapters.zookeeper.address import ZkAddressInvalid, zk_address
from moroccron.adapters.zookeeper.election import ZooKeeperElection
from moroccron.adapters.zookeeper.framework_id import FrameworkIdMirror
from moroccron.bootstrap.database import existing_url
from moroccron.ports import Election
from moroccron.settings import Settings, SettingsInvalid

FILE, SQL = "file", "sql"
ELECTION, FRAMEWORK_ID = "election", "framework_id"  #: below the path in ZooKeeper


def build_election(where: str, settings: Settings, holder: str) -> Election:
    """A candidacy where it was set: `file`, `sql`, or `zk://host:port/path`."""
    if where == FILE:
        return FileElection(WorkDir(settings.work_dir).scheduler_lock)
    if where == SQL:
        # A connection of its own: the lease must not wait for what else is asked of the database.
        return SqlElection(open_engine(existing_url(settings), answer_within=LEASE), holder)
    try:
        return ZooKeeperElection(zk_address(where).child(ELECTION), holder)
    except ZkAddressInvalid as error:
        raise SettingsInvalid(
            str(error),
            source="the setting election",
            name="election",
            remedy=f"write {FILE}, {SQL} or zk://host:port/moroccron",
        ) from error


def build_mirror(where: str) -> FrameworkIdMirror | None:
    """Where the framework id is mirrored: beside the election, if that is in ZooKeeper."""
    return (
        None if where in (FILE, SQL) else FrameworkIdMirror(zk_address(where).child(FRAMEWORK_ID))
    )
