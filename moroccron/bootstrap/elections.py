"""Who holds the election, as it was set: a file's lock, a lease in the database, or ZooKeeper."""

from moroccron.adapters.local.election import FileElection
from moroccron.adapters.local.paths import WorkDir
from moroccron.adapters.sql.election import LEASE, SqlElection
from moroccron.adapters.sql.engine import open_engine
from moroccron.bootstrap import extras
from moroccron.bootstrap.database import existing_url
from moroccron.ports import Election, Store
from moroccron.settings import Settings, SettingsInvalid

FILE, SQL, ZOOKEEPER = "file", "sql", "zk://"
_ZOOKEEPER = "moroccron.bootstrap.zookeeper"


def build_election(settings: Settings, holder: str) -> Election:
    """A candidacy where it was set."""
    where = settings.election
    if where == FILE:
        return FileElection(WorkDir(settings.work_dir).scheduler_lock)
    if where == SQL:
        # A connection of its own: the lease must not wait for what else is asked of the database.
        return SqlElection(open_engine(existing_url(settings), answer_within=LEASE), holder)
    if where.startswith(ZOOKEEPER):
        election: Election = extras.load(_ZOOKEEPER, "election").build_election(where, holder)
        return election
    raise SettingsInvalid(
        f"{where!r} holds no elections",
        source="the setting election",
        name="election",
        remedy=f"write {FILE}, {SQL} or {ZOOKEEPER}host:port/moroccron",
    )


def guard(store: Store, settings: Settings) -> Store:
    """The store, its framework id compared with the copy beside the election, if that is in ZooKeeper."""
    where = settings.election
    if not where.startswith(ZOOKEEPER):
        return store
    guarded: Store = extras.load(_ZOOKEEPER, "election").guard(store, where)
    return guarded
