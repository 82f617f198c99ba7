"""`moroccron backfill`, answered by the real engine."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from moroccron.model.changes import RunChanged
from moroccron.model.schedule import Cron
from moroccron.model.states import RunState
from moroccron.testing import EPOCH, a_run, a_run_of, a_version
from tests.integration.cli.conftest import World

Lead = Callable[[], None]
DAY = timedelta(days=1)
VERSION = a_version(
    "etl",
    jobs={"a": [], "b": ["a"]},
    schedule=Cron("0 0 * * *"),
    timezone="Europe/Berlin",
    params={"n": 1},
)
STRETCH = ("etl", "--from", "2025-03-29", "--to", "2025-04-01")


@pytest.fixture
def world(world: World) -> World:
    """A DAG with a run that is over."""
    world.commit(a_run_of(VERSION, scheduled_until=EPOCH + DAY))
    over = a_run(VERSION, state=RunState.FAILED, ended=EPOCH + 2 * DAY)
    world.commit([RunChanged(over)])
    return world


def test_a_dry_run_needs_no_leader_and_names_each_interval(world: World) -> None:
    shown = world.run("backfill", "create", *STRETCH, "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert "2025-03-30 00:00:00 CET" in shown.stdout
    assert "2025-03-31 00:00:00 CEST" in shown.stdout  # clocks changed: a day of 23 hours
    assert "3 intervals: 3 make." in shown.stdout
    plan = world.json("backfill", "create", *STRETCH, "--newest-first", "--dry-run")
    assert [line["interval_end"] for line in plan["intervals"]] == [
        "2025-03-31T22:00:00Z",
        "2025-03-30T22:00:00Z",
        "2025-03-29T23:00:00Z",
    ]
    assert plan["counts"] == {"make": 3, "rerun": 0, "leave": 0}
    assert plan["jobs"] == ["a", "b"]
    assert world.queries.backfills() == []


def test_a_dry_run_tells_what_is_there_and_what_would_be_refused(world: World) -> None:
    plan = world.json(
        "backfill", "create", "etl", "--from", "2026-03-01", "--to", "2026-03-02", "--dry-run"
    )
    (line,) = plan["intervals"]
    assert (line["found"], line["deed"]) == (None, "make")
    world.commit([RunChanged(a_run(VERSION, id=line["run_id"], state=RunState.FAILED))])
    plan = world.json(
        "backfill", "create", "etl", "--from", "2026-03-01", "--to", "2026-03-02", "--dry-run"
    )
    (line,) = plan["intervals"]
    assert (line["found"], line["deed"]) == ("failed", "leave")
    refused = world.run("backfill", "create", "etl", "--from", "2999-01-01", "--dry-run")
    assert refused.exit_code == 4
    assert "would be refused" in refused.output


def test_one_is_created_listed_shown_paused_resumed_and_cancelled(
    world: World, leader: Lead
) -> None:
    leader()
    made = world.json("backfill", "create", *STRETCH, "--max-active", "2", "--param", "n=5")
    number = str(made["backfill"]["id"])
    assert made["backfill"]["intervals"] == 3
    assert made["status"] == "done"
    assert "is about 3 intervals" not in world.run("backfill", "list").stdout
    assert "etl" in world.run("backfill", "list", "--dag", "etl").stdout
    (listed,) = world.json("backfill", "list")["backfills"]
    assert listed["from"] == "2025-03-28T23:00:00Z"
    assert listed["params"] == {"n": 5}
    assert "Backfill " + number in world.run("backfill", "show", number).stdout
    assert "until it is resumed" in world.run("backfill", "pause", number).stdout
    assert world.json("backfill", "show", number)["state"] == "paused"
    assert "goes on" in world.run("backfill", "resume", number).stdout
    assert "being killed" in world.run("backfill", "cancel", number, "--kill").stdout
    assert world.json("backfill", "show", number)["state"] == "cancelled"
    again = world.run("backfill", "resume", number)
    assert again.exit_code == 4
    assert "is over" in again.output


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("create", "etl"), 2, "--from"),
        (("create", "etl", "--from", "soon"), 2, "ISO 8601"),
        (("create", "etl", "--from", "2025-01-01", "--param", "q=1"), 2, "no param"),
        (("create", "elt", "--from", "2025-01-01"), 3, "etl"),
        (("show", "7"), 3, "backfill list"),
        (("show", "x"), 2, "not a valid integer"),
        (("pause", "7"), 3, "backfill list"),
    ],
)
def test_what_is_wrong_is_told(world: World, words: tuple[str, ...], code: int, said: str) -> None:
    result = world.run("backfill", *words)
    assert result.exit_code == code, result.output
    assert said in result.output


def test_none_yet(world: World) -> None:
    assert "moroccron backfill create" in world.run("backfill", "list").stdout
