"""The database's address, as it was set."""

from moroccron.adapters.sql.engine import DatabaseUrlInvalid, database_url, sqlite_file
from moroccron.model.errors import TablesUnfit
from moroccron.settings import Settings, SettingsInvalid, example


def checked_url(settings: Settings) -> str:
    """The address, if it is one that can be used; else the setting is wrong."""
    try:
        database_url(settings.database)
    except DatabaseUrlInvalid as error:
        raise SettingsInvalid(
            str(error),
            source="the setting database",
            name="database",
            remedy=f"write for example database = {example('database')}, or leave it out",
        ) from error
    return settings.database


def existing_url(settings: Settings) -> str:
    """The address of a database that is there. Opening SQLite creates its file: only an upgrade may do that."""
    file = sqlite_file(database_url(checked_url(settings)))
    if file is not None and not file.exists():
        raise TablesUnfit(f"there is no database at {file}: run `moroccron db upgrade`")
    return settings.database
