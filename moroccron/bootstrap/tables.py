"""The database's tables, brought up to date or looked at."""

from moroccron.adapters.sql import schema
from moroccron.bootstrap.database import checked_url
from moroccron.model.errors import StoreUnavailable, TablesUnfit
from moroccron.settings import Settings


def upgrade(settings: Settings) -> tuple[str | None, str | None]:
    """Bring the tables to what this moroccron needs; the revisions before and after."""
    url = checked_url(settings)
    before = schema.current(url)
    schema.upgrade(url)
    return before, schema.current(url)


def check(settings: Settings) -> list[str]:
    """What keeps this moroccron from working on the database, each with its remedy; empty: nothing."""
    return schema.check(checked_url(settings))


def demand(settings: Settings) -> None:
    """Raise `TablesUnfit` if the tables are not those that this moroccron needs.

    A database that does not answer now is no reason: whoever asks knows how to wait for it.
    """
    url = checked_url(settings)
    try:
        problem = schema.unfit(url)
    except StoreUnavailable:
        return
    if problem is not None:
        raise TablesUnfit(problem)


def current(settings: Settings) -> tuple[str | None, str | None]:
    """The revision that the tables are at, and the one that is wanted."""
    return schema.current(checked_url(settings)), schema.wanted()
