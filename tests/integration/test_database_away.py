"""The leader's database is killed, frozen, or held by another leader that is frozen in mid-transaction."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import text

from moroccron.adapters.sql.engine import open_engine
from moroccron.adapters.sql.queries import SqlQueries
from moroccron.adapters.sql.schema import upgrade
from moroccron.adapters.sql.store import SqlStore
from moroccron.model.changes import Happened
from moroccron.model.errors import Fenced, StoreUnavailable
from moroccron.testing import EPOCH
from tests.cluster.postgres import MortalPostgres

LINE = Happened(EPOCH, "run", "once")
HASTY = 0.5  #: seconds

Open = Callable[..., SqlStore]


@pytest.fixture
def open_store() -> Iterator[Open]:
    """open_store(url, patience=..., within=...)"""
    with ExitStack() as stack:

        def make(url: str, patience: float = 30.0, within: float = HASTY) -> SqlStore:
            engine = open_engine(url, answer_within=within)
            stack.callback(engine.dispose)
            store = SqlStore(engine, patience=patience)
            stack.callback(store.close)
            return store

        yield make


def causes(url: str) -> list[str]:
    """What history tells."""
    engine = open_engine(url)
    try:
        return [entry.line.cause for entry in SqlQueries(engine).history()]
    finally:
        engine.dispose()


class InThread:
    """A call in a thread of its own; what it raised is for whoever asks."""

    def __init__(self, call: Callable[[], object]) -> None:
        self.error: BaseException | None = None
        self.result: object = None
        self._call = call
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._call()
        except BaseException as error:  # handed to the test's own thread
            self.error = error

    def join(self) -> "InThread":
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self


@pytest.mark.postgres
class TestServer:
    def test_killed_and_begun_again(self, own_postgres: MortalPostgres, open_store: Open) -> None:
        url = own_postgres.create()
        upgrade(url)
        store = open_store(url)
        term = store.begin_term("x")
        own_postgres.kill()
        waits = threading.Event()
        commit = InThread(lambda: store.commit(term, [LINE], waits.set))
        load = InThread(store.load)
        assert waits.wait(20)
        own_postgres.begin()
        assert commit.join().error is None
        assert load.join().error is None
        assert causes(url) == ["once"]

    def test_frozen_it_is_not_waited_for_without_end(
        self, own_postgres: MortalPostgres, open_store: Open
    ) -> None:
        url = own_postgres.create()
        upgrade(url)
        store = open_store(url)
        term = store.begin_term("x")
        store.load()
        own_postgres.pause()
        waits = threading.Event()
        commit = InThread(lambda: store.commit(term, [LINE], waits.set))
        with pytest.raises(StoreUnavailable, match=r"silent|timeout"):
            store.unanswered_commands(0, 1)
        assert waits.wait(20)
        own_postgres.resume()
        assert commit.join().error is None
        assert causes(url) == ["once"]

    def test_it_is_given_up_after_the_patience(
        self, own_postgres: MortalPostgres, open_store: Open
    ) -> None:
        url = own_postgres.create()
        upgrade(url)
        store = open_store(url, patience=0.1)
        term = store.begin_term("x")
        own_postgres.kill()
        for ask in (store.load, lambda: store.commit(term, [LINE])):
            with pytest.raises(StoreUnavailable):
                ask()

    def test_slow_it_is_waited_for(self, own_postgres: MortalPostgres) -> None:
        engine = open_engine(own_postgres.create(), answer_within=5)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT 7 FROM pg_sleep(0.5)")).scalar_one() == 7
        engine.dispose()


class Frozen:
    """A leader that stands still in the middle of a commit, until released."""

    def __init__(self, store: SqlStore, monkeypatch: pytest.MonkeyPatch, *, in_pipeline: bool):
        self.term = store.begin_term("frozen")
        self._there, self._go_on = threading.Event(), threading.Event()
        monkeypatch.setattr(store, "_write", self._freeze(store._write, in_pipeline))
        self.commit = InThread(lambda: store.commit(self.term, [LINE]))
        assert self._there.wait(20)

    def _freeze(self, write, in_pipeline: bool):
        def freeze(cursor, batch, rows) -> None:
            if in_pipeline:
                with cursor.connection.pipeline() as pipeline:
                    cursor.execute("SELECT 1")
                    cursor.connection.pgconn.send_flush_request()
                    cursor.connection.pgconn.flush()
                    self._stand_still()
                    del pipeline
            else:
                self._stand_still()
            write(cursor, batch, rows)

        return freeze

    def _stand_still(self) -> None:
        self._there.set()
        assert self._go_on.wait(60)

    def wake(self) -> BaseException | None:
        self._go_on.set()
        return self.commit.join().error


@pytest.mark.postgres
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_a_leader_frozen_in_mid_commit_gives_way(
    new_database: Callable[[str], str],
    open_store: Open,
    monkeypatch: pytest.MonkeyPatch,
    in_pipeline: bool,
) -> None:
    url = new_database("postgres")
    frozen = Frozen(open_store(url), monkeypatch, in_pipeline=in_pipeline)
    newer = open_store(url, patience=HASTY, within=5)
    term = newer.begin_term("newer")
    assert term > frozen.term
    newer.commit(term, [Happened(EPOCH, "run", "by the newer")])
    assert isinstance(frozen.wake(), Fenced)
    assert causes(url) == ["by the newer"]


def test_in_sqlite_it_keeps_the_lock_and_we_say_so(
    new_database: Callable[[str], str], open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = new_database("sqlite")
    frozen = Frozen(open_store(url), monkeypatch, in_pipeline=False)
    with pytest.raises(StoreUnavailable, match="frozen or stopped"):
        open_store(url, patience=HASTY).begin_term("newer")
    assert frozen.wake() is None


@pytest.mark.postgres
def test_a_writer_that_dawdles_is_ended_by_the_server(
    new_database: Callable[[str], str], open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For those whose session we may not end: another user's."""
    monkeypatch.setattr("moroccron.adapters.sql.flavour.LONGEST_DAWDLE", 1)
    url = new_database("postgres")
    store = open_store(url)
    store.begin_term("x")
    engine = open_engine(url)
    with engine.connect() as connection:
        shown = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'moroccron leader'"
        assert connection.execute(text(shown)).scalar_one() == 1
    frozen = Frozen(store, monkeypatch, in_pipeline=False)
    with engine.connect() as connection:
        gone = "SELECT 1 FROM leader FOR UPDATE"
        connection.execute(text("SET lock_timeout = '20s'"))
        connection.execute(text(gone))
    assert frozen.wake() is None, "nobody else leads: it goes on"
    assert causes(url) == ["once"]
    engine.dispose()
