"""A DAG: its graph with the states of a run, its runs, when it fires next; trigger, pause, unpause."""

import json
from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request

from moroccron.api.doors import doors
from moroccron.api.pages.frame import page, submit
from moroccron.api.params import MAX_ID
from moroccron.api.problems import Refused
from moroccron.api.triggering import check_logical_date, check_params
from moroccron.model.command import PauseDag, TriggerRun, UnpauseDag
from moroccron.model.dag_version import DagVersion
from moroccron.model.errors import NotFound
from moroccron.model.run import Run
from moroccron.ports import DagSummary

blueprint = Blueprint("dag", __name__)
_PAGE = 25


@blueprint.get("/dags/<dag_id>")
def show(dag_id: str) -> Response:
    queries = doors().queries
    dag = queries.dag(dag_id, 30)
    run = _chosen(dag)
    before = request.args.get("before", "")[:MAX_ID] or None
    runs = queries.runs(dag_id=dag_id, before=before, limit=_PAGE + 1)
    return page(
        "dag.html",
        dag=dag,
        run=run,
        version=dag.version,
        graph_version=dag.version.id if run is None else run.version_id,
        runs=runs[:_PAGE],
        next_before=runs[_PAGE - 1].id if len(runs) > _PAGE else None,
        before=before,
        params=[(name, _as_text(value)) for name, value in sorted(dag.version.params.items())],
    )


@blueprint.post("/dags/<dag_id>/trigger")
def trigger(dag_id: str) -> Response:
    version = doors().queries.dag(dag_id, 1).version
    params = _params(version)
    check_params(version, params)
    return submit(TriggerRun(dag_id, params, _logical_date()), "dag.show", dag_id=dag_id)


@blueprint.post("/dags/<dag_id>/pause")
def pause(dag_id: str) -> Response:
    doors().queries.dag(dag_id, 1)
    return submit(PauseDag(dag_id), "dag.show", dag_id=dag_id)


@blueprint.post("/dags/<dag_id>/unpause")
def unpause(dag_id: str) -> Response:
    doors().queries.dag(dag_id, 1)
    return submit(UnpauseDag(dag_id), "dag.show", dag_id=dag_id)


def _chosen(dag: DagSummary) -> Run | None:
    run_id = request.args.get("run", "")[:MAX_ID]
    if not run_id:
        return doors().queries.run(dag.recent[0].id) if dag.recent else None
    run = doors().queries.run(run_id)
    if run.dag_id != dag.state.dag_id:
        raise NotFound(f"{dag.state.dag_id} has no run {run_id}.")
    return run


def _params(version: DagVersion) -> dict[str, Any]:
    """What the form says beside the defaults. A field holds JSON, or text when its default is text."""
    out: dict[str, Any] = {}
    for key, text in request.form.items():
        name = key.removeprefix("param.")
        if name == key or text == _as_text(version.params.get(name)):
            continue
        out[name] = text if isinstance(version.params.get(name), str) else _parsed(name, text)
    return out


def _parsed(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"The value of {name} is not JSON: {error}.",
            'Write a JSON value, e.g. 3, true, "text", ["a", "b"].',
            field=f"params.{name}",
        ) from error


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _logical_date() -> datetime | None:
    text = request.form.get("logical_date", "").strip()
    if not text:
        return None
    try:
        date = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"The logical date is no date: {text[:40]!r}.",
            "Write it as 2026-01-31T04:00 (UTC), or leave it empty for now.",
            field="logical_date",
        ) from error
    return check_logical_date(date)
