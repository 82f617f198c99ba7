"""The database, opened for the leader."""

from moroccron.adapters.sql.engine import open_engine
from moroccron.adapters.sql.store import SqlStore
from moroccron.bootstrap.database import existing_url
from moroccron.settings import Settings

ANSWER = 15.0  #: seconds of silence after which a database that was asked counts as gone


def open_store(settings: Settings) -> SqlStore:
    """The leader's side: the only one that writes state."""
    patience = settings.store_patience
    engine = open_engine(existing_url(settings), answer_within=min(ANSWER, patience))
    return SqlStore(engine, patience=patience)
