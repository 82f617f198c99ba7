"""Live: one server-sent event per batch of history, resumable by the number of the last line.

A stream holds a thread of the server, so their number is bounded; beyond it the asker is told to poll.
"""

from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from itertools import count

from flask import Response, request
from flask_openapi3 import APIBlueprint, Tag
from flask_openapi3.types import ResponseDict
from pydantic_core import to_json

from moroccron.api.doors import Doors, doors
from moroccron.api.params import StreamQuery
from moroccron.api.problems import Problem, Refused
from moroccron.api.schemas import HistoryLineOut
from moroccron.api.v1.replies import PROBLEMS
from moroccron.ports import HistoryLine

api = APIBlueprint("v1_stream", __name__, abp_tags=[Tag(name="Live")], abp_responses=PROBLEMS)

_BATCH = 500
_HEARTBEAT_EVERY = 20  #: intervals of the tail: about 5 s
_RETRY_SECONDS = 5
_EVENTS: ResponseDict = {
    200: {
        "description": "`change` events; data is a list of history lines, id the number of the last",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    503: Problem,
}


@api.get("/events/stream", responses=_EVENTS)
def stream(query: StreamQuery) -> Response:
    """Follow what happens, from now on or from a line on (also by the header Last-Event-ID)."""
    if request.method == "HEAD":  # a body that nobody reads is closed by nobody
        return Response(mimetype="text/event-stream")
    given = doors()
    after = _resume_after(query)
    if after is None:
        after = given.queries.last_history_id()
    if not given.tail.try_take():
        raise _full()
    gone = request.environ.get("waitress.client_disconnected", lambda: False)
    response = Response(_Events(given, query.run, after, gone), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    return response


class _Events:
    """The body of one stream. Closing it, begun or not, frees its place exactly once."""

    def __init__(
        self, given: Doors, run_id: str | None, after: int, gone: Callable[[], bool]
    ) -> None:
        self._given = given
        self._closed = False
        self._events = _events(given, run_id, after, gone)

    def __iter__(self) -> Iterator[bytes]:
        return self._events

    def close(self) -> None:
        """Called by the server when the response is over, however it ended."""
        if not self._closed:
            self._closed = True
            self._given.tail.give_back()


def _events(
    given: Doors, run_id: str | None, after: int, gone: Callable[[], bool]
) -> Iterator[bytes]:
    yield f"retry: {_RETRY_SECONDS * 1000}\nid: {after}\nevent: hello\ndata: {{}}\n\n".encode()
    for beat in count(1):
        newest = given.tail.newest()
        while after < newest:
            lines = given.queries.history(run_id=run_id, after=after, limit=_BATCH)
            # Without lines all up to `newest` was of other runs: next time begin there.
            after = lines[-1].id if lines else newest
            if lines:
                yield _event(lines)
        if gone() or not given.tail.rest():
            return
        if beat % _HEARTBEAT_EVERY == 0:
            yield f"id: {after}\nevent: beat\ndata: {{}}\n\n".encode()


def _event(lines: Sequence[HistoryLine]) -> bytes:
    rows = [HistoryLineOut.of(line) for line in lines]
    return b"id: %d\nevent: change\ndata: %s\n\n" % (rows[-1].id, to_json(rows))


def _resume_after(query: StreamQuery) -> int | None:
    header = request.headers.get("Last-Event-ID", "")
    if header.isascii() and header.isdigit():
        return int(header[:18])
    return query.after


def _full() -> Refused:
    refused = Refused(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "All places for live streams are taken.",
        f"Ask /api/v1/history every {_RETRY_SECONDS} s instead, or start the web with more threads.",
    )
    refused.headers["Retry-After"] = str(_RETRY_SECONDS)
    return refused
