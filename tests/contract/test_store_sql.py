"""What only a store with a database behind it can get wrong: concurrency, broken connections, other locks."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event, text

from moroccron.adapters.sql.commands import SqlCommands
from moroccron.adapters.sql.engine import DatabaseUrlInvalid, open_engine, writers
from moroccron.adapters.sql.queries import SqlQueries
from moroccron.adapters.sql.store import SqlStore
from moroccron.model.changes import AttemptChanged, Happened, JobRunChanged, RunChanged
from moroccron.model.command import PauseDag, Unknown
from moroccron.model.errors import Fenced, StoreUnavailable, TablesUnfit
from moroccron.model.states import RunState
from moroccron.testing import EPOCH, a_job_run, a_run, a_run_of, a_version, an_attempt

VERSION = a_version("d", jobs=["a", "b"])
RUN = a_run(VERSION)
LINE = Happened(EPOCH, "run", "once")


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    engine = open_engine(database)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> Iterator[SqlStore]:
    with closing(SqlStore(engine, patience=5)) as store:
        yield store


class Faults:
    """Breaks connections at the moment of their commit, as often as asked."""

    def __init__(self, engine: Engine) -> None:
        self.before = self.after = 0
        self.seen = 0
        if engine.dialect.name == "sqlite":
            event.listen(engine, "do_connect", self._connect_sqlite)
        else:
            event.listen(engine, "do_connect", self._connect_postgres)

    def _connect_sqlite(self, dialect: Any, record: Any, words: Any, options: Any) -> Any:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        faulty = self._faulty(sqlite3.Connection, error)
        return sqlite3.connect(*words, factory=faulty, **{"check_same_thread": False} | options)

    def _connect_postgres(self, dialect: Any, record: Any, words: Any, options: Any) -> Any:
        error = psycopg.OperationalError("server closed the connection unexpectedly")
        return self._faulty(psycopg.Connection, error).connect(*words, **options)

    def _faulty(self, base: Any, error: Exception) -> Any:
        faults = self

        class Faulty(base):  # type: ignore[misc]
            def commit(self) -> None:
                if faults.before:
                    faults.before -= 1
                    faults.seen += 1
                    raise error
                super().commit()
                if faults.after:
                    faults.after -= 1
                    faults.seen += 1
                    raise error

        return Faulty


class TestBrokenConnection:
    def test_before_the_commit_was_made(self, engine: Engine) -> None:
        faults = Faults(engine)
        with closing(SqlStore(engine, patience=5)) as store:
            term = store.begin_term("x")
            faults.before = 2
            store.commit(term, [LINE])
        assert faults.seen == 2
        assert SqlQueries(engine).last_history_id() > 0
        assert len(SqlQueries(engine).history()) == 1

    def test_after_the_commit_was_made(self, engine: Engine) -> None:
        faults = Faults(engine)
        with closing(SqlStore(engine, patience=5)) as store:
            term = store.begin_term("x")
            faults.after = 2
            store.commit(term, [LINE])
            assert faults.seen == 2
            store.commit(term, [LINE])
        assert len(SqlQueries(engine).history()) == 2

    def test_for_too_long(self, engine: Engine) -> None:
        faults = Faults(engine)
        with closing(SqlStore(engine, patience=0.2)) as store:
            term = store.begin_term("x")
            faults.before = 1_000
            with pytest.raises(StoreUnavailable):
                store.commit(term, [LINE])
            assert faults.seen > 2
            faults.before = 0
            store.commit(term, [LINE])

    @pytest.mark.postgres
    def test_ended_by_the_server(self, new_database: Callable[[str], str]) -> None:
        engine = open_engine(new_database("postgres"))
        with closing(SqlStore(engine, patience=5)) as store:
            term = store.begin_term("x")
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as other:
                end_others = (
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                assert other.execute(text(end_others)).scalars().all() == [True]
            store.commit(term, [LINE])
        assert len(SqlQueries(engine).history()) == 1
        engine.dispose()


class TestCommands:
    @pytest.mark.parametrize(
        ("kind", "payload"),
        [
            ("clear_run", '{"run_id": "x"}'),
            ("pause_dag", '{"dag": "d"}'),
            ("pause_dag", '{"dag_id": ["d"]}'),
            ("pause_dag", "[]"),
            ("trigger_run", '{"dag_id": "d", "params": [1]}'),
            ("trigger_run", '{"dag_id": "d", "logical_date": "soon"}'),
            ("trigger_run", '{"dag_id": "d", "logical_date": 7}'),
        ],
    )
    def test_one_that_cannot_be_read_holds_up_no_other(
        self, engine: Engine, store: SqlStore, kind: str, payload: str
    ) -> None:
        """A newer version's, while the older one still leads; or one that a person wrote."""
        SqlCommands(engine).submit(PauseDag("d"), "ann")
        with writers(engine).begin() as connection:
            change = text("UPDATE command SET kind = :kind, payload = :payload")
            connection.execute(change, {"kind": kind, "payload": payload})
        SqlCommands(engine).submit(PauseDag("e"), "ann")
        found = store.unanswered_commands(0, 10)
        assert [command.intent for command in found] == [Unknown(kind), PauseDag("e")]

    def test_one_that_is_no_json_holds_up_no_other(
        self, new_database: Callable[[str], str]
    ) -> None:
        """SQLite checks nothing; PostgreSQL lets no such row in."""
        engine = open_engine(new_database("sqlite"))
        SqlCommands(engine).submit(PauseDag("d"), "ann")
        with writers(engine).begin() as connection:
            connection.execute(text("UPDATE command SET payload = '{\"dag_id\":'"))
        SqlCommands(engine).submit(PauseDag("e"), "ann")
        with closing(SqlStore(engine)) as store:
            found = store.unanswered_commands(0, 10)
        assert [command.intent for command in found] == [Unknown("pause_dag"), PauseDag("e")]
        engine.dispose()


class TestFencing:
    def test_newer_term_waits_for_an_open_commit(
        self, database: str, engine: Engine, store: SqlStore
    ) -> None:
        """Whoever has begun to commit ends it before the next term is given out: never in between."""
        term = store.begin_term("old")
        newer_engine = open_engine(database)
        terms: list[int] = []
        with closing(SqlStore(newer_engine)) as newer, writers(engine).begin() as open_commit:
            open_commit.execute(text("UPDATE leader SET commits = commits + 1"))
            thread = threading.Thread(target=lambda: terms.append(newer.begin_term("new")))
            thread.start()
            thread.join(0.2)
            assert terms == []
            open_commit.commit()
            thread.join(20)
            assert terms == [term + 1]
        newer_engine.dispose()
        with pytest.raises(Fenced):
            store.commit(term, [LINE])

    def test_of_many_writers_at_once(self, database: str) -> None:
        """Each takes a term and writes until it is fenced. In the history no two are mixed."""
        start = threading.Barrier(4)
        failures: list[BaseException] = []

        def lead(name: str) -> None:
            engine = open_engine(database)
            try:
                with closing(SqlStore(engine, patience=20)) as store:
                    start.wait(20)
                    term = store.begin_term(name)
                    for _ in range(200):
                        store.commit(term, [Happened(EPOCH, "run", name, number=term)] * 2)
            except Fenced:
                pass
            except BaseException as error:  # handed to the test's own thread
                failures.append(error)
            finally:
                engine.dispose()

        threads = [threading.Thread(target=lead, args=(f"w{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(50)
        assert failures == []
        engine = open_engine(database)
        terms = [row.line.number or 0 for row in SqlQueries(engine).history(limit=5_000)]
        assert terms == sorted(terms)
        assert terms.count(terms[-1]) == 400
        engine.dispose()


class TestReaders:
    def test_see_whole_commits_while_one_writes(self, engine: Engine, store: SqlStore) -> None:
        term = store.begin_term("x")
        store.commit(term, a_run_of(VERSION, RUN))
        queries = SqlQueries(engine)
        stop, failures = threading.Event(), list[str]()
        seen: set[int] = set()

        def read() -> None:
            while not stop.is_set():
                a, b = queries.job_runs(RUN.id)
                seen.add(a.attempts)
                if a.attempts != b.attempts:
                    failures.append(f"{a} beside {b}")
                dag = queries.dag("d")  # takes several statements
                if dag.active_runs != (dag.recent[0].state is RunState.RUNNING):
                    failures.append(f"{dag.active_runs} active beside {dag.recent}")

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        number = 0
        while number < 50 or (len(seen) < 5 and number < 5_000):
            number += 1
            jobs = [a_job_run(RUN.id, id, position=p, attempts=number) for p, id in enumerate("ab")]
            state = RunState.RUNNING if number % 2 else RunState.SUCCEEDED
            changes = [RunChanged(replace(RUN, state=state)), *map(JobRunChanged, jobs)]
            store.commit(term, changes)
        stop.set()
        for reader in readers:
            reader.join(20)
        assert failures == []
        assert len(seen) >= 5

    def test_that_dawdle_hold_up_nobody(self, engine: Engine, store: SqlStore) -> None:
        term = store.begin_term("x")
        with engine.connect() as reader:
            before = reader.execute(text("SELECT count(*) FROM history")).scalar_one()
            store.commit(term, [LINE])
            assert before == 0
            assert SqlQueries(engine).last_history_id() > 0


def test_commands_from_many_threads_become_visible_in_their_order(
    engine: Engine, store: SqlStore
) -> None:
    """A number below one that was seen never turns up later: the leader would not ask for it again."""
    commands = SqlCommands(engine)
    threads = [
        threading.Thread(target=lambda: [commands.submit(PauseDag("d"), "ann") for _ in range(15)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    seen: list[int] = []
    while len(seen) < 60 and (any(t.is_alive() for t in threads) or not seen):
        seen.extend(c.id for c in store.unanswered_commands(seen[-1] if seen else 0, 100))
    for thread in threads:
        thread.join(20)
    seen.extend(c.id for c in store.unanswered_commands(seen[-1] if seen else 0, 100))
    assert len(seen) == 60


def test_skew_is_a_column(engine: Engine, store: SqlStore) -> None:
    term = store.begin_term("x")
    started = an_attempt(RUN.id, "a", started=EPOCH.replace(second=2), due=EPOCH)
    store.commit(term, [*a_run_of(VERSION, RUN), AttemptChanged(started)])
    with engine.connect() as connection:
        assert connection.execute(text("SELECT skew FROM attempt")).scalar_one() == 2.0


def test_without_tables_is_unavailable_at_once(empty_database: str) -> None:
    engine = open_engine(empty_database)
    with (
        closing(SqlStore(engine, patience=3_600)) as store,
        pytest.raises(TablesUnfit, match="run `moroccron db upgrade`"),
    ):
        store.begin_term("x")
    with pytest.raises(TablesUnfit):
        SqlQueries(engine).dags()
    with pytest.raises(TablesUnfit):
        SqlCommands(engine).submit(PauseDag("x"), "me")
    engine.dispose()


class TestUrl:
    def test_of_a_new_place_makes_its_folder(self, tmp_path: Path) -> None:
        file = tmp_path / "deep" / "er" / "m.db"
        engine = open_engine(f"sqlite:///{file}")
        with engine.connect() as connection:
            assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
            assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
            assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
            assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 10_000
        engine.dispose()
        assert file.exists()

    @pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
    def test_of_postgres_uses_psycopg(self, scheme: str) -> None:
        assert open_engine(f"{scheme}://u@h/d").driver == "psycopg"

    @pytest.mark.parametrize(
        "url", ["", "moroccron.db", "mysql://u@h/d", "sqlite://", "sqlite:///:memory:"]
    )
    def test_that_will_not_do_says_what_would(self, url: str) -> None:
        with pytest.raises(DatabaseUrlInvalid, match=r"write sqlite:///.* or postgresql://"):
            open_engine(url)
