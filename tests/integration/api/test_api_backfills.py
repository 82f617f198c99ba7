"""Backfills in the API: asking for one, what it would do, how far it is, and what is asked of it."""

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from moroccron.model.backfill import (
    Backfill,
    BackfillState,
    CancelBackfill,
    CreateBackfill,
    Existing,
    PauseBackfill,
    ResumeBackfill,
    RetryBackfill,
)
from moroccron.model.changes import BackfillChanged, RunChanged
from moroccron.model.evolve import evolve
from moroccron.model.states import RunState
from tests.integration.api.conftest import World

BACKFILLS = "/api/v1/backfills"
DAG = "nightly-report"
BODY = {"dag": DAG, "from": "2024-03-30", "to": "2024-04-02"}


@pytest.fixture
def made(world: World) -> Backfill:
    """A backfill with one run."""
    run = world.store.run(world.run(place=1))
    backfill = Backfill(
        id=7,
        dag_id=DAG,
        version_id=run.version_id,
        begin=datetime(2024, 1, 1, tzinfo=UTC),
        end=datetime(2024, 2, 1, tzinfo=UTC),
        state=BackfillState.RUNNING,
        created=world.now - timedelta(hours=1),
        requested_by="ann",
        total=31,
        made=1,
    )
    world.commit(BackfillChanged(backfill), RunChanged(evolve(run, backfill_id=7)))
    return backfill


def test_one_is_asked_for(client: FlaskClient, world: World) -> None:
    body = BODY | {
        "to": "2024-04-02T12:00+02:00",
        "jobs": "fetch-*",
        "downstream": True,
        "existing": "failed",
        "newest_first": True,
        "max_active": 9,
        "params": {"limit": 5},
    }
    assert client.post(BACKFILLS, json=body).status_code == 202
    (command,) = world.store.unanswered_commands(0, 10)
    assert command.intent == CreateBackfill(
        DAG,
        datetime(2024, 3, 29, 23, tzinfo=UTC),  # midnight in Berlin
        datetime(2024, 4, 2, 10, tzinfo=UTC),
        jobs="fetch-*",
        downstream=True,
        existing=Existing.FAILED,
        newest_first=True,
        max_active=9,
        params={"limit": 5},
    )


def test_what_it_would_do_is_told_beforehand(client: FlaskClient, world: World) -> None:
    plan = client.post(f"{BACKFILLS}/preview", json=BODY).get_json()
    assert plan["counts"] == {"make": 3, "rerun": 0, "leave": 0}
    assert plan["intervals"][0] == {
        "logical_date": "2024-03-30T01:30:00Z",
        "interval_end": "2024-03-31T01:00:00Z",  # 02:30 does not exist on that day
        "run_id": "nightly-report@20240331T010000Z",
        "found": None,
        "deed": "make",
    }
    assert len(plan["jobs"]) == 11
    refused = client.post(f"{BACKFILLS}/preview", json=BODY | {"dag": "on-demand"}).get_json()
    assert "no schedule" in refused["refused"]
    assert not world.store.unanswered_commands(0, 10)


def test_how_far_it_is(client: FlaskClient, made: Backfill) -> None:
    one = client.get(f"{BACKFILLS}/7").get_json()
    assert (one["state"], one["from"], one["intervals"]) == ("running", "2024-01-01T00:00:00Z", 31)
    assert one["runs"]["failed"] == 1
    assert client.get(f"{BACKFILLS}?dag={DAG}").get_json()["backfills"] == [one]
    assert client.get(f"{BACKFILLS}?dag=stock-sync").get_json()["backfills"] == []
    (run,) = client.get("/api/v1/runs?backfill=7").get_json()["runs"]
    assert (run["backfill_id"], run["state"]) == (7, RunState.FAILED)
    assert "backfill 7" in client.get(f"/runs/{run['id']}").text


def test_what_is_asked_of_one(client: FlaskClient, world: World, made: Backfill) -> None:
    for word in ("pause", "resume", "retry"):
        assert client.post(f"{BACKFILLS}/7/{word}", json={}).status_code == 202
    assert client.post(f"{BACKFILLS}/7/cancel", json={"kill": True}).status_code == 202
    intents = [command.intent for command in world.store.unanswered_commands(0, 10)]
    expected = [PauseBackfill(7), ResumeBackfill(7), RetryBackfill(7), CancelBackfill(7, kill=True)]
    assert intents == expected
    assert client.post(f"{BACKFILLS}/8/pause", json={}).status_code == 404
    assert client.get(f"{BACKFILLS}/8").status_code == 404


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"from": "soon"}, "from"),
        ({"from": None}, "from"),
        ({"to": "2024-13-01"}, "to"),
        ({"existing": "some"}, "existing"),
        ({"max_active": 0}, "max_active"),
        ({"params": {"nope": 1}}, "params.nope"),
        ({"more": 1}, "more"),
    ],
)
def test_what_cannot_be_is_refused(
    client: FlaskClient, world: World, changed: dict[str, object], field: str
) -> None:
    for address in (BACKFILLS, f"{BACKFILLS}/preview"):
        answer = client.post(address, json=BODY | changed)
        assert answer.status_code == 422
        assert field in [fault["field"] for fault in answer.get_json()["errors"]]
    assert not world.store.unanswered_commands(0, 10)
