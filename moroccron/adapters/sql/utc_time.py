"""How a moment is stored: TIMESTAMP WITH TIME ZONE in PostgreSQL, ISO text in SQLite.

The text is always in UTC and of one width ("2026-01-31 23:59:59.000000+00:00"), so that it sorts as time
does, SQLite's own date functions read it, and it parses back in one call.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import TIMESTAMP, Dialect, String
from sqlalchemy.types import TypeDecorator, TypeEngine


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC. A naive one is refused: nobody knows which moment it is."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.astimezone(UTC)


def to_text(moment: datetime | None) -> str | None:
    """The text that SQLite holds."""
    if moment is None:
        return None
    if moment.tzinfo is not UTC:
        moment = in_utc(moment)
    return moment.isoformat(" ", "microseconds")


def to_native(moment: datetime | None) -> datetime | None:
    """The value that psycopg takes."""
    if moment is None or moment.tzinfo is UTC:
        return moment
    return in_utc(moment)


def from_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


class Moments(dict[datetime | None, Any]):
    """Moments already encoded: the rows of one commit share a few, and encoding costs more than a look-up."""

    def __init__(self, encode: Callable[[datetime | None], Any]) -> None:
        super().__init__()
        self._encode = encode

    def __missing__(self, moment: datetime | None) -> Any:
        encoded = self[moment] = self._encode(moment)
        return encoded


class UtcTime(TypeDecorator[datetime]):
    """An aware moment, in UTC both ways."""

    impl = TIMESTAMP(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(32))
        return dialect.type_descriptor(TIMESTAMP(timezone=True))

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return to_text if dialect.name == "sqlite" else to_native

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return from_text if dialect.name == "sqlite" else to_native
