"""Running a run again through the API."""

import pytest
from flask.testing import FlaskClient

from moroccron.model.backfill import VersionChoice
from moroccron.model.command import Rerun, RetryRun
from tests.integration.api.conftest import World


def test_asking_for_it(client: FlaskClient, world: World) -> None:
    run = world.run(place=1)
    assert client.post(f"/api/v1/runs/{run}/retry", json={}).status_code == 202
    body = {"rerun": "jobs", "jobs": "fetch-*", "downstream": True, "version": "newest"}
    assert client.post(f"/api/v1/runs/{run}/retry", json=body).status_code == 202
    assert [command.intent for command in world.store.unanswered_commands(0, 10)] == [
        RetryRun(run),
        RetryRun(run, Rerun.JOBS, "fetch-*", downstream=True, version=VersionChoice.NEWEST),
    ]
    assert client.post("/api/v1/runs/none/retry", json={}).status_code == 404


def test_what_it_would_do(client: FlaskClient, world: World) -> None:
    run = world.run(place=1)
    shown = client.get(f"/api/v1/runs/{run}/preview").get_json()
    after = {move["job_id"]: move["after"] for move in shown["moves"]}
    assert after == {"report": "queued", "mail": "waiting"}
    assert (shown["reopens_run"], shown["refused"]) == (True, None)
    named = client.get(f"/api/v1/runs/{run}/preview?rerun=jobs&jobs=join").get_json()
    assert [move["job_id"] for move in named["moves"]] == ["join"]
    nothing = client.get(f"/api/v1/runs/{run}/preview?rerun=jobs&jobs=q").get_json()
    assert "matches 'q'" in nothing["refused"]
    assert not world.store.unanswered_commands(0, 10)


@pytest.mark.parametrize(
    "body", [{"rerun": "jobs"}, {"jobs": "a"}, {"rerun": "some"}, {"version": "old"}, {"x": 1}]
)
def test_what_makes_no_sense_is_refused(
    client: FlaskClient, world: World, body: dict[str, object]
) -> None:
    answer = client.post(f"/api/v1/runs/{world.run()}/retry", json=body)
    assert answer.status_code == 422
    assert not world.store.unanswered_commands(0, 10)
