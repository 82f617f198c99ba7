"""Errors as people and programs read them: RFC 9457 documents for the API, a page for a browser.

Owns how every failure of a request is told: what happened, where, and what to do. Knows no store.
"""

import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, render_template, request
from flask.json.provider import DefaultJSONProvider
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import HTTPException

from moroccron.model.errors import LogUnavailable, MoroccronError, NotFound

log = logging.getLogger(__name__)


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    field: str = Field(description="Where it is, e.g. `limit` or `params.day`")
    message: str
    remedy: str


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(
        "about:blank", description="Names the kind of problem; `about:blank`: the status says all"
    )
    title: str
    status: int
    detail: str = Field(description="What happened, in a sentence")
    remedy: str = Field(description="What to do about it")
    errors: list[Fault] = Field(default_factory=list)


class Refused(Exception):
    """A request that cannot be served, and why. Raised by views, answered here."""

    def __init__(
        self, status: HTTPStatus, detail: str, remedy: str, *, field: str | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.remedy = remedy
        self.field = field
        self.headers: dict[str, str] = {}


_REMEDIES = {
    404: "Check the address; the front page lists what there is.",
    405: "Use one of the methods of the Allow header.",
    413: "Send less.",
    415: "Send a JSON object with Content-Type: application/json.",
}


def answer(status: int, detail: str, remedy: str, faults: list[Fault] | None = None) -> Response:
    """The response that tells a problem, in the form that the asker reads."""
    title = HTTPStatus(status).phrase
    problem = Problem(
        type="about:blank",
        title=title,
        status=status,
        detail=detail,
        remedy=remedy,
        errors=faults or [],
    )
    if _wants_page():
        return Response(
            render_template("problem.html", problem=problem), status, mimetype="text/html"
        )
    body = problem.model_dump_json(exclude_defaults=False)
    return Response(body, status, mimetype="application/problem+json")


def of_validation(error: ValidationError) -> Response:
    """422 with one fault per field, in the author's words."""
    faults = [_fault(item) for item in error.errors(include_url=False, include_context=False)]
    named = ", ".join(dict.fromkeys(fault.field for fault in faults))
    return answer(
        422, f"The request is not valid: {named}.", "Correct the fields named in errors.", faults
    )


class _Json(DefaultJSONProvider):
    """JSON whose reader can be exhausted, but not broken."""

    def loads(self, s: str | bytes, **options: Any) -> Any:
        try:
            return super().loads(s, **options)
        except RecursionError as error:
            raise Refused(
                HTTPStatus.BAD_REQUEST,
                "The body is nested too deeply.",
                "Send fewer lists and objects within each other.",
                field="body",
            ) from error


def register(app: Flask) -> None:
    """Answer every failure of the app in this form."""
    app.json = _Json(app)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(NotFound, _not_found)
    app.register_error_handler(LogUnavailable, _no_log_now)
    app.register_error_handler(MoroccronError, _broken_outside)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _bug)


def _wants_page() -> bool:
    return not request.path.startswith(("/api/", "/static/", "/healthz"))


def _fault(item: Any) -> Fault:
    field = ".".join(str(part) for part in item["loc"]) or "body"
    message = str(item["msg"])
    return Fault(
        field=field, message=message, remedy=f"{field}: {message[:1].lower()}{message[1:]}"
    )


def _refused(error: Refused) -> Response:
    faults = []
    if error.field is not None:
        faults.append(Fault(field=error.field, message=error.detail, remedy=error.remedy))
    response = answer(error.status, error.detail, error.remedy, faults)
    response.headers.update(error.headers)
    return response


def _not_found(error: NotFound) -> Response:
    return answer(404, str(error), _REMEDIES[404])


def _no_log_now(error: LogUnavailable) -> Response:
    response = answer(
        503, str(error), "Try again later: the agent may come back, and the log with it."
    )
    response.headers["Retry-After"] = "5"
    return response


def _broken_outside(error: MoroccronError) -> Response:
    log.error("%s %s: %s", request.method, request.path, error)
    response = answer(503, str(error), "Check that the database answers, then try again.")
    response.headers["Retry-After"] = "5"
    return response


def _http(error: HTTPException) -> Response:
    if error.response is not None:  # a response somebody made on purpose
        return error.response  # type: ignore[return-value]
    status = error.code or 500
    response = answer(
        status, error.description or error.name, _REMEDIES.get(status, "Check the request.")
    )
    for name, value in error.get_headers():
        if name.lower() in ("allow", "location", "retry-after"):
            response.headers[name] = value
    return response


def _bug(error: Exception) -> Response:
    log.exception("%s %s failed", request.method, request.path, exc_info=error)
    return answer(
        500,
        f"An error of moroccron itself: {type(error).__name__}.",
        "The web process's log has the details; please report them.",
    )
