"""`moroccron owners`, answered by the real engine."""

from collections.abc import Callable

from moroccron.testing import a_job, a_run_of, a_version
from tests.integration.cli.conftest import World

Lead = Callable[[], None]


def test_shares_are_given_changed_listed_and_removed(world: World, leader: Lead) -> None:
    assert "No owner has a share" in world.run("owners", "list").stdout
    world.commit(a_run_of(a_version("etl", jobs=[a_job("a", owners=("ada",)), a_job("b")])))
    leader()
    assert "bob has weight 1." in world.run("owners", "set", "bob").stdout
    given = world.run(
        "owners", "set", "bob", "--weight", "3", "--cpus", "1.5", "--mem", "2GiB", "--jobs", "4"
    )
    assert "bob has weight 3 and at most 1.5 cpus, 2048 MiB, 4 jobs." in given.stdout
    found = {one["owner"]: one for one in world.json("owners", "list")}
    bob = found["bob"]
    assert (bob["weight"], bob["cpus"], bob["mem"], bob["jobs"]) == (3, 1500, 2048, 4)
    assert "0 of 1.5" in world.run("owners", "list").stdout
    assert "no share of their own" in world.run("owners", "remove", "bob").stdout
    refused = world.run("owners", "remove", "bob")
    assert refused.exit_code != 0
    assert "bob has no share of their own" in refused.output


def test_what_is_no_share_is_refused(world: World, leader: Lead) -> None:
    leader()
    assert world.run("owners", "set", "bob", "--weight", "0").exit_code == 2
    refused = world.run("owners", "set", "bob", "--cpus", "many")
    assert refused.exit_code == 2
    assert "--cpus" in refused.output
