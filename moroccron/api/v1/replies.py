"""How the JSON API answers: compact JSON, compressed when it pays, and commands with where to look."""

import gzip
import time

from flask import Response, request
from flask_openapi3.types import ResponseDict
from pydantic import BaseModel
from pydantic_core import to_json

from moroccron.api.doors import doors
from moroccron.api.problems import Problem
from moroccron.api.schemas import CommandOut
from moroccron.model.command import Intent

PROBLEMS: ResponseDict = {404: Problem, 422: Problem, 503: Problem}
_WORTH_COMPRESSING = 2_000  #: bytes: below, one packet carries it either way
_WAIT_STEP = 0.05


def reply(body: BaseModel, status: int = 200) -> Response:
    """The body as JSON."""
    return packed(to_json(body), "application/json", status)


def packed(data: bytes, mimetype: str, status: int = 200) -> Response:
    """The bytes, compressed when that is worth it and the asker can read it."""
    response = Response(status=status, mimetype=mimetype)
    response.vary.add("Accept-Encoding")
    if len(data) >= _WORTH_COMPRESSING and request.accept_encodings["gzip"] > 0:
        data = gzip.compress(data, compresslevel=1, mtime=0)
        response.content_encoding = "gzip"
    response.set_data(data)
    return response


def accept(intent: Intent, wait: float = 0) -> Response:
    """Hand an intent to the leader: 202 with where to look, or 200 with its answer if it comes in time."""
    given = doors()
    command_id = given.commands.submit(intent, requester())
    deadline = time.monotonic() + wait
    answer = given.queries.answer(command_id) if wait else None
    while answer is None and time.monotonic() < deadline and not given.tail.stopped:
        given.tail.pause(_WAIT_STEP)
        answer = given.queries.answer(command_id)
    out = CommandOut.of(command_id, answer)
    response = reply(out, 202 if answer is None else 200)
    response.headers["Location"] = out.url
    return response


def requester() -> str:
    """Who asks, as far as is known without authentication."""
    return f"web ({request.remote_addr or 'unknown'})"
