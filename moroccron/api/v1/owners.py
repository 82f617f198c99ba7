"""Owners' shares of the cluster: what there is, and asking for others."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from flask_openapi3.types import ResponseDict

from moroccron.api.doors import doors
from moroccron.api.params import OwnerPath, ShareBody, WaitQuery
from moroccron.api.problems import Problem
from moroccron.api.schemas import CommandOut, ShareOut, SharesOut
from moroccron.api.v1.replies import PROBLEMS, accept, reply
from moroccron.model.command import RemoveShare, SetShare

api = APIBlueprint("v1_owners", __name__, abp_tags=[Tag(name="Owners")], abp_responses=PROBLEMS)
_COMMAND: ResponseDict = {200: CommandOut, 202: CommandOut, 403: Problem}


@api.get("/owners", responses={200: SharesOut})
def owners() -> Response:
    """All owners by name who have a share, or work that is not over; with what is held and what waits."""
    return reply(SharesOut(owners=[ShareOut.of(use) for use in doors().queries.shares()]))


@api.put("/owners/<owner>/share", responses=_COMMAND)
def set_share(path: OwnerPath, query: WaitQuery, body: ShareBody) -> Response:
    """Give an owner a share of the cluster, or another one. What runs, runs on."""
    return accept(SetShare(path.owner, body.weight, body.cpus, body.mem, body.jobs), query.wait)


@api.delete("/owners/<owner>/share", responses=_COMMAND)
def remove_share(path: OwnerPath, query: WaitQuery) -> Response:
    """Take an owner's share away: weight 1 again, and no caps."""
    return accept(RemoveShare(path.owner), query.wait)
