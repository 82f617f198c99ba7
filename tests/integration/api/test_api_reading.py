"""The JSON API's reading side: every address, its filters and pages, and what it says when it cannot."""

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from moroccron.model.errors import LogUnavailable
from moroccron.ports import LogChunk
from moroccron.testing import MemoryStore
from moroccron.testing.world import TextLogs
from tests.integration.api.conftest import LOG, World

V1 = "/api/v1"


def get(client: FlaskClient, path: str, status: int = 200) -> Any:
    response = client.get(V1 + path)
    assert response.status_code == status, response.text
    return response.get_json(force=True)


def test_dags_come_with_schedule_and_newest_runs(client: FlaskClient, world: World) -> None:
    dags = {dag["id"]: dag for dag in get(client, "/dags")["dags"]}
    assert set(dags) == {"nightly-report", "stock-sync", "backup", "on-demand"}
    nightly = dags["nightly-report"]
    assert nightly["schedule"] == "30 2 * * *"
    assert nightly["timezone"] == "Europe/Berlin"
    assert nightly["recent"][0] | {"due": 0, "started": 0} == {
        "id": world.run(),
        "state": "running",
        "due": 0,
        "started": 0,
        "ended": None,
    }
    assert dags["backup"]["paused"] is True
    assert dags["on-demand"]["schedule"] is None
    assert get(client, "/dags/nightly-report") == nightly | {
        "recent": get(client, "/dags/nightly-report")["recent"]
    }


def test_the_next_fires_are_told_with_what_clocks_do(client: FlaskClient) -> None:
    path = "/dags/nightly-report/fires?limit=2&after=2026-03-28T12:00:00Z"
    assert get(client, path) == {
        "dag_id": "nightly-report",
        "fires": [
            {
                "due": "2026-03-29T01:00:00Z",
                "local": "2026-03-29T03:00:00+02:00",
                "interval_start": "2026-03-28T01:30:00Z",
                "clock_change": "02:00 becomes 03:00",
                "second_time": False,
            },
            {
                "due": "2026-03-30T00:30:00Z",
                "local": "2026-03-30T02:30:00+02:00",
                "interval_start": "2026-03-29T01:00:00Z",
                "clock_change": None,
                "second_time": False,
            },
        ],
    }
    assert len(get(client, "/dags/backup/fires")["fires"]) == 10  # paused: when it would
    assert get(client, "/dags/on-demand/fires")["fires"] == []
    get(client, "/dags/nightly-report/fires?limit=0", 422)
    get(client, "/dags/nobody/fires", 404)


def test_a_version_is_told_whole_and_may_be_kept_for_ever(client: FlaskClient) -> None:
    dag = get(client, "/dags/nightly-report")
    response = client.get(f"{V1}/dags/nightly-report/versions/{dag['version_id']}")
    assert "immutable" in response.headers["Cache-Control"]
    content = response.get_json()["content"]
    assert [job["id"] for job in content["jobs"]][:2] == ["prepare", "fetch-orders"]
    get(client, f"/dags/stock-sync/versions/{dag['version_id']}", 404)


def test_runs_are_paged_to_the_last_one(client: FlaskClient, world: World) -> None:
    wanted = [run.id for run in world.store.runs(limit=500)]
    seen: list[str] = []
    path: str | None = "/runs?limit=7"
    while path:
        page = get(client, path.removeprefix(V1))
        assert len(page["runs"]) <= 7
        seen += [run["id"] for run in page["runs"]]
        path = page["next"]
    assert seen == wanted
    assert len(wanted) > 14


def test_runs_are_filtered_by_dag_and_state(client: FlaskClient) -> None:
    page = get(client, "/runs?dag=nightly-report&state=failed&state=running&limit=2")
    assert [run["state"] for run in page["runs"]] == ["running", "failed"]
    assert "state=failed&state=running" in page["next"]
    rest = get(client, page["next"].removeprefix(V1))
    assert [run["state"] for run in rest["runs"]] == ["failed"]


def test_a_run_with_its_jobs_and_attempts(client: FlaskClient, world: World) -> None:
    run_id = world.run(place=1)
    assert get(client, f"/runs/{run_id}")["state"] == "failed"
    jobs = get(client, f"/runs/{run_id}/jobs")["jobs"]
    assert [job["position"] for job in jobs] == list(range(11))
    failed = get(client, f"/runs/{run_id}/jobs?state=failed")["jobs"]
    assert [job["job_id"] for job in failed] == ["report"]
    attempts = get(client, f"/runs/{run_id}/attempts")["attempts"]
    mine = get(client, f"/runs/{run_id}/jobs/report/attempts")["attempts"]
    assert [attempt["number"] for attempt in mine] == [1, 2]
    assert mine == [attempt for attempt in attempts if attempt["job_id"] == "report"]
    assert mine[0]["exit_code"] == 1
    assert mine[0]["skew"] == pytest.approx(0.053)


def test_the_graph_says_states_by_index(client: FlaskClient, world: World) -> None:
    graph = get(client, "/dags/nightly-report/graph")
    structure, states = graph["structure"], graph["states"]
    assert states["run"] == world.run()
    jobs = structure["jobs"]
    word = {job: states["words"][states["state"][i]] for i, job in enumerate(jobs)}
    assert word["fetch-stock"] == "running"
    assert word["tidy-up"] == "waiting"
    join = structure["upstream"][jobs.index("join")]
    assert sorted(jobs[i] for i in join) == ["fetch-orders", "fetch-prices", "fetch-stock"]
    assert structure["rules"][str(jobs.index("alarm"))] == "one_failed"
    assert "KeyError" in states["why"][str(jobs.index("fetch-prices"))]
    assert states["last"] == world.store.last_history_id()


def test_the_graph_of_another_run_and_of_none(client: FlaskClient, world: World) -> None:
    failed = world.run(place=1)
    assert get(client, f"/dags/nightly-report/graph?run={failed}")["states"]["run"] == failed
    assert get(client, "/dags/on-demand/graph")["states"] is None
    get(client, f"/dags/stock-sync/graph?run={failed}", 404)
    states = get(client, f"/runs/{failed}/states")
    assert states["run_state"] == "failed"


def test_the_structure_is_not_sent_twice(client: FlaskClient) -> None:
    version = get(client, "/dags/nightly-report")["version_id"]
    path = f"{V1}/dags/nightly-report/versions/{version}/graph"
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")


def test_logs_by_offset_and_from_the_end(client: FlaskClient, world: World) -> None:
    path = f"{V1}/runs/{world.run(place=1)}/jobs/report/attempts/2/logs/stdout"
    part = client.get(f"{path}?offset=5&length=10")
    assert part.data == LOG[5:15]
    assert part.headers["Log-Offset"] == "5"
    assert part.headers["Log-Size"] == str(len(LOG))
    assert part.headers["Log-Gone"] == "false"
    assert client.get(f"{path}?tail=1&length=6").data == LOG[-6:]
    assert part.mimetype == "text/plain"
    assert part.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get(path.replace("/2/", "/3/")).status_code == 404
    assert client.get(path.replace("stdout", "secrets")).status_code == 422


def test_a_log_whose_agent_is_silent_may_be_asked_for_later(
    make_app: Callable[..., Flask], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> LogChunk:
        raise LogUnavailable("the agent at http://a:5051 does not answer: timed out")

    monkeypatch.setattr(TextLogs, "read", read)
    client = make_app().test_client()
    run_id = world.run(place=1)
    answer = client.get(f"{V1}/runs/{run_id}/jobs/report/attempts/2/logs/stdout")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "does not answer" in answer.json["detail"]
    page = client.get(f"/runs/{run_id}/jobs/report")
    assert page.status_code == 200
    assert "The log cannot be read just now: the agent at http://a:5051" in page.text


def test_history_goes_on_where_it_ended(client: FlaskClient, world: World) -> None:
    run_id = world.run()
    first = get(client, f"/history?run={run_id}&limit=3")
    rest = get(client, f"/history?run={run_id}&after={first['last']}")
    ids = [line["id"] for line in first["lines"] + rest["lines"]]
    assert ids == [row.id for row in world.store.history(run_id=run_id)]
    assert {line["run_id"] for line in rest["lines"]} == {run_id}


def test_load_errors_name_place_and_remedy(client: FlaskClient) -> None:
    (error,) = get(client, "/load-errors")["load_errors"]
    assert (error["file"], error["line"], error["field"]) == ("billing.py", 14, "upstream")
    assert error["remedy"].startswith("Remove one of these edges")


def test_health_names_the_leader(client: FlaskClient) -> None:
    health = get(client, "/health")
    assert health["leader"]["holder"] == "host-a:1"
    assert health["version"] == "9.9"
    assert health["attempts"]["running"] == 1


def test_healthz_needs_no_database(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryStore, "last_history_id", None)
    monkeypatch.setattr(MemoryStore, "leader", None)
    assert client.get("/healthz").data == b"ok\n"


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/dags/none", 404, None),
        ("/runs/none", 404, None),
        ("/runs/none/jobs", 404, None),
        ("/runs/none/states", 404, None),
        ("/runs/none/attempts", 404, None),
        ("/runs/none/jobs/a/attempts", 404, None),
        ("/dags/nightly-report/versions/none", 404, None),
        ("/nothing", 404, None),
        ("/runs?limit=0", 422, "limit"),
        ("/runs?limit=501", 422, "limit"),
        ("/runs?state=happy", 422, "state.0"),
        ("/runs?unknown=1", 422, "unknown"),
        ("/runs?before=none", 404, None),
        ("/runs?dag=" + "x" * 400, 422, "dag"),
        ("/history?after=-1", 422, "after"),
        ("/history?limit=5000", 422, "limit"),
        ("/events/stream?after=x", 422, "after"),
    ],
)
def test_what_cannot_be_told_is_a_problem_document(
    client: FlaskClient, path: str, status: int, field: str | None
) -> None:
    response = client.get(V1 + path)
    problem = response.get_json(force=True)
    assert response.status_code == problem["status"] == status
    assert response.mimetype == "application/problem+json"
    assert problem["detail"]
    assert problem["remedy"]
    assert [fault["field"] for fault in problem["errors"]] == ([field] if field else [])


def test_a_long_answer_is_compressed_for_those_who_can_read_it(client: FlaskClient) -> None:
    plain = client.get(f"{V1}/runs")
    packed = client.get(f"{V1}/runs", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data


def test_the_openapi_document_knows_every_address(client: FlaskClient) -> None:
    document = get(client, "/openapi.json")
    assert document["openapi"].startswith("3.1")
    told = set(document["paths"])
    served = {
        rule.rule.replace("<int:", "{").replace("<", "{").replace(">", "}")
        for rule in client.application.url_map.iter_rules()
        if rule.rule.startswith(V1) and not rule.rule.endswith("openapi.json")
    }
    assert told == served
    for path, item in document["paths"].items():
        for operation in item.values():
            assert operation["summary"], path
            content = operation["responses"]["422"]["content"]
            assert list(content) == ["application/problem+json"]
    text = json.dumps(document)
    for reference in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert reference in document["components"]["schemas"]


def test_times_are_utc_and_say_so(client: FlaskClient, world: World) -> None:
    due = get(client, "/dags/stock-sync")["next_due"]
    assert due.endswith("Z")
    assert due[:16] == f"{world.now + timedelta(minutes=9):%Y-%m-%dT%H:%M}"
