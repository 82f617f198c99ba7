"""DAGs and their versions; asking for a run, pausing."""

import json
from datetime import UTC, datetime

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from flask_openapi3.types import ResponseDict

from moroccron.api.doors import doors
from moroccron.api.params import DagPath, FiresQuery, TriggerBody, VersionPath, WaitQuery
from moroccron.api.problems import Problem
from moroccron.api.schemas import CommandOut, DagOut, DagsOut, FireOut, FiresOut, VersionOut
from moroccron.api.triggering import check_logical_date, check_params
from moroccron.api.v1.replies import PROBLEMS, accept, reply
from moroccron.model.command import PauseDag, TriggerRun, UnpauseDag
from moroccron.model.dag_version import DagVersion
from moroccron.model.errors import NotFound
from moroccron.model.fires import next_fires

api = APIBlueprint("v1_dags", __name__, abp_tags=[Tag(name="DAGs")], abp_responses=PROBLEMS)
_COMMAND: ResponseDict = {200: CommandOut, 202: CommandOut, 403: Problem}


@api.get("/dags", responses={200: DagsOut})
def dags() -> Response:
    """All DAGs ever seen, active first, each with its newest runs."""
    return reply(DagsOut(dags=[DagOut.of(dag) for dag in doors().queries.dags()]))


@api.get("/dags/<dag_id>", responses={200: DagOut})
def dag(path: DagPath) -> Response:
    """One DAG."""
    return reply(DagOut.of(doors().queries.dag(path.dag_id)))


@api.get("/dags/<dag_id>/fires", responses={200: FiresOut})
def fires(path: DagPath, query: FiresQuery) -> Response:
    """When it fires next by its newest version; if it is paused, when it would."""
    version = doors().queries.dag(path.dag_id).version
    after = check_logical_date(query.after) or datetime.now(UTC)
    found = next_fires(version, after, query.limit)
    return reply(FiresOut(dag_id=path.dag_id, fires=[FireOut.of(fire) for fire in found]))


@api.get("/dags/<dag_id>/versions/<version_id>", responses={200: VersionOut})
def version(path: VersionPath) -> Response:
    """A definition as it was. Never changes."""
    found = version_of(path)
    content = json.loads(found.to_json())
    return forever(reply(VersionOut(id=found.id, dag_id=found.dag_id, content=content)), found.id)


@api.post("/dags/<dag_id>/runs", responses=_COMMAND)
def trigger(path: DagPath, query: WaitQuery, body: TriggerBody) -> Response:
    """Ask for a run now."""
    check_params(doors().queries.dag(path.dag_id).version, body.params)
    moment = check_logical_date(body.logical_date)
    return accept(TriggerRun(path.dag_id, body.params, moment), query.wait)


@api.post("/dags/<dag_id>/pause", responses=_COMMAND)
def pause(path: DagPath, query: WaitQuery) -> Response:
    """Create no more scheduled runs. What runs, runs on."""
    return accept(PauseDag(doors().queries.dag(path.dag_id).state.dag_id), query.wait)


@api.post("/dags/<dag_id>/unpause", responses=_COMMAND)
def unpause(path: DagPath, query: WaitQuery) -> Response:
    """Create scheduled runs again."""
    return accept(UnpauseDag(doors().queries.dag(path.dag_id).state.dag_id), query.wait)


def version_of(path: VersionPath) -> DagVersion:
    """The version that the path names, if it is one of that DAG."""
    found = doors().queries.version(path.version_id)
    if found.dag_id != path.dag_id:
        raise NotFound(f"{path.dag_id} has no version {path.version_id}.")
    return found


def forever(response: Response, tag: str) -> Response:
    """Mark a response that can never change."""
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    response.set_etag(tag)
    return response
