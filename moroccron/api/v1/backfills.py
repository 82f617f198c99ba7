"""Backfills: what there is, what one would do, and asking for them."""

from datetime import datetime

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from flask_openapi3.types import ResponseDict

from moroccron.api.doors import doors
from moroccron.api.params import (
    BackfillBody,
    BackfillPath,
    BackfillsQuery,
    CancelBody,
    WaitQuery,
)
from moroccron.api.problems import Problem
from moroccron.api.schemas import BackfillOut, BackfillPlanOut, BackfillsOut, CommandOut
from moroccron.api.triggering import check_moment, check_params
from moroccron.api.v1.replies import PROBLEMS, accept, reply
from moroccron.model.backfill import (
    BackfillIntent,
    CancelBackfill,
    CreateBackfill,
    PauseBackfill,
    ResumeBackfill,
    RetryBackfill,
)

api = APIBlueprint(
    "v1_backfills", __name__, abp_tags=[Tag(name="Backfills")], abp_responses=PROBLEMS
)
_COMMAND: ResponseDict = {200: CommandOut, 202: CommandOut, 403: Problem}


@api.get("/backfills", responses={200: BackfillsOut})
def backfills(query: BackfillsQuery) -> Response:
    """Backfills, newest first, each with how its runs stand."""
    found = doors().queries.backfills(dag_id=query.dag, limit=query.limit)
    return reply(BackfillsOut(backfills=[BackfillOut.of(one) for one in found]))


@api.post("/backfills", responses=_COMMAND)
def create(query: WaitQuery, body: BackfillBody) -> Response:
    """Ask for the runs of a stretch of the past. The answer's detail is the backfill's number."""
    return accept(_wish(body), query.wait)


@api.post("/backfills/preview", responses={200: BackfillPlanOut})
def preview(body: BackfillBody) -> Response:
    """What the backfill would do about each interval. Changes nothing, and asks no leader."""
    plan = doors().previews.backfill(_wish(body), doors().now())
    return reply(BackfillPlanOut.of(plan))


@api.get("/backfills/<int:backfill_id>", responses={200: BackfillOut})
def backfill(path: BackfillPath) -> Response:
    """One backfill; its runs are at `/runs?backfill=`."""
    return reply(BackfillOut.of(doors().queries.backfill(path.backfill_id)))


@api.post("/backfills/<int:backfill_id>/pause", responses=_COMMAND)
def pause(path: BackfillPath, query: WaitQuery) -> Response:
    """Make no more runs for now. Those that there are go on."""
    return _ask(PauseBackfill(path.backfill_id), query)


@api.post("/backfills/<int:backfill_id>/resume", responses=_COMMAND)
def resume(path: BackfillPath, query: WaitQuery) -> Response:
    """Go on where it was paused."""
    return _ask(ResumeBackfill(path.backfill_id), query)


@api.post("/backfills/<int:backfill_id>/cancel", responses=_COMMAND)
def cancel(path: BackfillPath, query: WaitQuery, body: CancelBody) -> Response:
    """Make no more runs, for good; with `kill` those that are not over are ended."""
    return _ask(CancelBackfill(path.backfill_id, body.kill), query)


@api.post("/backfills/<int:backfill_id>/retry", responses=_COMMAND)
def retry(path: BackfillPath, query: WaitQuery) -> Response:
    """Run those of its runs again, from where they failed, that did not succeed."""
    return _ask(RetryBackfill(path.backfill_id), query)


def _ask(
    intent: PauseBackfill | ResumeBackfill | CancelBackfill | RetryBackfill, query: WaitQuery
) -> Response:
    doors().queries.backfill(intent.backfill_id)
    asked: BackfillIntent = intent
    return accept(asked, query.wait)


def _wish(body: BackfillBody) -> CreateBackfill:
    version = doors().queries.dag(body.dag, recent=0).version
    check_params(version, body.params)
    begin = check_moment("from", body.begin, version.timezone)
    end: datetime | None = None
    if body.end is not None:
        end = check_moment("to", body.end, version.timezone)
    return CreateBackfill(
        body.dag,
        begin,
        end,
        jobs=body.jobs,
        downstream=body.downstream,
        existing=body.existing,
        version=body.version,
        newest_first=body.newest_first,
        max_active=body.max_active,
        params=body.params,
    )
