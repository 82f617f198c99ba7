"""The database, opened for the leader."""

from moroccron.adapters.sql.engine import open_engine
from moroccron.adapters.sql.store import SqlStore
from moroccron.bootstrap.readers import demand_database
from moroccron.settings import Settings


def open_store(settings: Settings) -> SqlStore:
    """The leader's side: the only one that writes state."""
    demand_database(settings)
    return SqlStore(open_engine(settings.database))
