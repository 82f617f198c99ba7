"""A DAG: its graph with the states of a run, its runs, when it fires next; trigger, pause, unpause."""

from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request

from moroccron.api.doors import doors
from moroccron.api.pages.frame import page, submit
from moroccron.api.params import MAX_ID
from moroccron.api.problems import Refused
from moroccron.api.triggering import check_logical_date, check_params, checked
from moroccron.model.command import PauseDag, TriggerRun, UnpauseDag
from moroccron.model.dag_version import DagVersion
from moroccron.model.errors import NotFound
from moroccron.model.param import Param
from moroccron.model.param_values import from_text, to_text
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
        params=[(name, dag.version.param(name)) for name in sorted(dag.version.params)],
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
    """What the form says beside the defaults; the browser sends a moment without zone, which is the DAG's."""
    out: dict[str, Any] = {}
    for key, text in request.form.items():
        name = key.removeprefix("param.")
        if name == key:
            continue
        param = version.param(name) if name in version.params else Param()
        if name in version.params and text == to_text(param.default):
            continue  # of a required one: nothing was said
        out[name] = checked(f"params.{name}", partial(from_text, param), text)
    return out


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
