"""What a schedule that fires makes of a DAG that is busy, was away, was paused or keeps failing."""

from datetime import timedelta

import pytest

from moroccron.model.command import PauseDag, RetryJob, TriggerRun, UnpauseDag
from moroccron.model.effects import Kill
from moroccron.model.schedule import CatchUp, Cron, Every, Foreseen, Overlap
from moroccron.model.states import KillReason, ReportedState, RunKind, RunState
from moroccron.testing import EPOCH, a_version
from moroccron.testing.engine import Engine

HOUR = 3600
R = ReportedState


def an_hourly(**fields):
    """An engine whose DAG fires every hour; an offer that holds all its jobs is there when asked for."""
    engine = Engine(a_version(schedule=Every(HOUR), **fields))
    engine.subscribe()
    return engine


def finish(engine, run, state=R.FINISHED):
    """Let the only job of a run end."""
    engine.offer()
    task = engine.attempts("a", run.id)[-1].task_id
    engine.report(task, R.RUNNING)
    engine.report(task, state)


def states(engine):
    return [str(run.state) for run in engine.runs()]


def told(engine, subject="dag"):
    """Causes and messages of the history, oldest first."""
    lines = [row.line for row in engine.store.history(limit=1000)]
    return [(line.cause, line.message) for line in lines if line.subject == subject]


# ------------------------------------------------------------------ overlap


def test_a_fire_of_a_busy_dag_has_a_run_that_waits():
    engine = an_hourly(max_active_runs=1)
    engine.pass_time(3 * HOUR)
    assert states(engine) == ["running", "queued", "queued"]
    assert [run.interval.end for run in engine.runs()] == [engine.at(n * HOUR) for n in (1, 2, 3)]
    finish(engine, engine.runs()[0])
    assert states(engine) == ["succeeded", "running", "queued"]


def test_no_more_than_a_hundred_runs_wait_and_then_only_the_latest_is_made_up_for():
    engine = an_hourly(max_active_runs=1)
    engine.pass_time(120 * HOUR)
    assert len(engine.runs()) == 101
    finish(engine, engine.runs()[0])
    assert len(engine.runs()) == 102
    assert engine.runs()[-1].due == engine.at(120 * HOUR)
    assert ("fires missed", "the fires from 2026-01-05 06:00:00Z to 2026-01-05 23:00:00Z, "
            "not made up for: catchup=last") in told(engine)  # fmt: skip


def test_up_to_max_active_runs_go_side_by_side():
    engine = an_hourly(max_active_runs=2)
    engine.pass_time(3 * HOUR)
    assert states(engine) == ["running", "running", "queued"]


def test_skip_makes_no_run_and_says_which_was_in_the_way():
    engine = an_hourly(max_active_runs=1, overlap=Overlap.SKIP)
    engine.pass_time(3 * HOUR)
    (run,) = engine.runs()
    assert told(engine)[-1] == (
        "fire skipped",
        f"the fire of 2026-01-01 03:00:00Z is skipped: 1 of 1 runs are under way, the oldest {run.id}",
    )
    finish(engine, run)
    assert states(engine) == ["succeeded"]
    engine.pass_time(HOUR)
    assert engine.runs()[-1].due == engine.at(4 * HOUR)


def test_cancel_new_leaves_a_run_that_was_killed_at_once():
    engine = an_hourly(max_active_runs=1, overlap=Overlap.CANCEL_NEW)
    engine.pass_time(2 * HOUR)
    first, second = engine.runs()
    assert (first.state, second.state) == (RunState.RUNNING, RunState.KILLED)
    assert second.kill is KillReason.OVERLAP
    assert second.started is None
    cause = f"cancelled: 1 of 1 runs are under way, the oldest {first.id}"
    assert (cause, None) in told(engine, "run")


def test_replace_kills_the_oldest_and_begins_when_it_has_ended():
    engine = an_hourly(max_active_runs=1, overlap=Overlap.REPLACE)
    engine.pass_time(HOUR)
    engine.offer()
    first = engine.only_run()
    task = engine.task("a", first.id)
    engine.report(task, R.RUNNING)
    engine.pass_time(HOUR)
    assert states(engine) == ["running", "queued"]
    assert engine.sent(Kill)[-1].task_id == task
    engine.report(task, R.KILLED)
    first, second = engine.runs()
    assert (first.state, first.kill, second.state) == (
        RunState.KILLED,
        KillReason.OVERLAP,
        RunState.RUNNING,
    )
    assert engine.attempts("a", first.id)[-1].message == f"replaced by {second.id}"


def test_replace_replaces_what_waits_as_well():
    engine = an_hourly(max_active_runs=1, overlap=Overlap.REPLACE)
    engine.pass_time(HOUR)
    engine.offer()
    engine.report(engine.task("a", engine.only_run().id), R.RUNNING)
    engine.pass_time(2 * HOUR)
    assert states(engine) == ["running", "killed", "queued"]


def test_replace_leaves_alone_what_a_person_began():
    engine = an_hourly(max_active_runs=1, overlap=Overlap.REPLACE)
    engine.ask(TriggerRun("d"))
    engine.pass_time(HOUR)
    manual, scheduled = engine.runs()
    assert (manual.kind, manual.kill) == (RunKind.MANUAL, None)
    assert scheduled.state is RunState.QUEUED


@pytest.mark.parametrize("overlap", Overlap)
def test_who_catches_up_with_much_stays_within_its_bounds(overlap):
    start = EPOCH - timedelta(days=9)
    engine = an_hourly(start=start, catchup=CatchUp.ALL, max_active_runs=2, overlap=overlap)
    assert [run.interval.start for run in engine.runs()[:2]] == [start, start + timedelta(hours=1)]
    assert len(engine.runs()) <= 3
    engine.pass_time(HOUR)
    assert sum(run.state is RunState.RUNNING for run in engine.runs()) <= 2


@pytest.mark.parametrize("overlap", Overlap)
def test_no_fire_has_two_runs_and_none_vanishes_unsaid(overlap):
    """Whatever becomes of it, a new leader that begins anywhere says the same."""
    engine = an_hourly(max_active_runs=1, overlap=overlap)
    for _ in range(12):
        engine.pass_time(HOUR / 2)
        engine.crash()
        engine.subscribe()
    due = [run.due for run in engine.runs()]
    assert len(due) == len(set(due))
    skipped = sum(cause == "fire skipped" for cause, _ in told(engine))
    assert len(due) + skipped == 6


# ------------------------------------------------------------------ missed


@pytest.mark.parametrize(
    ("catchup", "within", "expected"),
    [
        (CatchUp.NONE, None, []),
        (CatchUp.LAST, None, [5]),
        (CatchUp.LAST, 30 * 60, []),
        (CatchUp.ALL, None, [1, 2, 3, 4, 5]),
        (CatchUp.ALL, 2 * HOUR, [4, 5]),
    ],
)
def test_after_an_outage(catchup, within, expected):
    engine = an_hourly(catchup=catchup, catchup_within=within)
    engine.now = engine.at(5.75 * HOUR)
    engine.crash()
    engine.subscribe()
    engine.pass_time(0)
    assert [run.due for run in engine.runs()] == [engine.at(n * HOUR) for n in expected]
    missed = [message for cause, message in told(engine) if cause == "fires missed"]
    assert len(missed) == (len(expected) < 5)
    if expected:
        causes = [cause for cause, _ in told(engine, "run")]
        assert "made up for, 45 min late" in causes


def test_a_leader_that_is_a_little_late_missed_nothing():
    engine = an_hourly(catchup=CatchUp.NONE)
    engine.now = engine.at(HOUR + 30)
    engine.crash()
    engine.pass_time(0)
    assert len(engine.runs()) == 1


# ------------------------------------------------------------------ no surprises


@pytest.mark.parametrize("catchup", CatchUp)
@pytest.mark.parametrize(
    "edit",
    [
        {"schedule": Cron("*/5 * * * *")},
        {"timezone": "Asia/Kathmandu"},
        {"start": EPOCH - timedelta(days=99)},
        {"end": EPOCH + timedelta(days=99)},
        {"holidays": (EPOCH.date() - timedelta(days=1),)},
    ],
)
def test_an_edit_fires_nothing_that_lies_behind(catchup, edit):
    fields = {"schedule": Cron("0 0 * * *"), "catchup": catchup}
    engine = Engine(a_version(**fields))
    engine.pass_time(30 * HOUR)
    before = engine.runs()
    engine.load(a_version(**(fields | edit)))
    assert engine.runs() == before
    assert engine.view.dags["d"].next_due > engine.now


@pytest.mark.parametrize(
    ("catchup", "expected"), [(CatchUp.NONE, 0), (CatchUp.LAST, 0), (CatchUp.ALL, 3)]
)
def test_what_fell_due_during_a_pause_was_not_wanted_unless_all_is(catchup, expected):
    engine = an_hourly(catchup=catchup)
    engine.ask(PauseDag("d"))
    engine.pass_time(3.5 * HOUR)
    engine.ask(UnpauseDag("d"))
    assert len(engine.runs()) == expected


def test_a_timetable_that_was_foreseen_further_was_not_edited():
    """What waits to be caught up with is not dropped because a year went by."""
    fires = [EPOCH + timedelta(hours=n) for n in range(1, 9)]
    year = EPOCH + timedelta(days=365)
    fields = {"catchup": CatchUp.ALL, "max_active_runs": 1}
    engine = Engine(a_version(schedule=Foreseen("T", tuple(fires[:5]), fires[5]), **fields))
    engine.subscribe()
    engine.pass_time(3 * HOUR)
    engine.load(a_version(schedule=Foreseen("T", tuple(fires[1:]), year), **fields))
    for _ in range(2):
        finish(engine, engine.runs()[-1])
    assert [run.due for run in engine.runs()] == fires[:3]


def test_interval_and_logical_date_are_there_at_once_and_never_change():
    engine = an_hourly(max_active_runs=1)
    engine.pass_time(2 * HOUR)
    created = [(run.id, run.interval, run.logical_date, run.due) for run in engine.runs()]
    assert states(engine) == ["running", "queued"]
    first, second = engine.runs()
    finish(engine, first, R.FAILED)
    engine.load(a_version(schedule=Cron("7 7 * * *"), timezone="Asia/Tokyo"))
    engine.ask(RetryJob(first.id, "a"))
    engine.crash()
    engine.subscribe()
    finish(engine, first)
    finish(engine, second)
    assert states(engine) == ["succeeded", "succeeded"]
    assert [(run.id, run.interval, run.logical_date, run.due) for run in engine.runs()] == created


# ------------------------------------------------------------------ pausing by itself


def fail(engine, times, state=R.FAILED):
    for _ in range(times):
        engine.pass_time(HOUR)
        finish(engine, engine.runs()[-1], state)


def test_so_many_failed_runs_in_a_row_pause_a_dag():
    engine = an_hourly(pause_after=3)
    fail(engine, 2)
    assert not engine.view.dags["d"].paused
    engine.crash()
    engine.subscribe()
    fail(engine, 1)
    dag = engine.store.dag("d").state
    assert (dag.paused, dag.next_due) == (True, None)
    assert told(engine)[-1] == (
        "paused by its failures",
        f"3 scheduled runs in a row failed, the last {engine.runs()[-1].id}",
    )
    engine.pass_time(9 * HOUR)
    assert len(engine.runs()) == 3


def test_a_success_between_begins_the_count_anew():
    engine = an_hourly(pause_after=2)
    fail(engine, 1)
    fail(engine, 1, R.FINISHED)
    fail(engine, 1)
    assert not engine.view.dags["d"].paused


@pytest.mark.parametrize("fields", [{}, {"pause_after": 2}])
def test_what_people_ask_for_does_not_pause_a_dag(fields):
    engine = an_hourly(**fields)
    for _ in range(3):
        run_id = engine.ask(TriggerRun("d")).detail
        finish(engine, next(run for run in engine.runs() if run.id == run_id), R.FAILED)
    assert not engine.view.dags["d"].paused


def test_unpaused_it_may_fail_so_often_again():
    engine = an_hourly(pause_after=2)
    fail(engine, 2)
    engine.ask(UnpauseDag("d"))
    fail(engine, 1)
    assert not engine.view.dags["d"].paused
    fail(engine, 1)
    assert engine.view.dags["d"].paused


def test_a_new_version_may_fail_so_often_again():
    engine = an_hourly(pause_after=2)
    fail(engine, 1)
    engine.load(a_version(schedule=Every(HOUR), pause_after=2, doc="Mended."))
    fail(engine, 1)
    assert not engine.view.dags["d"].paused
