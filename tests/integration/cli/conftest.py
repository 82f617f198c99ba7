"""A folder with a database in it, the command line in this process, and a leader when one is wanted."""

import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from moroccron.adapters.clock import SystemClock
from moroccron.adapters.sql import schema
from moroccron.adapters.sql.commands import SqlCommands
from moroccron.adapters.sql.engine import open_engine
from moroccron.adapters.sql.queries import SqlQueries
from moroccron.adapters.sql.store import SqlStore
from moroccron.cli.main import root
from moroccron.core.policy import DEFAULT_POLICY
from moroccron.core.view import View
from moroccron.feed import CommandFeed
from moroccron.loop import Loop
from moroccron.model.changes import Change
from moroccron.model.effects import Effect
from moroccron.model.errors import Fenced


class World:
    """The folder, what is stored, and the command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder}/.moroccron/moroccron.db"

    def create_database(self) -> None:
        schema.upgrade(self.url)
        self.engine = open_engine(self.url)
        self.store = SqlStore(self.engine)
        self.queries = SqlQueries(self.engine)
        self.commands = SqlCommands(self.engine)
        self.term = self.store.begin_term("a test")

    def commit(self, changes: Sequence[Change]) -> None:
        self.store.commit(self.term, changes)

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(root, words, prog_name="moroccron")

    def json(self, *words: str) -> Any:
        """What a command that ends well writes with --json."""
        result = self.run(*words, "--json")
        assert result.exit_code == 0, result.output
        assert result.stderr == ""
        return json.loads(result.stdout)


class DeafDriver:
    """A cluster that never offers anything."""

    def start(self, framework_id: str | None, emit: Callable[[Any], None]) -> None: ...
    def perform(self, effects: Sequence[Effect]) -> None: ...
    def stop(self) -> None: ...


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, empty, and no settings from outside."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("MOROCCRON_"):
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def bare(folder: Path) -> World:
    """A folder without a database."""
    return World(folder)


@pytest.fixture
def world(bare: World) -> Iterator[World]:
    """A folder with a database that holds nothing yet."""
    bare.create_database()
    yield bare
    bare.store.close()
    bare.engine.dispose()


@pytest.fixture
def leader(world: World) -> Iterator[Callable[[], None]]:
    """Begins to lead when called, on what is stored then: the real loop, without a cluster."""
    stop = threading.Event()
    threads: list[threading.Thread] = []
    store = SqlStore(world.engine)

    def lead() -> None:
        clock = SystemClock()
        term = store.begin_term("a leader")
        view = View(store.load(), term=term, now=clock.now(), policy=DEFAULT_POLICY)
        loop = Loop(view=view, store=store, driver=DeafDriver(), clock=clock)
        feed = CommandFeed(store, loop.emit)

        def turn() -> None:
            while not stop.wait(0.01):
                feed.poll()
                try:
                    loop.turn(loop.drain())
                except Fenced:
                    return  # a test took over

        threads.append(threading.Thread(target=turn))
        threads[-1].start()

    yield lead
    stop.set()
    for thread in threads:
        thread.join(10)
    store.close()
