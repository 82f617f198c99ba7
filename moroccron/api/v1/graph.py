"""The graph of a run in two compact parts: what never changes (the version's), and where its jobs stand."""

from flask import Response, request
from flask_openapi3 import APIBlueprint, Tag

from moroccron.api import graphing
from moroccron.api.doors import doors
from moroccron.api.params import DagPath, GraphQuery, RunPath, VersionPath
from moroccron.api.schemas import GraphOut, StatesOut, StructureOut
from moroccron.api.v1.dags import forever, version_of
from moroccron.api.v1.replies import PROBLEMS, reply
from moroccron.model.errors import NotFound

api = APIBlueprint("v1_graph", __name__, abp_tags=[Tag(name="Graph")], abp_responses=PROBLEMS)


@api.get("/dags/<dag_id>/graph", responses={200: GraphOut})
def graph(path: DagPath, query: GraphQuery) -> Response:
    """Both parts at once: of a run, or of the newest one."""
    given = doors()
    run_id = query.run
    if run_id is None:
        dag = given.queries.dag(path.dag_id, 1)
        if not dag.recent:
            return reply(GraphOut(structure=graphing.structure(dag.version), states=None))
        run_id = dag.recent[0].id
    found = graphing.states(given.queries, given.whys, run_id)
    if found.dag != path.dag_id:
        raise NotFound(f"{path.dag_id} has no run {run_id}.")
    version = given.queries.version(found.version)
    return reply(GraphOut.model_construct(structure=graphing.structure(version), states=found))


@api.get("/dags/<dag_id>/versions/<version_id>/graph", responses={200: StructureOut})
def structure(path: VersionPath) -> Response:
    """Jobs and edges of a version. Never changes."""
    if path.version_id in request.if_none_match:
        return forever(Response(status=304), path.version_id)
    return forever(reply(graphing.structure(version_of(path))), path.version_id)


@api.get("/runs/<run_id>/states", responses={200: StatesOut})
def states(path: RunPath) -> Response:
    """Where the jobs of a run stand."""
    given = doors()
    return reply(graphing.states(given.queries, given.whys, path.run_id))
