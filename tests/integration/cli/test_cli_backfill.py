"""`moroccron backfill`, answered by the real engine."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from moroccron.api.schemas import BackfillOut, BackfillPlanOut
from moroccron.bootstrap.previews import StoredPreviews
from moroccron.cli.backfill_watch import Pace, line
from moroccron.cli.shapes import backfill_plan
from moroccron.model.backfill import Backfill, BackfillProgress, BackfillState, CreateBackfill
from moroccron.model.changes import BackfillChanged, RunChanged
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
    assert "is cancelled" in again.output


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


def test_jobs_and_what_becomes_of_runs_that_there_are(world: World) -> None:
    run = world.queries.runs()[0]
    words = ("create", "etl", "--from", "2026-01-01", "--to", "2026-01-03", "--dry-run")
    world.commit([RunChanged(replace(run, id="etl@20260102T230000Z"))])
    for existing, deed in (("keep", "leave"), ("failed", "rerun"), ("all", "rerun")):
        plan = world.json("backfill", *words, "--existing", existing, "--jobs", "b")
        assert plan["jobs"] == ["b"]
        assert [(line["found"], line["deed"]) for line in plan["intervals"]] == [
            (None, "make"),
            ("failed", deed),
        ]
    both = world.json("backfill", *words, "--jobs", "a", "--downstream")
    assert both["jobs"] == ["a", "b"]
    nothing = world.run("backfill", *words, "--jobs", "c*")
    assert nothing.exit_code == 4
    assert "matches" in nothing.output


def a_backfill(state: BackfillState, **fields: object) -> Backfill:
    plain = Backfill(
        id=5,
        dag_id="etl",
        version_id=VERSION.id,
        begin=EPOCH,
        end=EPOCH + 9 * DAY,
        state=state,
        created=EPOCH,
        requested_by="ann",
        total=10,
    )
    return replace(plain, **fields)  # type: ignore[arg-type]


def test_watching_one_until_it_is_over(world: World) -> None:
    run = replace(world.queries.runs()[0], backfill_id=5)
    world.commit([BackfillChanged(a_backfill(BackfillState.DONE)), RunChanged(run)])
    failed = world.run("backfill", "watch", "5")
    assert failed.exit_code == 1
    assert "1 failed" in failed.stdout
    world.commit([RunChanged(replace(run, state=RunState.SUCCEEDED))])
    assert world.json("backfill", "watch", "5")["runs"]["succeeded"] == 1
    world.commit([BackfillChanged(a_backfill(BackfillState.CANCELLED))])
    assert world.run("backfill", "watch", "5").exit_code == 1
    world.commit([BackfillChanged(a_backfill(BackfillState.RUNNING))])
    going_on = world.run("backfill", "watch", "5", "--timeout", "0.05")
    assert going_on.exit_code == 5
    assert "goes on" in going_on.output


def test_the_line_that_is_watched() -> None:
    runs = {RunState.SUCCEEDED: 3, RunState.FAILED: 1, RunState.RUNNING: 2}
    before = BackfillProgress(a_backfill(BackfillState.RUNNING), {RunState.SUCCEEDED: 2})
    found = BackfillProgress(a_backfill(BackfillState.RUNNING, left=2), runs)
    seen = EPOCH + timedelta(minutes=9)
    pace = Pace.between(before, seen, found, seen + timedelta(minutes=1))
    said = line(found, pace)
    assert "6 of 10" in said
    assert "1 failed" in said
    assert "2.0 runs/min" in said
    assert "2 min left" in said
    assert str(Pace.between(found, seen, found, EPOCH + timedelta(hours=8))) == "0.5 runs/h"
    assert line(before, Pace(0, 5)) == "2 of 10  [green]✔ 2 succeeded[/]"


def test_what_the_command_line_writes_is_what_the_api_says(world: World) -> None:
    world.commit([BackfillChanged(a_backfill(BackfillState.PAUSED, cursor=EPOCH))])
    said = BackfillOut.of(world.queries.backfill(5)).model_dump(mode="json", by_alias=True)
    assert world.json("backfill", "show", "5") == said
    wish = CreateBackfill("etl", EPOCH - 3 * DAY, EPOCH)
    plan = StoredPreviews(world.queries).backfill(wish, EPOCH)
    assert backfill_plan(plan) == BackfillPlanOut.of(plan).model_dump(mode="json")


def test_its_failed_runs_are_asked_for(world: World, leader: Lead) -> None:
    world.commit([BackfillChanged(a_backfill(BackfillState.DONE, walked=True))])
    leader()
    assert "runs its failed runs again" in world.run("backfill", "retry", "5").stdout


def test_none_yet(world: World) -> None:
    assert "moroccron backfill create" in world.run("backfill", "list").stdout
