"""`moroccron pools`, answered by the real engine."""

from collections.abc import Callable

from moroccron.testing import a_job, a_run_of, a_version
from tests.integration.cli.conftest import World

Lead = Callable[[], None]


def test_pools_are_made_resized_listed_and_removed(world: World, leader: Lead) -> None:
    version = a_version("etl", jobs=[a_job("a", pool="db"), a_job("b", pool="other")])
    world.commit(a_run_of(version))
    assert "No pool yet" in world.run("pools", "list").stdout
    leader()
    assert "db has 1 slot." in world.run("pools", "set", "db", "1").stdout
    assert "db has 3 slots." in world.run("pools", "set", "db", "3").stdout
    found = {pool["name"]: pool for pool in world.json("pools", "list")}
    assert (found["db"]["slots"], found["db"]["made"]) == (3, True)
    assert "db" in world.run("pools", "list").stdout
    assert "db is gone." in world.run("pools", "remove", "db").stdout
    refused = world.run("pools", "remove", "db")
    assert refused.exit_code != 0
    assert "there is no pool db" in refused.output


def test_what_is_no_pool_is_refused(world: World, leader: Lead) -> None:
    leader()
    assert world.run("pools", "set", "db", "-1").exit_code == 2
    refused = world.run("pools", "set", "no name", "1")
    assert "is no id" in refused.output
