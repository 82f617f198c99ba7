"""What attempts wrote, as raw bytes. The bytes are an author's: never sent as anything but plain text."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from flask_openapi3.types import ResponseDict

from moroccron.api.doors import doors
from moroccron.api.params import LogPath, LogQuery
from moroccron.api.v1.replies import PROBLEMS
from moroccron.model.errors import NotFound

api = APIBlueprint("v1_logs", __name__, abp_tags=[Tag(name="Logs")], abp_responses=PROBLEMS)
_TEXT: ResponseDict = {
    200: {
        "description": "The bytes. Log-Offset: where they begin; Log-Size: the length known now; "
        "Log-Gone: true when the sandbox is not there any more.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
        "headers": {
            name: {"schema": {"type": kind}}
            for name, kind in (
                ("Log-Offset", "integer"),
                ("Log-Size", "integer"),
                ("Log-Gone", "boolean"),
            )
        },
    }
}


@api.get("/runs/<run_id>/jobs/<job_id>/attempts/<int:number>/logs/<stream>", responses=_TEXT)
def log(path: LogPath, query: LogQuery) -> Response:
    """A stretch of an attempt's output, live or finished."""
    offset = -query.length if query.tail else query.offset
    for attempt in doors().queries.attempts(path.run_id, path.job_id):
        if attempt.number == path.number:
            break
    else:
        raise NotFound(f"{path.run_id} has no attempt {path.number} of job {path.job_id}.")
    chunk = doors().logs.read(attempt, path.stream, offset, query.length)
    response = Response(chunk.data, mimetype="text/plain")
    response.headers["Log-Offset"] = str(chunk.offset)
    response.headers["Log-Size"] = str(chunk.size)
    response.headers["Log-Gone"] = "true" if chunk.gone else "false"
    return response
