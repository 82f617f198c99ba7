"""The writer's connection: kept open, renewed when it breaks.

Owns transactions and their repetition; knows nothing of tables. One thread at a time uses it.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError

from moroccron.adapters.sql.flavour import Cursor, flavour_of
from moroccron.adapters.sql.patience import Patience
from moroccron.ports import idle

T = TypeVar("T")
Work = Callable[[Cursor], T]


class Writer:
    """Runs transactions on one connection, again when the database was out of reach for a while."""

    def __init__(self, engine: Engine, patience: float) -> None:
        self._engine = engine
        self._connection: PoolProxiedConnection | None = None
        self._error: type[Exception] = engine.dialect.loaded_dbapi.Error
        self.flavour = flavour_of(engine)
        self._patience = Patience(engine, patience, self.flavour.may_pass)

    def transact(self, work: Work[T], waiting: Callable[[], None] = idle) -> T:
        """The result of `work` in a transaction that is committed. Repeated while that may help.

        `waiting` is called before each repetition. Raises `StoreUnavailable` at once when the database refuses
        the work for what it is, and after the patience has run out when the database could not be reached. Other
        exceptions undo the transaction and pass through.
        """

        def once() -> T:
            try:
                return self._once(work)
            except (self._error, DBAPIError):
                self._drop()
                raise

        return self._patience.repeat(once, waiting)

    def _once(self, work: Work[T]) -> T:
        if self._connection is None:
            self._connection = self._engine.raw_connection()
            self.flavour.prepare(self._connection.driver_connection)
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
