"""Pools in the API: what there is, and asking for other slots."""

import pytest
from flask.testing import FlaskClient

from moroccron.model.changes import PoolChanged
from moroccron.model.command import RemovePool, SetPool
from moroccron.model.pool import Pool
from tests.integration.api.conftest import World

POOLS = "/api/v1/pools"


def test_all_pools_with_what_is_taken(client: FlaskClient, world: World) -> None:
    term = world.store.begin_term("test")
    world.store.commit(term, [PoolChanged(Pool("db", 3))])
    (found,) = client.get(POOLS).get_json()["pools"]
    assert found == {"name": "db", "made": True, "slots": 3, "taken": 0, "queued": 0}


def test_asking_for_slots_and_for_none(client: FlaskClient, world: World) -> None:
    assert client.put(f"{POOLS}/db", json={"slots": 4}).status_code == 202
    assert client.delete(f"{POOLS}/db", json={}).status_code == 202
    intents = [command.intent for command in world.store.unanswered_commands(0, 10)]
    assert intents == [SetPool("db", 4), RemovePool("db")]


@pytest.mark.parametrize("body", [{}, {"slots": -1}, {"slots": 10**9}, {"slots": "x"}])
def test_what_is_no_number_of_slots_is_refused(
    client: FlaskClient, world: World, body: dict[str, object]
) -> None:
    assert client.put(f"{POOLS}/db", json=body).status_code == 422
    assert not world.store.unanswered_commands(0, 10)
