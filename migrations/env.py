"""Runs migrations on the connection that `moroccron.adapters.sql.schema` hands over.

Called by the `alembic` command instead, it opens the database named by `-x database=URL` or by
MOROCCRON_DATABASE.
"""

import os
from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection

from moroccron.adapters.sql.engine import open_engine, writers
from moroccron.adapters.sql.tables import metadata
from moroccron.adapters.sql.utc_time import UtcTime


def render_item(kind: str, value: Any, _: Any) -> str | Literal[False]:
    """Our own types in words that will still mean the same when our code has moved on."""
    if kind == "type" and isinstance(value, UtcTime):
        return "sa.TIMESTAMP(timezone=True).with_variant(sa.String(32), 'sqlite')"
    return False


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    if context.is_offline_mode():
        raise SystemExit("there is no offline mode: migrations look at what they change")
    connection = context.config.attributes.get("connection")
    if connection is not None:
        migrate(connection)
        return
    url = context.get_x_argument(as_dictionary=True).get("database")
    url = url or os.environ.get("MOROCCRON_DATABASE")
    if not url:
        raise SystemExit("name the database: -x database=URL, or MOROCCRON_DATABASE")
    with writers(open_engine(url)).begin() as connection:
        migrate(connection)


main()
