"""The lease: one row that says who leads and until when. Owns its statements; knows no threads, no trust.

Every statement is a transaction, and each but the look writes under a condition on what was seen before, so
that of several candidates one has his way. Time is the database's alone: what it says now, and what it adds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Engine,
    Executable,
    Interval,
    String,
    func,
    literal,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from moroccron.adapters.sql.engine import writers
from moroccron.adapters.sql.flavour import flavour_of
from moroccron.adapters.sql.statements import THE_ROW
from moroccron.adapters.sql.tables import lease
from moroccron.adapters.sql.utc_time import UtcTime
from moroccron.model.errors import ElectionRefused, StoreUnavailable

_SQLITE_FORM = "%Y-%m-%d %H:%M:%f"  #: to the millisecond; `UtcTime` wants microseconds and the zone
_SQLITE_REST = "000+00:00"


@dataclass(frozen=True, slots=True)
class Lease:
    """The row. `won` counts the leaderships that it has seen: whoever names it last holds the lease."""

    won: int
    holder: str
    expires: datetime


class LeaseRow:
    """The lease as a candidate handles it. Any call may raise `StoreUnavailable` or `ElectionRefused`."""

    def __init__(self, engine: Engine, length: float) -> None:
        self._engine = engine
        self._flavour = flavour_of(engine)
        self._length = length
        self._is_postgres = engine.dialect.name == "postgresql"

    def look(self) -> tuple[Lease | None, datetime]:
        """The lease, None when there never was one; and the database's time."""
        with self._asking(), self._engine.begin() as connection:
            row = connection.execute(
                select(lease.c.won, lease.c.holder, lease.c.expires).where(lease.c.id == THE_ROW)
            ).one_or_none()
            now = connection.execute(select(type_coerce(self._in(0.0), UtcTime))).scalar_one()
        return (Lease(*row) if row is not None else None), now

    def take(self, holder: str, seen: Lease | None) -> int | None:
        """Hold the lease from now on, if it still is what was seen; the number of this leadership."""
        taking = self._insertion(holder) if seen is None else self._succession(holder, seen)
        with self._asking(), writers(self._engine).begin() as connection:
            won: int | None = connection.execute(taking).scalar_one_or_none()
        return won

    def _insertion(self, holder: str) -> Executable:
        insert = postgresql.insert if self._is_postgres else sqlite.insert
        first = {"id": THE_ROW, "won": 1, "holder": holder, "expires": self._in(self._length)}
        return insert(lease).values(first).on_conflict_do_nothing().returning(lease.c.won)

    def _succession(self, holder: str, seen: Lease) -> Executable:
        unchanged = [
            lease.c.id == THE_ROW,
            lease.c.won == seen.won,
            lease.c.expires == seen.expires,
        ]
        return (
            update(lease)
            .where(*unchanged)
            .values(won=seen.won + 1, holder=holder, expires=self._in(self._length))
            .returning(lease.c.won)
        )

    def renew(self, won: int) -> bool:
        """Hold it for longer; False when it is somebody else's. One that had expired may be renewed as well:
        that it still bears our number proves that nobody held it in between."""
        return self._set(won, self._in(self._length))

    def free(self, won: int) -> None:
        """Let others have it at once."""
        self._set(won, self._in(0.0))

    def _set(self, won: int, expires: ColumnElement[datetime]) -> bool:
        ours = update(lease).where(lease.c.id == THE_ROW, lease.c.won == won)
        with self._asking(), writers(self._engine).begin() as connection:
            return connection.execute(ours.values(expires=expires)).rowcount == 1

    def _in(self, seconds: float) -> ColumnElement[datetime]:
        """The database's time, some seconds on. Not the transaction's: that may have waited for a lock."""
        if self._is_postgres:
            span = literal(timedelta(seconds=seconds), Interval)
            return type_coerce(func.clock_timestamp(), UtcTime) + span
        moment = func.strftime(_SQLITE_FORM, "now", f"{seconds:+.3f} seconds", type_=String)
        return type_coerce(moment.concat(_SQLITE_REST), UtcTime)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Say in our words what went wrong."""
        try:
            yield
        except DBAPIError as error:
            cause = error.orig
            if isinstance(cause, Exception) and self._flavour.may_pass(cause):
                raise StoreUnavailable(f"the database failed: {cause}") from error
            raise ElectionRefused(
                f"the database refuses the lease: {cause}; see what `moroccron db check` says"
            ) from error
