"""Backfills: the intervals of a stretch are those that the schedule would have fired, and each has its run once."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from moroccron.core.backfill_plan import lay_out, remaining
from moroccron.core.due import Rules, due_runs
from moroccron.core.refused import Refused
from moroccron.model.backfill import (
    Backfill,
    BackfillState,
    CreateBackfill,
    PauseBackfill,
    ResumeBackfill,
)
from moroccron.model.command import Outcome, PauseDag, UnpauseDag
from moroccron.model.dag_version import DagVersion
from moroccron.model.evolve import evolve
from moroccron.model.run import DataInterval
from moroccron.model.schedule import BlackoutEvery, CatchUp, Cron, Dates, Every, Schedule, Several
from moroccron.model.states import ReportedState, RunState
from moroccron.model.timetable import never_fires, timetable_of
from moroccron.testing import EPOCH, a_dag, a_version
from moroccron.testing.engine import Engine

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: days around which clocks change in one of the zones
AROUND = (
    datetime(2024, 3, 30, tzinfo=UTC),
    datetime(2024, 10, 26, tzinfo=UTC),
    datetime(2024, 11, 2, tzinfo=UTC),
)


@st.composite
def versions(draw: st.DrawFn, around: datetime) -> DagVersion:
    crons = st.sampled_from(
        ["30 2 * * *", "0 */3 * * *", "*/20 2 * * *", "15 4 * * sat", "0 0 L * *"]
    )
    dates = st.lists(st.integers(-60, 60), min_size=1, max_size=4, unique=True).map(
        lambda hours: Dates(tuple(around + n * HOUR for n in sorted(hours)))
    )
    single: st.SearchStrategy[Schedule] = st.one_of(
        crons.map(Cron), st.sampled_from([1800, 7000, 86400]).map(Every), dates
    )
    schedule = draw(st.one_of(single, st.tuples(crons.map(Cron), dates).map(Several)))
    nearby = st.none() | st.integers(-72, 72).map(lambda hours: around + hours * HOUR)
    return a_version(
        "d",
        schedule=schedule,
        timezone=draw(st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"])),
        start=draw(nearby),
        end=draw(nearby),
        holidays=draw(st.sampled_from([(), ((around + DAY).date(),)])),
        blackouts=draw(st.sampled_from([(), (BlackoutEvery("01:00-02:15"),)])),
    )


def fired(version: DagVersion, begin: datetime, end: datetime, now: datetime) -> list[DataInterval]:
    """What the schedule would have run for as time passed, hour by hour; of that, what begins in [begin, end)."""
    timetable = timetable_of(version)
    assert timetable is not None
    until, moment, found = begin - 40 * DAY, begin - 40 * DAY, list[DataInterval]()
    rules = Rules(catchup=CatchUp.ALL)
    while moment < now:
        moment = min(moment + HOUR, now)
        due = due_runs(timetable, until, rules, room=1000, now=moment)
        found += due.intervals
        until = due.scheduled_until
    return [interval for interval in found if begin <= interval.start < end]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_the_intervals_are_those_that_the_schedule_would_have_fired(data: st.DataObject) -> None:
    around = data.draw(st.sampled_from(AROUND))
    version = data.draw(versions(around))
    assume(not never_fires(version))
    begin = around + data.draw(st.integers(-60, 60)) * HOUR
    end = begin + data.draw(st.integers(1, 90)) * HOUR
    now = around + data.draw(st.integers(-60, 150)) * HOUR
    newest_first = data.draw(st.booleans())
    expected = fired(version, begin, end, now)
    wish = CreateBackfill("d", begin, end, newest_first=newest_first)
    timetable = timetable_of(version)
    assert timetable is not None
    try:
        backfill = lay_out(a_dag(version), version, timetable, wish, number=1, by="ann", now=now)
    except Refused:
        assert expected == []
        return
    assert backfill.total == len(expected)
    in_order = expected[::-1] if newest_first else expected
    assert list(remaining(timetable, backfill)) == in_order
    assert walked_in_steps(version, backfill, data.draw(st.integers(1, 5))) == in_order


def walked_in_steps(version: DagVersion, backfill: Backfill, step: int) -> list[DataInterval]:
    """The intervals as a leader takes them: a few at a time, with nothing but the cursor to go on."""
    found: list[DataInterval] = []
    while True:
        timetable = timetable_of(version)
        assert timetable is not None
        some = list(islice(remaining(timetable, backfill), step))
        if not some:
            return found
        found += some
        backfill = evolve(backfill, cursor=some[-1].end)


ACTIONS = ("pause", "resume", "crash", "launch", "end", "fail", "wait", "unpause the schedule")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(ACTIONS), max_size=40), st.integers(1, 3), st.booleans())
def test_each_interval_has_its_run_once(
    actions: list[str], max_active: int, newest_first: bool
) -> None:
    """Whatever comes between: pauses, crashes, failures, and a schedule that catches up with the same intervals."""
    version = a_version(
        "d",
        schedule=Cron("0 0 * * *"),
        start=EPOCH - 8 * DAY,
        catchup=CatchUp.ALL,
        max_active_runs=1,
    )
    engine = Engine(version)
    engine.subscribe()
    engine.ask(PauseDag("d"))
    answer = engine.ask(
        CreateBackfill("d", EPOCH - 6 * DAY, max_active=max_active, newest_first=newest_first)
    )
    assert answer.outcome is Outcome.DONE
    number = int(answer.detail)
    for action in actions:
        act(engine, action, number)
    for action in ("resume", "unpause the schedule", *("launch", "end") * 20):
        act(engine, action, number)
    assert engine.store.backfill(number).backfill.state is BackfillState.DONE
    launched = Counter(launch.key.run_id for launch in engine.launches.values())
    assert launched == {run.id: 1 for run in engine.runs()}
    assert sorted(run.interval.end for run in engine.runs()) == [
        EPOCH - days * DAY for days in range(7, -1, -1)
    ]
    assert all(run.state in (RunState.SUCCEEDED, RunState.FAILED) for run in engine.runs())


def act(engine: Engine, action: str, number: int) -> None:
    over = engine.store.backfill(number).backfill.state.is_over
    match action:
        case "pause" if not over:
            engine.ask(PauseBackfill(number))
        case "resume" if not over:
            engine.ask(ResumeBackfill(number))
        case "unpause the schedule":
            engine.ask(UnpauseDag("d"))
        case "crash":
            engine.crash()
            engine.subscribe()
        case "launch":
            engine.offer()
        case "end" | "fail":
            for attempt in list(engine.view.live_attempts()):
                assert attempt.task_id is not None
                engine.report(attempt.task_id, ReportedState.RUNNING)
                end = ReportedState.FINISHED if action == "end" else ReportedState.FAILED
                engine.report(attempt.task_id, end)
    engine.pass_time(0.05)
