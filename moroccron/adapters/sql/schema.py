"""The database's tables over time: brings them up to date, says whether they are, and at which revision.

Alembic does the work, from the folder that is shipped with the package. Must not know what is stored.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from moroccron.adapters.sql.engine import database_url, open_engine, sqlite_file, writers
from moroccron.adapters.sql.failures import unavailable
from moroccron.adapters.sql.tables import metadata
from moroccron.resources import migrations_dir

# Held while tables are changed in PostgreSQL; the number is ours alone within the database.
_ADVISORY_LOCK = 7_316_650_002


def upgrade(url: str) -> None:
    """Bring the tables to what this moroccron needs; creates them where there are none.

    Several processes may do so at once: one does the work, the others find it done.
    """
    with _connected(url, writing=True) as connection:
        command.upgrade(_config(connection), "head")


def downgrade(url: str, revision: str) -> None:
    """Bring the tables back to an earlier revision, or to `base`: to nothing, and all data is lost."""
    with _connected(url, writing=True) as connection:
        command.downgrade(_config(connection), revision)


def current(url: str) -> str | None:
    """The revision that the tables are at; None when there are none."""
    if _is_missing(url):
        return None
    with _connected(url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def wanted() -> str | None:
    """The revision that this moroccron needs."""
    return _scripts().get_current_head()


def unfit(url: str) -> str | None:
    """Why the tables are not those that this moroccron needs, with the remedy; None: they are."""
    if _is_missing(url):
        return "there is no database yet: run `moroccron db upgrade`"
    revision = current(url)
    return None if revision == wanted() else _wrong_revision(revision)


def check(url: str) -> list[str]:
    """What keeps this moroccron from working on the database, each with its remedy; empty: nothing."""
    problem = unfit(url)
    if problem is not None:
        return [problem]
    with _connected(url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [
            f"the tables differ from what they should be: {difference}; restore a backup"
            for difference in compare_metadata(context, metadata)
        ]


def _wrong_revision(revision: str | None) -> str:
    if revision is None:
        return "the database has no tables yet: run `moroccron db upgrade`"
    if revision in {script.revision for script in _scripts().walk_revisions()}:
        return f"the tables are of an earlier moroccron ({revision}): run `moroccron db upgrade`"
    return (
        f"the tables are of a later moroccron ({revision}): install that one, or restore a backup"
    )


def _is_missing(url: str) -> bool:
    """Whether merely looking would create the database."""
    file = sqlite_file(database_url(url))
    return file is not None and not file.exists()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(migrations_dir()))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


@contextmanager
def _connected(url: str, *, writing: bool = False) -> Iterator[Connection]:
    """A connection within one transaction: a change of tables is made as a whole or not at all."""
    engine = open_engine(url)
    try:
        with (writers(engine) if writing else engine).begin() as connection:
            if writing and engine.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
            yield connection
    except DBAPIError as error:
        raise unavailable(error) from error
    finally:
        engine.dispose()
