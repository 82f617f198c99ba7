"""The database, opened for readers and for those who ask something of the leader. Loads nothing of its side."""

from moroccron.adapters.sql.commands import SqlCommands
from moroccron.adapters.sql.engine import open_engine
from moroccron.adapters.sql.queries import SqlQueries
from moroccron.bootstrap.database import existing_url
from moroccron.settings import Settings


def open_queries(settings: Settings) -> SqlQueries:
    """The readers' side."""
    return SqlQueries(open_engine(existing_url(settings)))


def open_commands(settings: Settings) -> SqlCommands:
    """The way in."""
    return SqlCommands(open_engine(existing_url(settings)))
