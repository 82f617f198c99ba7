"""Short reading transactions: each sees one state of the database, and none holds up the writer."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine

from moroccron.adapters.sql.engine import readers
from moroccron.adapters.sql.flavour import flavour_of
from moroccron.adapters.sql.patience import Patience
from moroccron.ports import idle

T = TypeVar("T")


class Reader:
    """Runs functions of a connection. May be used from many threads."""

    def __init__(self, engine: Engine, patience: float = 0.0) -> None:
        """`patience`: seconds for which a database that is out of reach is asked again."""
        self._engine = readers(engine)
        self._patience = Patience(engine, patience, flavour_of(engine).may_pass)

    def read(self, work: Callable[[Connection], T], waiting: Callable[[], None] = idle) -> T:
        """The result of `work`, which must not keep the connection, and may be called again.

        `waiting` is called before each repetition, and may raise.
        """

        def once() -> T:
            with self._engine.connect() as connection:
                return work(connection)

        return self._patience.repeat(once, waiting)
