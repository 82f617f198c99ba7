"""The JSON API's asking side: commands, their answers, and who may not ask."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from moroccron.model.command import (
    Command,
    Intent,
    KillRun,
    MarkJob,
    Outcome,
    PauseDag,
    RetryJob,
    TriggerRun,
    UnpauseDag,
)
from moroccron.model.states import JobRunState
from tests.integration.api.conftest import World

V1 = "/api/v1"
_NO_DATE = (422, "logical_date")


def commands(world: World) -> list[Command]:
    return list(world.store.unanswered_commands(0, 100))


@pytest.fixture
def run_id(world: World) -> str:
    return world.run()


@pytest.mark.parametrize(
    ("path", "body", "intent"),
    [
        ("/dags/stock-sync/runs", {}, TriggerRun("stock-sync")),
        (
            "/dags/nightly-report/runs",
            {"params": {"day": "<b>", "limit": 3}},
            TriggerRun("nightly-report", {"day": "<b>", "limit": 3}),
        ),
        ("/dags/stock-sync/pause", None, PauseDag("stock-sync")),
        ("/dags/backup/unpause", None, UnpauseDag("backup")),
    ],
)
def test_an_intent_becomes_a_command(
    client: FlaskClient, world: World, path: str, body: Any, intent: Intent
) -> None:
    response = client.post(V1 + path, json=body)
    assert response.status_code == 202, response.text
    (command,) = commands(world)
    assert command.intent == intent
    assert command.requested_by == "web (127.0.0.1)"
    assert response.get_json()["status"] == "pending"
    assert response.headers["Location"] == f"{V1}/commands/{command.id}"
    assert client.get(response.headers["Location"]).get_json() == response.get_json()


def test_kill_and_retry(client: FlaskClient, world: World, run_id: str) -> None:
    assert client.post(f"{V1}/runs/{run_id}/kill").status_code == 202
    assert client.post(f"{V1}/runs/{run_id}/jobs/prepare/retry").status_code == 202
    mark = {"state": "skipped"}
    assert client.post(f"{V1}/runs/{run_id}/jobs/prepare/mark", json=mark).status_code == 202
    assert [command.intent for command in commands(world)] == [
        KillRun(run_id),
        RetryJob(run_id, "prepare"),
        MarkJob(run_id, "prepare", JobRunState.SKIPPED),
    ]


def test_nobody_can_mark_a_job_running(client: FlaskClient, run_id: str) -> None:
    response = client.post(f"{V1}/runs/{run_id}/jobs/prepare/mark", json={"state": "running"})
    assert response.status_code == 422
    assert "state" in response.text


def test_a_preview_changes_nothing(client: FlaskClient, world: World) -> None:
    failed = world.run(place=1)
    before = world.store.job_runs(failed)
    address = f"{V1}/runs/{failed}/jobs/report/preview"
    retry, mark = client.get(address), client.get(f"{address}?mark=succeeded")
    assert (retry.status_code, mark.status_code) == (200, 200)
    found = mark.get_json()
    assert found["job"] == {
        "job_id": "report",
        "before": "failed",
        "after": "succeeded",
        "cause": None,
    }
    assert [move["job_id"] for move in found["follows"]] == ["mail"]
    assert found["follows"][0]["after"] == "queued"
    assert retry.get_json()["follows"][0]["after"] == "waiting"
    assert (found["reopens_run"], found["refused"]) == (True, None)
    refused = client.get(f"{address}?mark=failed").get_json()["refused"]
    assert refused == "job report is failed already"
    assert commands(world) == []
    assert world.store.job_runs(failed) == before
    assert client.get(f"{V1}/runs/{failed}/jobs/none/preview").status_code == 404


def test_the_leaders_answer_is_found_at_the_command(client: FlaskClient, world: World) -> None:
    done = client.post(f"{V1}/dags/stock-sync/runs", json={}).get_json()
    refused = client.post(f"{V1}/dags/stock-sync/pause").get_json()
    world.answer(done["id"], Outcome.DONE, "stock-sync@manual-1")
    world.answer(refused["id"], Outcome.REFUSED, "it is paused already")
    answers = [client.get(command["url"]).get_json() for command in (done, refused)]
    assert [(answer["status"], answer["detail"]) for answer in answers] == [
        ("done", "stock-sync@manual-1"),
        ("refused", "it is paused already"),
    ]


def test_waiting_for_the_answer(client: FlaskClient, world: World) -> None:
    taken = threading.Event()

    def lead() -> None:
        while not taken.wait(0.01):
            for command in commands(world):
                world.answer(command.id, Outcome.DONE, "a run")
                taken.set()

    leader = threading.Thread(target=lead)
    leader.start()
    try:
        response = client.post(f"{V1}/dags/stock-sync/runs?wait=20", json={})
    finally:
        taken.set()
        leader.join(10)
    assert response.status_code == 200
    assert response.get_json()["status"] == "done"


def test_waiting_in_vain_is_no_error(client: FlaskClient) -> None:
    response = client.post(f"{V1}/dags/stock-sync/runs?wait=0.05", json={})
    assert response.status_code == 202


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("/dags/none/runs", {}, 404, None),
        ("/dags/none/pause", {}, 404, None),
        ("/runs/none/kill", {}, 404, None),
        ("/dags/stock-sync/runs", {"params": {"x": 1}}, 422, "params.x"),
        ("/dags/stock-sync/runs", {"logical_date": "2026-01-01T00:00:00"}, 422, "logical_date"),
        ("/dags/stock-sync/runs", {"surprise": 1}, 422, "surprise"),
        ("/dags/stock-sync/runs", ["no object"], 422, "body"),
        ("/dags/stock-sync/runs?wait=31", {}, 422, "wait"),
        ("/dags/nightly-report/runs", {"params": {"limit": float("nan")}}, 422, "params.limit"),
        ("/dags/nightly-report/runs", {"logical_date": "0001-01-01T00:00+14:00"}, *_NO_DATE),
        ("/dags/nightly-report/runs", {"logical_date": "9999-12-31T23:00-14:00"}, *_NO_DATE),
        ("/dags/nightly-report/runs", {"logical_date": "1969-12-31T23:59Z"}, *_NO_DATE),
        ("/dags/nightly-report/runs", {"logical_date": "3000-01-01T00:00Z"}, *_NO_DATE),
    ],
)
def test_what_cannot_be_asked(
    client: FlaskClient, world: World, path: str, body: Any, status: int, field: str | None
) -> None:
    response = client.post(V1 + path, json=body)
    problem = response.get_json(force=True)
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    assert [fault["field"] for fault in problem["errors"]] == ([field] if field else [])
    assert commands(world) == []


def test_a_job_that_is_not_there_cannot_be_retried(
    client: FlaskClient, world: World, run_id: str
) -> None:
    assert client.post(f"{V1}/runs/{run_id}/jobs/none/retry").status_code == 404
    assert commands(world) == []


@pytest.mark.parametrize(
    ("depth", "status", "told"), [(40, 422, "integer"), (20_000, 400, "nested")]
)
def test_a_deeply_nested_body_is_refused(
    client: FlaskClient, world: World, depth: int, status: int, told: str
) -> None:
    body = '{"params": {"limit": ' + "[" * depth + "]" * depth + "}}"
    path = f"{V1}/dags/nightly-report/runs"
    response = client.post(path, data=body, content_type="application/json")
    assert response.status_code == status
    assert told in response.get_json(force=True)["detail"]
    assert commands(world) == []


def test_a_huge_body_is_refused(client: FlaskClient, world: World) -> None:
    response = client.post(f"{V1}/dags/stock-sync/runs", json={"params": {"x": "y" * 100_000}})
    assert response.status_code in (413, 422)
    assert commands(world) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    ],
)
@pytest.mark.parametrize(
    "path", [f"{V1}/dags/stock-sync/pause", "/dags/stock-sync/pause", "/dags/stock-sync/trigger"]
)
def test_another_site_cannot_ask_through_a_browser(
    client: FlaskClient, world: World, path: str, headers: dict[str, str]
) -> None:
    assert client.post(path, headers=headers).status_code == 403
    assert commands(world) == []


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}, {}]
)
def test_our_own_pages_and_programs_can(
    client: FlaskClient, world: World, headers: dict[str, str]
) -> None:
    assert client.post(f"{V1}/dags/stock-sync/pause", headers=headers).status_code == 202
    assert len(commands(world)) == 1


@pytest.mark.parametrize("path", ["/", f"{V1}/dags", "/healthz"])
def test_a_foreign_host_name_is_refused(make_app: Callable[..., Flask], path: str) -> None:
    client = make_app(hosts=["Cron.Example"]).test_client()

    def status(host: str) -> int:
        return client.get(path, headers={"Host": host}).status_code

    assert status("evil.example") == 421
    assert status("127.0.0.1.evil.example:8650") == 421
    assert status("cron.example:8650") == 200
    assert status("127.0.0.1:8650") == 200
    assert status("[::1]:8650") == 200
    assert status("localhost") == 200
