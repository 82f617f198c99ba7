"""Backfills, on every store: kept whole, loaded while they are not over, and found with how their runs stand."""

from dataclasses import replace
from datetime import timedelta

import pytest

from moroccron.model.backfill import (
    Backfill,
    BackfillState,
    CancelBackfill,
    CreateBackfill,
    Existing,
    PauseBackfill,
    ResumeBackfill,
    RetryBackfill,
    VersionChoice,
)
from moroccron.model.changes import BackfillChanged, Change, DagChanged, RunChanged, VersionAdded
from moroccron.model.command import Rerun, RetryRun
from moroccron.model.errors import NotFound, StoreUnavailable
from moroccron.model.run import Run
from moroccron.model.states import RunKind, RunState
from moroccron.ports import Commands, Queries, Store
from moroccron.testing import EPOCH, a_dag, a_run, a_version

DAY = timedelta(days=1)
VERSION = a_version("d")
OLD = a_version("d", jobs=["a", "b"])


def a_backfill(number: int = 1, **fields: object) -> Backfill:
    plain = Backfill(
        id=number,
        dag_id="d",
        version_id=VERSION.id,
        begin=EPOCH,
        end=EPOCH + 9 * DAY,
        state=BackfillState.RUNNING,
        created=EPOCH + 10 * DAY,
        requested_by="ann",
        total=9,
    )
    return replace(plain, **fields)  # type: ignore[arg-type]


def run_of(day: int, state: RunState, **fields: object) -> Run:
    values: dict[str, object] = {
        "kind": RunKind.BACKFILL,
        "state": state,
        "backfill_id": 1,
        "ended": EPOCH + 20 * DAY if state.is_terminal else None,
    }
    return a_run(VERSION, day, **(values | fields))


@pytest.fixture
def laid(store: Store, term: int) -> int:
    """The term, with a DAG in the store."""
    changes: list[Change] = [VersionAdded(OLD, "d.py", EPOCH), VersionAdded(VERSION, "d.py", EPOCH)]
    store.commit(term, [*changes, DagChanged(a_dag(VERSION, scheduled_until=EPOCH + 3 * DAY))])
    return term


def test_every_field_is_kept(store: Store, queries: Queries, laid: int) -> None:
    whole = a_backfill(
        existing=Existing.FAILED,
        version=VersionChoice.NEWEST,
        jobs="load-*",
        downstream=True,
        newest_first=True,
        max_active=7,
        params={"n": [1, "two"]},
        cursor=EPOCH + DAY,
        walked=True,
        made=1,
        rerun=2,
        left=3,
        retry_before=EPOCH + 11 * DAY,
        ended=EPOCH + 12 * DAY,
    )
    for backfill in (a_backfill(), whole):
        store.commit(laid, [BackfillChanged(backfill)])
        assert queries.backfill(1).backfill == backfill
        assert store.load().backfills == (backfill,)


def test_one_that_is_over_is_not_loaded(store: Store, queries: Queries, laid: int) -> None:
    states = list(BackfillState)
    for number, state in enumerate(states, 1):
        store.commit(laid, [BackfillChanged(a_backfill(number, state=state))])
    assert [found.state for found in store.load().backfills] == [
        BackfillState.RUNNING,
        BackfillState.PAUSED,
    ]
    assert [found.backfill.id for found in queries.backfills()] == [4, 3, 2, 1]
    assert [found.backfill.id for found in queries.backfills(dag_id="d", limit=1)] == [4]
    assert queries.backfills(dag_id="x") == []


def test_its_version_is_loaded_though_the_dag_has_another(store: Store, laid: int) -> None:
    assert {version.id for version in store.load().versions} == {VERSION.id}
    store.commit(laid, [BackfillChanged(a_backfill(version_id=OLD.id))])
    assert {version.id for version in store.load().versions} == {VERSION.id, OLD.id}


def test_its_runs_are_counted_by_state(store: Store, queries: Queries, laid: int) -> None:
    states = [RunState.SUCCEEDED, RunState.SUCCEEDED, RunState.FAILED, RunState.RUNNING]
    store.commit(laid, [BackfillChanged(a_backfill(n)) for n in (1, 2)])
    store.commit(laid, [RunChanged(run_of(day, state)) for day, state in enumerate(states)])
    store.commit(laid, [RunChanged(run_of(7, RunState.FAILED, backfill_id=None))])
    assert queries.backfill(1).runs == {
        RunState.SUCCEEDED: 2,
        RunState.FAILED: 1,
        RunState.RUNNING: 1,
    }
    assert queries.backfill(2).runs == {}
    found = queries.runs(backfill_id=1, states=[RunState.FAILED])
    assert [(run.id, run.backfill_id) for run in found] == [(run_of(2, RunState.FAILED).id, 1)]


def test_how_runs_stand_that_there_are(store: Store, queries: Queries, laid: int) -> None:
    known = [run_of(0, RunState.FAILED), run_of(1, RunState.RUNNING)]
    store.commit(laid, [RunChanged(run) for run in known])
    wanted = [run.id for run in known] + [f"none-{number}" for number in range(1200)]
    for door in (store, queries):
        assert door.run_states(wanted) == {
            known[0].id: RunState.FAILED,
            known[1].id: RunState.RUNNING,
        }
        assert door.run_states([]) == {}


def test_runs_that_failed_before_a_moment(store: Store, laid: int) -> None:
    runs = [
        run_of(3, RunState.FAILED),
        run_of(2, RunState.KILLED),
        run_of(1, RunState.SUCCEEDED),
        run_of(4, RunState.FAILED, ended=EPOCH + 30 * DAY),
        run_of(5, RunState.FAILED, backfill_id=2),
        run_of(6, RunState.RUNNING),
    ]
    store.commit(laid, [RunChanged(run) for run in runs])
    before = EPOCH + 25 * DAY
    assert store.failed_runs(1, before, 10) == [runs[1].id, runs[0].id]
    assert store.failed_runs(1, before, 1) == [runs[1].id]
    assert store.failed_runs(7, before, 10) == []


def test_intervals_run_ahead_of_the_schedule(store: Store, laid: int) -> None:
    """The schedule has come to the end of the third day: what a backfill ran beyond, it must not run again."""
    store.commit(
        laid,
        [
            RunChanged(run_of(2, RunState.SUCCEEDED)),
            RunChanged(run_of(3, RunState.SUCCEEDED)),
            RunChanged(run_of(5, RunState.RUNNING)),
            RunChanged(run_of(4, RunState.RUNNING, kind=RunKind.SCHEDULED)),
        ],
    )
    assert store.load().ahead == (("d", EPOCH + 4 * DAY), ("d", EPOCH + 6 * DAY))


def test_one_is_recalled_over_or_not(store: Store, laid: int) -> None:
    over = a_backfill(state=BackfillState.DONE)
    store.commit(laid, [BackfillChanged(over)])
    assert store.recall_backfill(1) == over
    assert store.recall_backfill(2) is None


def test_one_of_an_unknown_dag_is_refused(store: Store, laid: int) -> None:
    with pytest.raises(StoreUnavailable):
        store.commit(laid, [BackfillChanged(a_backfill(dag_id="x"))])


def test_asking_for_one_that_is_not_there(queries: Queries, laid: int) -> None:
    with pytest.raises(NotFound, match="backfill list"):
        queries.backfill(7)


def test_what_people_ask_comes_back_as_it_was(store: Store, commands: Commands) -> None:
    intents = [
        CreateBackfill("d", EPOCH),
        CreateBackfill(
            "d",
            EPOCH,
            EPOCH + DAY,
            jobs="a*",
            downstream=True,
            existing=Existing.ALL,
            version=VersionChoice.NEWEST,
            newest_first=True,
            max_active=9,
            params={"n": 1},
        ),
        PauseBackfill(3),
        ResumeBackfill(3),
        CancelBackfill(3, kill=True),
        RetryBackfill(3),
        RetryRun("r", Rerun.JOBS, "a*", downstream=True, version=VersionChoice.NEWEST),
    ]
    for intent in intents:
        commands.submit(intent, "ann")
    assert [command.intent for command in store.unanswered_commands(0, 10)] == intents
