"""What the database's errors mean to us. The one place that tells missing tables from other failures."""

from sqlite3 import SQLITE_BUSY

from sqlalchemy.exc import DBAPIError

from moroccron.model.errors import StoreUnavailable, TablesUnfit

#: undefined table, undefined column
_POSTGRES_STATES = frozenset({"42P01", "42703"})
#: SQLite has one code for all of them, and words
_SQLITE_WORDS = ("no such table", "no such column", "has no column named")
_HELD = (
    "another process keeps it locked in the middle of a transaction: end the one that is frozen or stopped "
    "(`fuser` names those that have the file open)"
)


def unavailable(error: Exception) -> StoreUnavailable:
    """The error of SQLAlchemy or of the driver in our words."""
    cause = driver_error(error)
    if _misses_tables(cause):
        return TablesUnfit("the database has no tables (or old ones): run `moroccron db upgrade`")
    if getattr(cause, "sqlite_errorcode", 0) & 0xFF == SQLITE_BUSY:
        return StoreUnavailable(f"the database failed: {cause}; {_HELD}")
    return StoreUnavailable(f"the database failed: {cause}")


def driver_error(error: Exception) -> Exception:
    """The driver's own error within SQLAlchemy's."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return original if isinstance(original, Exception) else error


def _misses_tables(cause: Exception) -> bool:
    if getattr(cause, "sqlstate", None) in _POSTGRES_STATES:
        return True
    return hasattr(cause, "sqlite_errorcode") and any(word in str(cause) for word in _SQLITE_WORDS)
