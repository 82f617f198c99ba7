"""The database, opened for readers and for those who ask something of the leader. Loads nothing of its side."""

from moroccron.adapters.sql.commands import SqlCommands
from moroccron.adapters.sql.engine import database_url, open_engine, sqlite_file
from moroccron.adapters.sql.queries import SqlQueries
from moroccron.model.errors import StoreUnavailable
from moroccron.settings import Settings


def open_queries(settings: Settings) -> SqlQueries:
    """The readers' side."""
    demand_database(settings)
    return SqlQueries(open_engine(settings.database))


def open_commands(settings: Settings) -> SqlCommands:
    """The way in."""
    demand_database(settings)
    return SqlCommands(open_engine(settings.database))


def demand_database(settings: Settings) -> None:
    """Opening SQLite creates its file: only `db upgrade` may do that."""
    file = sqlite_file(database_url(settings.database))
    if file is not None and not file.exists():
        raise StoreUnavailable(f"there is none at {file}")
