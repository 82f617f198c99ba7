"""History, load errors, health, and what became of commands."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from moroccron.api.doors import doors
from moroccron.api.params import CommandPath, HistoryQuery
from moroccron.api.schemas import (
    CommandOut,
    HealthOut,
    HistoryLineOut,
    HistoryOut,
    LoadErrorOut,
    LoadErrorsOut,
)
from moroccron.api.v1.replies import PROBLEMS, reply

api = APIBlueprint("v1_system", __name__, abp_tags=[Tag(name="System")], abp_responses=PROBLEMS)


@api.get("/history", responses={200: HistoryOut})
def history(query: HistoryQuery) -> Response:
    """What happened, line by line."""
    lines = doors().queries.history(run_id=query.run, after=query.after, limit=query.limit)
    last = lines[-1].id if lines else query.after
    return reply(HistoryOut(lines=[HistoryLineOut.of(line) for line in lines], last=last))


@api.get("/load-errors", responses={200: LoadErrorsOut})
def load_errors() -> Response:
    """DAG files that were refused, each with the remedy."""
    rows = doors().queries.load_errors()
    return reply(LoadErrorsOut(load_errors=[LoadErrorOut.of(row) for row in rows]))


@api.get("/commands/<int:command_id>", responses={200: CommandOut})
def command(path: CommandPath) -> Response:
    """What became of a command; pending while no leader has taken it."""
    return reply(CommandOut.of(path.command_id, doors().queries.answer(path.command_id)))


@api.get("/health", responses={200: HealthOut})
def health() -> Response:
    """Whether there is a database behind this process, and who leads."""
    given = doors()
    queries = given.queries
    counts = queries.attempt_count_by_state()
    return reply(HealthOut.of(given.version, queries.leader(), counts, queries.last_history_id()))
