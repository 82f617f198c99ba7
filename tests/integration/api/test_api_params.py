"""Params in the API and on the pages: what a DAG takes, and what it does not."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from moroccron import DAG, Job, Param
from moroccron.model.changes import DagChanged, VersionAdded
from moroccron.model.command import TriggerRun
from moroccron.testing import a_dag
from tests.integration.api.conftest import World

RUNS = "/api/v1/dags/report/runs"


@pytest.fixture
def report(world: World) -> World:
    params = {
        "day": Param("date", minimum="2026-01-01", required=True, description="the day <b>"),
        "size": Param("integer", 3, maximum=9),
        "who": Param(choices=["ann", "bob"], default="bob"),
        "dry": False,
        "at": Param("datetime"),
        "tags": ["a"],
    }
    with DAG("report", timezone="Europe/Berlin", params=params) as dag:
        Job("a", "true")
    version = dag.version()
    world.commit(VersionAdded(version, "report.py", world.now), DagChanged(a_dag(version)))
    return world


def intents(world: World) -> list[Any]:
    return [command.intent for command in world.store.unanswered_commands(0, 9)]


def test_a_dag_tells_what_it_takes(client: FlaskClient, report: World) -> None:
    told = client.get("/api/v1/dags/report").get_json()
    assert told["params"]["size"] == 3
    assert told["param_types"]["day"] == {
        "type": "date",
        "required": True,
        "choices": None,
        "minimum": "2026-01-01",
        "maximum": None,
        "pattern": None,
        "description": "the day <b>",
    }
    assert told["param_types"]["dry"]["type"] == "boolean"


@pytest.mark.parametrize(
    ("params", "field", "words"),
    [
        ({}, "params.day", "A value is required: the day <b>"),
        ({"day": "today"}, "params.day", "Must be a date"),
        ({"day": "2025-01-01"}, "params.day", "Use 2026-01-01 at least."),
        ({"day": "2026-01-01", "size": 10}, "params.size", "Use 9 at most."),
        ({"day": "2026-01-01", "who": "eve"}, "params.who", "Use one of ann, bob."),
        ({"dya": "2026-01-01"}, "params.dya", "mean dry or day?"),
    ],
)
@pytest.mark.parametrize("place", [RUNS, "/api/v1/backfills"])
def test_what_it_does_not_take_is_refused(
    client: FlaskClient, report: World, place: str, params: Any, field: str, words: str
) -> None:
    body: dict[str, Any] = {"params": params}
    if place != RUNS:
        body |= {"dag": "report", "from": "2026-01-01"}
    response = client.post(place, json=body)
    assert response.status_code == 422
    problem = response.get_json(force=True)
    assert problem["errors"][0]["field"] == field
    assert words in response.get_data(as_text=True)
    assert intents(report) == []


def test_the_form_has_a_field_for_each_of_its_kind(client: FlaskClient, report: World) -> None:
    html = client.get("/dags/report").get_data(as_text=True)
    assert (
        '<input name="param.day" value="" autocomplete="off" required type="date" min="2026-01-01">'
        in html
    )
    assert 'title="the day &lt;b&gt;"' in html
    assert (
        '<input name="param.size" value="3" autocomplete="off" type="number" step="1" max="9">'
        in html
    )
    assert '<option value="bob" selected>bob</option>' in html
    assert '<option value="false" selected>false</option>' in html
    assert (
        '<input name="param.tags" value="[&#34;a&#34;]" autocomplete="off" placeholder="JSON">'
        in html
    )


def test_a_form_is_read_by_the_types(client: FlaskClient, report: World) -> None:
    form = {
        "param.day": "2026-03-01",
        "param.size": "4",
        "param.who": "bob",
        "param.dry": "true",
        "param.at": "",
        "param.tags": '["b"]',
    }
    assert client.post("/dags/report/trigger", data=form).status_code == 303
    given = {"day": "2026-03-01", "size": 4, "dry": True, "tags": ["b"]}
    assert intents(report) == [TriggerRun("report", given, None)]


@pytest.mark.parametrize(
    ("form", "field"),
    [({}, "params.day"), ({"param.day": "2026-03-01", "param.size": "x"}, "params.size")],
)
def test_a_wrong_form_names_the_param(
    client: FlaskClient, report: World, form: dict[str, str], field: str
) -> None:
    response = client.post("/dags/report/trigger", data=form)
    assert response.status_code == 422
    assert field in response.get_data(as_text=True)
    assert intents(report) == []
