"""Short reading transactions: each sees one state of the database, and none holds up the writer."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from moroccron.adapters.sql.engine import readers
from moroccron.adapters.sql.failures import unavailable

T = TypeVar("T")


class Reader:
    """Runs functions of a connection. May be used from many threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = readers(engine)

    def read(self, work: Callable[[Connection], T]) -> T:
        """The result of `work`, which must not keep the connection."""
        try:
            with self._engine.connect() as connection:
                return work(connection)
        except DBAPIError as error:
            raise unavailable(error) from error
