"""Opens a database from its URL, with the settings that our promises rest on.

SQLite: write-ahead log (readers and the writer do not block each other), synchronous=FULL (a commit is on
disk when it returns), foreign keys, and our own BEGIN: the driver's habit of beginning late would let a
writer find out about another only after it has read.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from moroccron.adapters.sql.impatient import impatient_connection
from moroccron.model.errors import MoroccronError

BUSY_SECONDS = 10.0  #: how long SQLite waits for another process's write to end
CONNECT_SECONDS = 10  #: how long PostgreSQL may take to answer


class DatabaseUrlInvalid(MoroccronError):
    """The database's URL names nothing that we can open. The message says what would do."""


def open_engine(url: str, *, answer_within: float | None = None) -> Engine:
    """An engine for `sqlite:///path` or `postgresql://user@host/name`. Connects when first used.

    `answer_within`: seconds of silence after which PostgreSQL, asked something, counts as gone: frozen, or its
    machine off; and for which another process's lock is waited for in SQLite. For those to whom a late answer is
    of no use.
    """
    parsed = database_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed, answer_within)
    return _open_postgres(parsed, answer_within)


def database_url(url: str) -> URL:
    """The URL as SQLAlchemy wants it, or `DatabaseUrlInvalid`."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise DatabaseUrlInvalid(f"not a database URL: {url!r}; {_EXAMPLES}") from error
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise DatabaseUrlInvalid(f"{parsed.drivername!r} is not supported; {_EXAMPLES}")
    if not parsed.database or parsed.database == ":memory:":
        raise DatabaseUrlInvalid(f"several processes share the database: name a file; {_EXAMPLES}")
    return parsed


def sqlite_file(url: URL) -> Path | None:
    """The file of a SQLite database; None for any other."""
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


_EXAMPLES = "write sqlite:////var/lib/moroccron/moroccron.db or postgresql://user@host/name"


def _open_postgres(url: URL, answer_within: float | None) -> Engine:
    options: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, "application_name": "moroccron"}
    if answer_within is not None:
        # libpq takes whole seconds here, no fewer than two; and milliseconds there.
        options["connect_timeout"] = max(2, min(CONNECT_SECONDS, round(answer_within)))
        options["tcp_user_timeout"] = round(answer_within * 1000)
    # A pooled connection may have died with its server's last restart: ask before use.
    engine = create_engine(url, pool_pre_ping=True, connect_args=options)
    if answer_within is not None:
        impatient = impatient_connection(engine.dialect.loaded_dbapi, answer_within)
        event.listen(
            engine,
            "do_connect",
            lambda _dialect, _record, words, named: impatient.connect(*words, **named),
        )
    return engine


def _open_sqlite(url: URL, answer_within: float | None) -> Engine:
    Path(url.database or "").absolute().parent.mkdir(parents=True, exist_ok=True)
    busy = BUSY_SECONDS if answer_within is None else min(BUSY_SECONDS, answer_within)
    engine = create_engine(url, connect_args={"timeout": busy})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")


def readers(engine: Engine) -> Engine:
    """The same engine for reading: a transaction sees one state of the database throughout."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine


def writers(engine: Engine) -> Engine:
    """The same engine for writing: a transaction takes SQLite's write lock as it begins."""
    return engine.execution_options(sqlite_begin="IMMEDIATE")
