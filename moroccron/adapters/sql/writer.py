"""The writer's connection: kept open, renewed when it breaks, with what differs between the databases.

Owns transactions and their repetition; knows nothing of tables. One thread at a time uses it.
"""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from sqlite3 import (
    SQLITE_BUSY,
    SQLITE_CANTOPEN,
    SQLITE_FULL,
    SQLITE_IOERR,
    SQLITE_LOCKED,
    SQLITE_PROTOCOL,
)
from typing import Any, TypeVar

from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError

from moroccron.adapters.sql.failures import driver_error, unavailable
from moroccron.adapters.sql.rows import Time
from moroccron.adapters.sql.utc_time import to_native, to_text

log = logging.getLogger(__name__)

T = TypeVar("T")
Cursor = Any  # of sqlite3 or psycopg
Work = Callable[[Cursor], T]

FIRST_PAUSE = 0.02
LONGEST_PAUSE = 1.0


class Flavour(ABC):
    """How the writer speaks to one kind of database."""

    time: Time  #: a moment as the driver takes it

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

    def begin(self, cursor: Cursor) -> None:
        cursor.execute("BEGIN IMMEDIATE")

    def together(self, connection: Any) -> AbstractContextManager[Any]:
        return nullcontext()

    def may_pass(self, error: Exception) -> bool:
        # The low byte is the kind; the rest says more closely what went wrong.
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in self._PASSING


class PostgresFlavour(Flavour):
    time = staticmethod(to_native)
    # Lost connection, rollback by conflict, shortage, shutdown, a standby before its promotion.
    _PASSING = ("08", "40", "53", "57", "25006")

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


class Writer:
    """Runs transactions on one connection, again when the database was out of reach for a while."""

    def __init__(self, engine: Engine, patience: float) -> None:
        self._engine = engine
        self._patience = patience
        self._connection: PoolProxiedConnection | None = None
        self._error: type[Exception] = engine.dialect.loaded_dbapi.Error
        self.flavour = flavour_of(engine)

    def transact(self, work: Work[T]) -> T:
        """The result of `work` in a transaction that is committed. Repeated while that may help.

        Raises `StoreUnavailable` at once when the database refuses the work for what it is, and after
        the patience has run out when the database could not be reached. Other exceptions undo the
        transaction and pass through.
        """
        deadline = time.monotonic() + self._patience
        pause = FIRST_PAUSE
        while True:
            try:
                return self._once(work)
            except (self._error, DBAPIError) as error:
                self._drop()
                cause = driver_error(error)
                if not self.flavour.may_pass(cause) or time.monotonic() + pause > deadline:
                    raise unavailable(cause) from error
                log.warning("the database failed, trying again in %.2f s: %s", pause, cause)
            threading.Event().wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _once(self, work: Work[T]) -> T:
        if self._connection is None:
            self._connection = self._engine.raw_connection()
        connection: Any = self._connection.driver_connection
        cursor = connection.cursor()
        try:
            self.flavour.begin(cursor)
            result = work(cursor)
            connection.commit()
            return result
        except BaseException:
            with suppress(self._error):
                connection.rollback()
            raise
        finally:
            cursor.close()

    def _drop(self) -> None:
        """Trust the connection no more; the next transaction opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(self._error, DBAPIError):
                connection.invalidate()

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
