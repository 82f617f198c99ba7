"""Owners' shares in the API: what there is, and asking for others."""

import pytest
from flask.testing import FlaskClient

from moroccron.model.changes import ShareChanged
from moroccron.model.command import RemoveShare, SetShare
from moroccron.model.share import Share
from tests.integration.api.conftest import World

OWNERS = "/api/v1/owners"


def test_all_owners_with_what_is_held(client: FlaskClient, world: World) -> None:
    term = world.store.begin_term("test")
    world.store.commit(term, [ShareChanged(Share("zoe", 3, cpus=1500))])
    (found,) = [one for one in client.get(OWNERS).get_json()["owners"] if one["owner"] == "zoe"]
    assert found == {
        "owner": "zoe",
        "given": True,
        "weight": 3,
        "cpus": 1500,
        "mem": None,
        "jobs": None,
        "held_cpus": 0,
        "held_mem": 0,
        "held_jobs": 0,
        "queued": 0,
    }


def test_asking_for_a_share_and_for_none(client: FlaskClient, world: World) -> None:
    assert client.put(f"{OWNERS}/ada/share", json={"weight": 2, "jobs": 9}).status_code == 202
    assert client.delete(f"{OWNERS}/ada/share", json={}).status_code == 202
    intents = [command.intent for command in world.store.unanswered_commands(0, 10)]
    assert intents == [SetShare("ada", 2, jobs=9), RemoveShare("ada")]


@pytest.mark.parametrize("body", [{"weight": 0}, {"cpus": -1}, {"mem": "x"}, {"other": 1}])
def test_what_is_no_share_is_refused(
    client: FlaskClient, world: World, body: dict[str, object]
) -> None:
    assert client.put(f"{OWNERS}/ada/share", json=body).status_code == 422
    assert not world.store.unanswered_commands(0, 10)
