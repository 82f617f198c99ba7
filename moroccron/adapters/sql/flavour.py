"""What differs between the databases for those who write.

PostgreSQL keeps a transaction's locks for as long as its client is connected, though the client be frozen or its
machine gone. A leader's session therefore says by its name what it is, so that the next leader can end it
(`depose`), and is ended by the server when it stays in the middle of a transaction (`prepare`). SQLite's lock goes
with the process that holds it, and with nothing else.
"""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from sqlite3 import (
    SQLITE_BUSY,
    SQLITE_CANTOPEN,
    SQLITE_FULL,
    SQLITE_IOERR,
    SQLITE_LOCKED,
    SQLITE_PROTOCOL,
)
from typing import Any

from sqlalchemy import Engine

from moroccron.adapters.sql.rows import Time
from moroccron.adapters.sql.utc_time import to_native, to_text

Cursor = Any  # of sqlite3 or psycopg

LEADER = "moroccron leader"  #: the name of a writer's session in PostgreSQL
#: Seconds that a writer may dawdle between two statements of a transaction. It takes milliseconds; a lease is 5 s.
LONGEST_DAWDLE = 5
_DEPOSE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    f" AND usename = current_user AND application_name = '{LEADER}' AND pid <> pg_backend_pid()"
)


class Flavour(ABC):
    """How the writer speaks to one kind of database."""

    time: Time  #: a moment as the driver takes it

    @abstractmethod
    def prepare(self, connection: Any) -> None:
        """What a new connection needs before its first transaction."""

    @abstractmethod
    def depose(self, cursor: Cursor) -> None:
        """End other writers' sessions, as far as possible: their open transactions are undone."""

    @abstractmethod
    def begin(self, cursor: Cursor) -> None:
        """Open a transaction that no other writer's can overtake."""

    @abstractmethod
    def together(self, connection: Any) -> AbstractContextManager[Any]:
        """Within it, statements may be sent without waiting for each one's result."""

    @abstractmethod
    def may_pass(self, error: Exception) -> bool:
        """Whether the same transaction may succeed a little later."""


class SqliteFlavour(Flavour):
    time = staticmethod(to_text)
    _PASSING = frozenset(
        {SQLITE_BUSY, SQLITE_LOCKED, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN, SQLITE_PROTOCOL}
    )

    def prepare(self, connection: Any) -> None:
        pass

    def depose(self, cursor: Cursor) -> None:
        pass  # nobody can: a lock on a file goes with its process

    def begin(self, cursor: Cursor) -> None:
        cursor.execute("BEGIN IMMEDIATE")

    def together(self, connection: Any) -> AbstractContextManager[Any]:
        return nullcontext()

    def may_pass(self, error: Exception) -> bool:
        # The low byte is the kind; the rest says more closely what went wrong.
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in self._PASSING


class PostgresFlavour(Flavour):
    time = staticmethod(to_native)
    # Lost connection, rollback by conflict, shortage, shutdown, a standby before its promotion, too long a
    # pause in a transaction.
    _PASSING = ("08", "40", "53", "57", "25006", "25P03")

    def prepare(self, connection: Any) -> None:
        connection.execute(f"SET application_name = '{LEADER}'")
        connection.execute(f"SET idle_in_transaction_session_timeout = '{LONGEST_DAWDLE}s'")
        connection.commit()

    def depose(self, cursor: Cursor) -> None:
        cursor.execute(_DEPOSE)

    def begin(self, cursor: Cursor) -> None:
        pass  # psycopg begins with the first statement; the leader's row is locked by the claim

    def together(self, connection: Any) -> AbstractContextManager[Any]:
        pipeline: AbstractContextManager[Any] = connection.pipeline()
        return pipeline

    def may_pass(self, error: Exception) -> bool:
        state = getattr(error, "sqlstate", None)
        if state is None:  # not the server's word: the connection failed
            return type(error).__name__ in ("OperationalError", "ConnectionTimeout")
        return str(state).startswith(self._PASSING)


def flavour_of(engine: Engine) -> Flavour:
    """How to speak to this one."""
    return SqliteFlavour() if engine.dialect.name == "sqlite" else PostgresFlavour()
