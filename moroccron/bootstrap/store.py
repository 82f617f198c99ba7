"""The database, opened for the leader."""

from moroccron.adapters.sql.engine import open_engine
from moroccron.adapters.sql.store import SqlStore
from moroccron.bootstrap.database import existing_url
from moroccron.settings import Settings


def open_store(settings: Settings) -> SqlStore:
    """The leader's side: the only one that writes state."""
    return SqlStore(open_engine(existing_url(settings)))
