"""The app over a store in memory that holds a small world, and a leader that answers when asked to."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from moroccron.api.app import create_app
from moroccron.bootstrap.previews import StoredPreviews
from moroccron.model.changes import Change, CommandAnswered
from moroccron.model.command import Answer, Outcome
from moroccron.model.run import Attempt
from moroccron.ports import Stream
from moroccron.testing import MemoryStore
from moroccron.testing.world import TextLogs, a_world

LOG = b"\x1b[31mfirst line\x1b[0m\n<script>alert(1)</script>\n" + b"caf\xc3\xa9\n" * 30


class World:
    """The store, with a term to commit under."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)
        self.store = MemoryStore()
        self.term = self.store.begin_term("host-a:1")
        self.commit(*a_world(self.now))

    def commit(self, *changes: Change) -> None:
        self.store.commit(self.term, changes)

    def answer(self, command_id: int, outcome: Outcome, detail: str) -> None:
        self.commit(CommandAnswered(Answer(command_id, outcome, detail, self.now)))

    def run(self, dag_id: str = "nightly-report", place: int = 0) -> str:
        """The id of a run, newest first. Of the nightly report: 0 runs, 1 failed."""
        return self.store.runs(dag_id=dag_id)[place].id


def text_of(_attempt: Attempt, stream: Stream) -> bytes:
    return LOG if stream is Stream.STDOUT else b""


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def make_app(world: World) -> Callable[..., Flask]:
    def make(**options: object) -> Flask:
        logs = TextLogs(text_of)
        return create_app(
            world.store, world.store, logs, StoredPreviews(world.store), version="9.9", **options
        )

    return make


@pytest.fixture
def client(make_app: Callable[..., Flask]) -> FlaskClient:
    return make_app().test_client()
