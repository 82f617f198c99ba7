"""The web process' Flask app: pages for people, JSON for programs, health for machines.

Given the doors to the outside and nothing else: it reads through Queries and asks through Commands.
"""

from collections.abc import Iterable
from typing import Any

from flask import Flask, Response
from flask_openapi3 import Info, OpenAPI

from moroccron.api import graphing, problems, security, show
from moroccron.api.doors import Doors, hang
from moroccron.api.pages import dag, frame, home, job, run, small
from moroccron.api.params import MAX_BODY
from moroccron.api.tail import Tail
from moroccron.api.v1 import (
    backfills,
    dags,
    graph,
    logs,
    outputs,
    owners,
    pools,
    runs,
    stream,
    system,
)
from moroccron.ports import Commands, Logs, Previews, Queries

MAX_STREAMS = 32
_PREFIX = "/api/v1"
_DESCRIPTION = """Read everything, ask for changes. A POST stores a command and answers 202 with where to look; \
the leader takes it. There is no authentication yet: whoever reaches the port may do everything, so serve \
it on 127.0.0.1 or behind a proxy that knows its users. POSTs that a browser sends from another site are refused."""


def create_app(
    queries: Queries,
    commands: Commands,
    logs: Logs,
    previews: Previews,
    *,
    version: str,
    hosts: Iterable[str] = (),
    max_streams: int = MAX_STREAMS,
) -> Flask:
    """The app. `hosts`: names under which it may be asked, beside localhost, this machine's and addresses."""
    app = OpenAPI(
        __name__,
        info=Info(title="moroccron", version=version, description=_DESCRIPTION),
        doc_ui=False,
        validation_error_status=422,
        validation_error_model=problems.Problem,
        validation_error_callback=problems.of_validation,
    )
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_BODY
    tail = Tail(queries, max_streams)
    hang(app.extensions, Doors(queries, commands, logs, previews, tail, graphing.Whys(), version))
    problems.register(app)
    security.Guard(app, frozenset(hosts))
    show.register(app)
    app.before_request(frame.note_history)
    _add_api(app)
    for page in (home, dag, run, job, small):
        app.register_blueprint(page.blueprint)
    app.add_url_rule("/healthz", "healthz", _healthz)
    return app


def _add_api(app: OpenAPI) -> None:
    for module in (dags, runs, backfills, graph, logs, outputs, pools, owners, system, stream):
        app.register_api(module.api, url_prefix=_PREFIX)
    document = _as_problems(app.api_doc)
    app.add_url_rule(f"{_PREFIX}/openapi.json", "openapi", lambda: document)


def _as_problems(document: dict[str, Any]) -> dict[str, Any]:
    """Give problem documents their own media type, which the generator has no word for."""
    for path in document["paths"].values():
        for operation in path.values():
            for response in operation["responses"].values():
                content = response.get("content", {})
                schema = content.get("application/json", {}).get("schema", {})
                if schema.get("$ref", "").endswith("/Problem"):
                    content["application/problem+json"] = content.pop("application/json")
    return document


def _healthz() -> Response:
    """This process serves. Says nothing of database or leader: see /api/v1/health."""
    return Response("ok\n", mimetype="text/plain")
