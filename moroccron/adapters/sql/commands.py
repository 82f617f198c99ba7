"""Takes down what people ask for. Any process may; the leader reads and answers."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine, func, insert, select
from sqlalchemy.exc import DBAPIError

from moroccron.adapters.sql.engine import writers
from moroccron.adapters.sql.failures import unavailable
from moroccron.adapters.sql.rows import storable
from moroccron.adapters.sql.store import utc_now
from moroccron.adapters.sql.tables import command
from moroccron.model.command import Intent, encode_intent

# Held while a command is written in PostgreSQL; the number is ours alone within the database.
_ADVISORY_LOCK = 7_316_650_001


class SqlCommands:
    """Fulfils `ports.Commands`. May be used from many threads."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = utc_now) -> None:
        self._engine = writers(engine)
        self._now = now

    def submit(self, intent: Intent, requested_by: str) -> int:
        kind, payload = encode_intent(intent)
        row = {
            "kind": kind,
            "payload": payload,
            "requested_by": storable(requested_by),
            "requested_at": self._now(),
        }
        try:
            with self._engine.begin() as connection:
                if self._engine.dialect.name == "postgresql":
                    # The leader asks for numbers above the last it saw. So they must become visible in
                    # their order, which a sequence alone does not promise.
                    connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
                result = connection.execute(insert(command).values(row).returning(command.c.id))
                return int(result.scalar_one())
        except DBAPIError as error:
            raise unavailable(error) from error
