"""Migrations arrive at the tables of the code, go back, and say where a database stands."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from moroccron.adapters.sql.engine import open_engine
from moroccron.adapters.sql.schema import check, current, downgrade, upgrade, wanted
from moroccron.adapters.sql.tables import metadata
from moroccron.resources import migrations_dir


def reflected(connection: Connection) -> dict[str, Any]:
    """All that a database says of its tables, by name, without what Alembic keeps for itself."""
    inspector = inspect(connection)
    return {
        table: {
            "columns": {
                column["name"]: (repr(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(table)
            },
            "primary key": inspector.get_pk_constraint(table),
            "foreign keys": sorted(map(repr, inspector.get_foreign_keys(table))),
            "indices": sorted(map(_index, inspector.get_indexes(table))),
            "options": inspector.get_table_options(table),
        }
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def _index(index: Any) -> str:
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return repr(dict(index) | {"dialect_options": options})


def tables_of(url: str) -> dict[str, Any]:
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            return reflected(connection)
    finally:
        engine.dispose()


def run(url: str, statement: str) -> None:
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_migrated_tables_are_those_of_the_code(empty_database: str) -> None:
    upgrade(empty_database)
    migrated = tables_of(empty_database)
    engine = open_engine(empty_database)
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        metadata.drop_all(connection)
        metadata.create_all(connection)
        fresh = reflected(connection)
    engine.dispose()
    assert migrated == fresh
    assert set(fresh) == set(metadata.tables)


def test_sqlite_keeps_the_statements_of_the_code(tmp_path: Path) -> None:
    """Reflection overlooks autoincrement, missing rowids and partial indices; SQLite's own text does not."""

    def statements(url: str) -> set[str]:
        engine = open_engine(url)
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"))
            found = {" ".join(row.sql.split()) for row in rows if "alembic" not in row.sql}
        engine.dispose()
        return found

    upgrade(f"sqlite:///{tmp_path}/migrated.db")
    engine = open_engine(f"sqlite:///{tmp_path}/fresh.db")
    with engine.begin() as connection:
        metadata.create_all(connection)
    engine.dispose()
    fresh = statements(f"sqlite:///{tmp_path}/fresh.db")
    assert statements(f"sqlite:///{tmp_path}/migrated.db") == fresh
    assert len(fresh) > len(metadata.tables)


def test_down_and_up_again(empty_database: str) -> None:
    upgrade(empty_database)
    before = tables_of(empty_database)
    downgrade(empty_database, "base")
    assert tables_of(empty_database) == {}
    upgrade(empty_database)
    assert tables_of(empty_database) == before


def test_upgrade_twice_changes_nothing(empty_database: str) -> None:
    upgrade(empty_database)
    run(empty_database, "INSERT INTO framework (id, framework_id) VALUES (1, 'f')")
    upgrade(empty_database)
    engine = open_engine(empty_database)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT framework_id FROM framework")) == "f"
    engine.dispose()


class TestCheck:
    def test_of_a_database_up_to_date(self, database: str) -> None:
        assert check(database) == []
        assert current(database) == wanted()

    def test_of_one_without_tables(self, empty_database: str) -> None:
        (problem,) = check(empty_database)
        assert "moroccron db upgrade" in problem
        assert current(empty_database) is None

    def test_makes_no_file(self, tmp_path: Path) -> None:
        file = tmp_path / "new" / "m.db"
        assert check(f"sqlite:///{file}") != []
        assert current(f"sqlite:///{file}") is None
        assert not file.parent.exists()

    def test_of_one_made_by_a_later_moroccron(self, database: str) -> None:
        run(database, "UPDATE alembic_version SET version_num = '9999'")
        (problem,) = check(database)
        assert "later moroccron (9999)" in problem

    def test_names_what_somebody_has_altered(self, database: str) -> None:
        run(database, "ALTER TABLE attempt DROP COLUMN skew")
        (problem,) = check(database)
        assert "skew" in problem


def test_versions_import_nothing_of_ours() -> None:
    files = list((migrations_dir() / "versions").glob("*.py"))
    assert files
    for file in files:
        assert "moroccron" not in file.read_text(), file


@pytest.mark.parametrize("name", ["with space", "per%cent"])
def test_folder_of_any_name_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = tmp_path / name
    shutil.copytree(migrations_dir(), folder)
    monkeypatch.setattr("moroccron.adapters.sql.schema.migrations_dir", lambda: folder)
    upgrade(f"sqlite:///{tmp_path}/m.db")
    assert check(f"sqlite:///{tmp_path}/m.db") == []
