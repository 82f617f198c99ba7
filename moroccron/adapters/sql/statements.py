"""The writer's statements: Core expressions, compiled once to the driver's own text with places.

SQLAlchemy's work per execution costs more than SQLite's; in the hot path the compiled text and a tuple go
straight to the driver. The tables stay the truth: every text here is made from them.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    Dialect,
    Engine,
    Executable,
    Insert,
    Integer,
    Select,
    Table,
    Update,
    bindparam,
    case,
    delete,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from moroccron.adapters.sql.tables import (
    attempt,
    backfill,
    command,
    dag,
    dag_version,
    framework,
    history,
    job_run,
    leader,
    load_error,
    pool,
    run,
    share,
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

        def add(statement: Insert, columns: Sequence[Column]) -> str:
            return _text(statement.values(_places(columns)), dialect, _names(columns))

        # whole rows, in the columns' order
        self.put_dag = upsert(dag)
        self.put_backfill = upsert(backfill)
        self.put_run = upsert(run)
        self.put_job_run = upsert(job_run)
        self.put_attempt = upsert(attempt)
        self.put_framework = upsert(framework)
        self.put_pool = upsert(pool)
        self.put_share = upsert(share)
        self.add_version = add(insert(dag_version).on_conflict_do_nothing(), list(dag_version.c))
        self.add_load_error = add(insert(load_error), list(load_error.c))
        self.add_history = add(insert(history), [c for c in history.c if c is not history.c.id])
        # the file
        self.load_errors_of = _text(_load_errors_of(), dialect, ["file"])
        self.remove_load_errors = _text(delete(load_error).where(_IN_FILE), dialect, ["file"])
        # its name
        self.remove_pool = _text(
            delete(pool).where(pool.c.name == bindparam("name")), dialect, ["name"]
        )
        # the owner
        self.remove_share = _text(
            delete(share).where(share.c.owner == bindparam("owner")), dialect, ["owner"]
        )
        # the rest: as named
        self.answer = _text(_answer(), dialect, [*_names(_ANSWER), "the_id"])
        # a leader row with term 1 -> the term that it became
        self.begin_term = _text(_begin_term(insert(leader)), dialect, _names(leader.c))
        # -> commits
        self.claim = _text(_claim(), dialect, ["the_id", "the_term"])


_IN_FILE = load_error.c.file == bindparam("file")
_ANSWER = (command.c.answered_at, command.c.outcome, command.c.detail)


def _load_errors_of() -> Select[Any]:
    return select(load_error).where(_IN_FILE).order_by(load_error.c.position)


def _answer() -> Update:
    return update(command).where(command.c.id == bindparam("the_id")).values(_places(_ANSWER))


def _claim() -> Executable:
    """One more commit of the term, if it is still the newest."""
    return (
        update(leader)
        .where(leader.c.id == bindparam("the_id"), leader.c.term == bindparam("the_term"))
        .values(commits=leader.c.commits + ONE)
        .returning(leader.c.commits)
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
    """The given term, or one more than the last: the row of before gives way in the same statement."""
    return (
        statement.values(_places(leader.c))
        .on_conflict_do_update(
            index_elements=[leader.c.id],
            set_={
                "term": case(
                    (statement.excluded.term > leader.c.term, statement.excluded.term),
                    else_=leader.c.term + ONE,
                ),
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
