"""What attempts hand on, as the JSON value that it is."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from flask_openapi3.types import ResponseDict

from moroccron.api.doors import doors
from moroccron.api.params import AttemptPath
from moroccron.api.v1.replies import PROBLEMS
from moroccron.model.errors import NotFound

api = APIBlueprint("v1_outputs", __name__, abp_tags=[Tag(name="Outputs")], abp_responses=PROBLEMS)
_VALUE: ResponseDict = {
    200: {"description": "The value.", "content": {"application/json": {"schema": {}}}}
}


@api.get("/runs/<run_id>/jobs/<job_id>/attempts/<int:number>/output", responses=_VALUE)
def output(path: AttemptPath) -> Response:
    """What an attempt that succeeded handed on."""
    for attempt in doors().queries.attempts(path.run_id, path.job_id):
        if attempt.number == path.number:
            break
    else:
        raise NotFound(f"{path.run_id} has no attempt {path.number} of job {path.job_id}.")
    if attempt.output is None:
        raise NotFound(f"Attempt {path.number} of job {path.job_id} handed nothing on.")
    return Response(attempt.output, mimetype="application/json")
