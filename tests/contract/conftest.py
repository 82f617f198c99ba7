"""The stores under contract: one in memory, one in SQLite, one in PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from moroccron.adapters.sql.commands import SqlCommands
from moroccron.adapters.sql.engine import open_engine
from moroccron.adapters.sql.queries import SqlQueries
from moroccron.adapters.sql.store import SqlStore
from moroccron.ports import Commands, Queries, Store
from moroccron.testing import FakeClock, MemoryStore


@dataclass(frozen=True)
class Doors:
    """One database by all its doors. `open_store` gives another process's door for writing."""

    store: Store
    queries: Queries
    commands: Commands
    open_store: Callable[[], Store]
    clock: FakeClock


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def doors(request: pytest.FixtureRequest) -> Iterator[Doors]:
    clock = FakeClock()
    if request.param == "memory":
        memory = MemoryStore(now=clock.now)
        yield Doors(memory, memory, memory, lambda: memory, clock)
        return
    url = request.getfixturevalue("new_database")(request.param)
    with ExitStack() as stack:

        def open_store() -> SqlStore:
            engine = open_engine(url)
            stack.callback(engine.dispose)
            store = SqlStore(engine, now=clock.now)
            stack.callback(store.close)
            return store

        engine = open_engine(url)
        stack.callback(engine.dispose)
        commands = SqlCommands(engine, now=clock.now)
        yield Doors(open_store(), SqlQueries(engine), commands, open_store, clock)


@pytest.fixture
def store(doors: Doors) -> Store:
    return doors.store


@pytest.fixture
def queries(doors: Doors) -> Queries:
    return doors.queries


@pytest.fixture
def commands(doors: Doors) -> Commands:
    return doors.commands


@pytest.fixture
def term(store: Store) -> int:
    return store.begin_term("first")
