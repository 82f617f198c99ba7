"""The live stream: what it tells, where it resumes, and that its places are bounded and given back."""

import json
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from moroccron.api.doors import Doors
from moroccron.api.tail import Tail
from moroccron.model.states import JobRunState
from moroccron.testing import MemoryStore
from moroccron.testing.world import moved
from tests.integration.api.conftest import World

PATH = "/api/v1/events/stream"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(max_streams=2)


@pytest.fixture
def follow(app: Flask) -> Iterator[Callable[..., TestResponse]]:
    """Opens streams; closes them in the end."""
    opened = []

    def open_stream(query: str = "", **headers: str) -> TestResponse:
        response = app.test_client().get(PATH + query, headers=headers, buffered=False)
        opened.append(response)
        return response

    yield open_stream
    for response in opened:
        response.close()


def events(response: TestResponse) -> Iterator[tuple[str, str, object]]:
    """Kind, id and data of each event as it comes."""
    for chunk in response.iter_encoded():
        fields = dict(line.split(": ", 1) for line in chunk.decode().strip().splitlines())
        yield fields["event"], fields["id"], json.loads(fields["data"])


def happen(world: World, run_id: str, job_id: str = "prepare") -> None:
    run = world.store.run(run_id)
    world.commit(moved(run, job_id, JobRunState.RUNNING, world.now))


def test_what_happens_is_told_from_now_on(
    world: World, follow: Callable[..., TestResponse]
) -> None:
    told = events(follow())
    assert next(told) == ("hello", str(world.store.last_history_id()), {})
    happen(world, world.run())
    kind, number, lines = next(told)
    assert (kind, number) == ("change", str(world.store.last_history_id()))
    assert [(line["job_id"], line["to_state"]) for line in lines] == [("prepare", "running")]


def test_a_broken_stream_resumes(world: World, follow: Callable[..., TestResponse]) -> None:
    last = world.store.last_history_id()
    happen(world, world.run(), "join")
    happen(world, world.run(), "mail")
    told = events(follow("?after=0", **{"Last-Event-ID": str(last)}))
    assert next(told)[0] == "hello"
    _, number, lines = next(told)
    assert [line["job_id"] for line in lines] == ["join", "mail"]
    assert number == str(last + 2)


def test_other_runs_are_left_out(world: World, follow: Callable[..., TestResponse]) -> None:
    mine, other = world.run(), world.run(place=1)
    last = world.store.last_history_id()
    happen(world, other)
    happen(world, mine, "join")
    told = events(follow(f"?run={mine}&after={last}"))
    next(told)
    assert [line["job_id"] for line in next(told)[2]] == ["join"]


def test_more_than_a_batch_is_told_whole(world: World, follow: Callable[..., TestResponse]) -> None:
    last = world.store.last_history_id()
    for _ in range(1100):
        happen(world, world.run())
    told = events(follow(f"?after={last}"))
    next(told)
    lines = [line for _ in range(3) for line in next(told)[2]]
    assert [line["id"] for line in lines] == list(range(last + 1, last + 1101))


def test_places_are_bounded_and_given_back(follow: Callable[..., TestResponse]) -> None:
    first, second = follow(), follow()
    full = follow()
    assert full.status_code == 503
    assert full.headers["Retry-After"] == "5"
    assert full.mimetype == "application/problem+json"
    first.close()
    third = follow()
    assert third.status_code == 200
    assert second.status_code == 200


def test_asking_only_for_the_head_takes_no_place(app: Flask) -> None:
    for _ in range(5):
        assert app.test_client().head(PATH).status_code == 200


def test_all_streams_end_when_the_server_stops(
    app: Flask, follow: Callable[..., TestResponse]
) -> None:
    told = events(follow())
    next(told)
    given: Doors = app.extensions["moroccron"]
    given.tail.stop()
    assert list(told) == []
    assert follow().status_code == 503


def test_a_silent_stream_beats(
    monkeypatch: pytest.MonkeyPatch, follow: Callable[..., TestResponse]
) -> None:
    monkeypatch.setattr("moroccron.api.v1.stream._HEARTBEAT_EVERY", 1)
    told = events(follow())
    assert [next(told)[0] for _ in range(3)] == ["hello", "beat", "beat"]


def test_however_many_ask_the_database_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(MemoryStore, "last_history_id", lambda _self: asked.append(1) or 5)
    tail = Tail(MemoryStore(), 1, poll_seconds=60)
    assert [tail.newest() for _ in range(50)] == [5] * 50
    assert len(asked) == 1
