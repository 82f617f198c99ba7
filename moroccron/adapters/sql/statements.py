"""The writer's statements: Core expressions, compiled once to the driver's own text with places.

SQLAlchemy's work per execution costs more than SQLite's; in the hot path the compiled text and a tuple go
straight to the driver. The tables stay the truth: every text here is made from them.
"""

from collections.abc import Callable, Iterable

from sqlalchemy import (
    Column,
    Dialect,
    Engine,
    Executable,
    Insert,
    Integer,
    Table,
    bindparam,
    delete,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from moroccron.adapters.sql.tables import (
    attempt,
    command,
    dag,
    dag_version,
    framework,
    history,
    job_run,
    leader,
    load_error,
    run,
)

THE_ROW = 1  #: the id of a table's only row
ONE = literal_column("1", Integer)  # written out, where a plain 1 would become a parameter


class Statements:
    """What the writer sends, as text for one database. The parameters' order is in the names' comments."""

    def __init__(self, engine: Engine) -> None:
        dialect = _with_places(engine)
        insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

        def upsert(table: Table) -> str:
            return _text(_upsert(insert(table), table), dialect, _names(table.c))

        # whole rows, in the columns' order
        self.put_dag = upsert(dag)
        self.put_run = upsert(run)
        self.put_job_run = upsert(job_run)
        self.put_attempt = upsert(attempt)
        self.put_framework = upsert(framework)
        self.add_version = _text(
            insert(dag_version).values(_places(dag_version.c)).on_conflict_do_nothing(),
            dialect,
            _names(dag_version.c),
        )
        self.add_load_error = _text(
            insert(load_error).values(_places(load_error.c)), dialect, _names(load_error.c)
        )
        without_id = [column for column in history.c if column is not history.c.id]
        self.add_history = _text(
            insert(history).values(_places(without_id)), dialect, _names(without_id)
        )
        # the file
        in_file = load_error.c.file == bindparam("file")
        self.load_errors_of = _text(
            select(load_error).where(in_file).order_by(load_error.c.position), dialect, ["file"]
        )
        self.remove_load_errors = _text(delete(load_error).where(in_file), dialect, ["file"])
        # answered_at, outcome, detail, id
        answer = [command.c.answered_at, command.c.outcome, command.c.detail]
        self.answer = _text(
            update(command)
            .where(command.c.id == bindparam("the_id"))
            .values({column.name: bindparam(column.name) for column in answer}),
            dialect,
            [*_names(answer), "the_id"],
        )
        # a leader row with term 1 -> the term that it became
        self.begin_term = _text(
            _begin_term(insert(leader)), dialect, ["id", "term", "holder", "since", "commits"]
        )
        # id, term -> commits
        self.claim = _text(
            update(leader)
            .where(leader.c.id == bindparam("the_id"), leader.c.term == bindparam("the_term"))
            .values(commits=leader.c.commits + ONE)
            .returning(leader.c.commits),
            dialect,
            ["the_id", "the_term"],
        )


def _with_places(engine: Engine) -> Dialect:
    """The engine's dialect, saying `?` or `%s` instead of names."""
    style = "format" if engine.dialect.name == "postgresql" else "qmark"
    make: Callable[..., Dialect] = type(engine.dialect)
    return make(paramstyle=style)


def _names(columns: Iterable[Column]) -> list[str]:
    return [column.name for column in columns]


def _places(columns: Iterable[Column]) -> dict[str, object]:
    return {column.name: bindparam(column.name) for column in columns}


def _upsert(statement: sqlite.Insert | postgresql.Insert, table: Table) -> Insert:
    """Put a row, over the one that has its key. Whole rows: doing so twice is as doing it once."""
    return statement.values(_places(table.c)).on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={c.name: statement.excluded[c.name] for c in table.c if not c.primary_key},
    )


def _begin_term(statement: sqlite.Insert | postgresql.Insert) -> Insert:
    """The first term, or the next: the row of before gives way in the same statement."""
    return (
        statement.values(_places(leader.c))
        .on_conflict_do_update(
            index_elements=[leader.c.id],
            set_={
                "term": leader.c.term + ONE,
                "holder": statement.excluded.holder,
                "since": statement.excluded.since,
                "commits": literal_column("0"),
            },
        )
        .returning(leader.c.term)
    )


def _text(statement: Executable, dialect: Dialect, names: list[str]) -> str:
    """The statement's text, which takes exactly the named parameters in this order."""
    compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
    if compiled.positiontup != names:
        raise AssertionError(f"{compiled} takes {compiled.positiontup}, not {names}")
    return str(compiled)
