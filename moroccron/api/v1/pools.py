"""Pools: what there is, and asking for other slots."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from flask_openapi3.types import ResponseDict

from moroccron.api.doors import doors
from moroccron.api.params import PoolBody, PoolPath, WaitQuery
from moroccron.api.problems import Problem
from moroccron.api.schemas import CommandOut, PoolOut, PoolsOut
from moroccron.api.v1.replies import PROBLEMS, accept, reply
from moroccron.model.command import RemovePool, SetPool

api = APIBlueprint("v1_pools", __name__, abp_tags=[Tag(name="Pools")], abp_responses=PROBLEMS)
_COMMAND: ResponseDict = {200: CommandOut, 202: CommandOut, 403: Problem}


@api.get("/pools", responses={200: PoolsOut})
def pools() -> Response:
    """All pools by name, with what is taken and what waits; those too that jobs name and nobody made."""
    return reply(PoolsOut(pools=[PoolOut.of(use) for use in doors().queries.pools()]))


@api.put("/pools/<name>", responses=_COMMAND)
def set_pool(path: PoolPath, query: WaitQuery, body: PoolBody) -> Response:
    """Make a pool, or give it another number of slots. Who has slots keeps them."""
    return accept(SetPool(path.name, body.slots), query.wait)


@api.delete("/pools/<name>", responses=_COMMAND)
def remove_pool(path: PoolPath, query: WaitQuery) -> Response:
    """Take a pool away. Jobs that name it wait until there is one again."""
    return accept(RemovePool(path.name), query.wait)
