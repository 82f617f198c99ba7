"""Backfills by the engine: which runs they make, how many at a time, and what they never disturb."""

from datetime import timedelta

from moroccron.model.backfill import (
    BackfillState,
    CancelBackfill,
    CreateBackfill,
    Existing,
    PauseBackfill,
    ResumeBackfill,
    RetryBackfill,
)
from moroccron.model.command import Intent, KillRun, Outcome, PauseDag, UnpauseDag
from moroccron.model.dag_version import DagVersion
from moroccron.model.run import run_id
from moroccron.model.schedule import CatchUp, Cron, Overlap
from moroccron.model.states import ReportedState, RunKind, RunState
from moroccron.testing import EPOCH, a_job, a_version
from moroccron.testing.engine import Engine

DAY = timedelta(days=1)


def daily(**fields: object) -> DagVersion:
    return a_version("d", schedule=Cron("0 0 * * *"), **fields)


def started(*versions: DagVersion) -> Engine:
    engine = Engine(*versions or (daily(),))
    engine.subscribe()
    return engine


def days(count: int, **fields: object) -> CreateBackfill:
    """The last `count` days before the test began."""
    return CreateBackfill("d", EPOCH - count * DAY, EPOCH, **fields)  # type: ignore[arg-type]


def done(engine: Engine, intent: Intent) -> int:
    answer = engine.ask(intent)
    assert answer.outcome is Outcome.DONE, answer
    return int(answer.detail)


def refusal(engine: Engine, intent: Intent) -> str:
    answer = engine.ask(intent)
    assert answer.outcome is Outcome.REFUSED, answer
    return answer.detail


def run_of(day: int) -> str:
    """The id of the run of the n-th day before the test began; 1: the last."""
    return run_id("d", EPOCH - (day - 1) * DAY)


def succeed(engine: Engine, state: ReportedState = ReportedState.FINISHED) -> int:
    """Have all that runs end so; how many it were."""
    engine.offer(64_000, 64_000)
    live = [attempt.task_id for attempt in engine.view.live_attempts() if attempt.task_id]
    for task in live:
        engine.report(task, ReportedState.RUNNING)
        engine.report(task, state)
    engine.pass_time(0.05)
    return len(live)


def to_the_end(engine: Engine) -> None:
    while succeed(engine):
        pass


def test_a_backfill_makes_a_run_per_interval_and_ends() -> None:
    engine = started()
    number = done(engine, days(3))
    engine.pass_time(1)
    to_the_end(engine)
    runs = engine.runs()
    assert [(run.id, run.state) for run in runs] == [
        (run_of(day), RunState.SUCCEEDED) for day in (3, 2, 1)
    ]
    assert {(run.kind, run.backfill_id) for run in runs} == {(RunKind.BACKFILL, number)}
    assert runs[0].interval == (EPOCH - 3 * DAY, EPOCH - 2 * DAY)
    found = engine.store.backfill(number)
    assert found.backfill.state is BackfillState.DONE
    assert (found.backfill.total, found.backfill.made) == (3, 3)
    assert found.runs == {RunState.SUCCEEDED: 3}


def test_only_so_many_runs_are_active_at_a_time() -> None:
    engine = started()
    done(engine, days(10, max_active=2))
    engine.pass_time(5)
    assert len(engine.runs()) == 2
    succeed(engine)
    assert [run.state for run in engine.runs()] == [RunState.SUCCEEDED] * 2 + [RunState.RUNNING] * 2


def test_newest_first() -> None:
    engine = started()
    done(engine, days(3, newest_first=True, max_active=1))
    engine.pass_time(1)
    to_the_end(engine)
    assert [run.id for run in engine.runs()] == [run_of(1), run_of(2), run_of(3)]


def test_intervals_with_a_run_are_left_alone() -> None:
    engine = started()
    first = done(engine, CreateBackfill("d", EPOCH - 2 * DAY, EPOCH - DAY))
    engine.pass_time(1)
    to_the_end(engine)
    second = done(engine, days(3))
    engine.pass_time(1)
    to_the_end(engine)
    assert [run.backfill_id for run in engine.runs()] == [first, second, second]
    assert engine.store.backfill(second).backfill.left == 1


def test_it_goes_on_after_a_crash_where_it_was() -> None:
    engine = started()
    number = done(engine, days(7, max_active=2))
    while True:
        engine.crash()
        engine.subscribe()
        engine.pass_time(0.05)
        if not succeed(engine):
            break
    assert len(engine.launches) == 7
    assert engine.store.backfill(number).backfill.state is BackfillState.DONE


def test_a_paused_one_makes_no_runs_until_it_is_resumed() -> None:
    engine = started()
    number = done(engine, days(4, max_active=1))
    engine.pass_time(1)
    done(engine, PauseBackfill(number))
    assert succeed(engine) == 1
    assert succeed(engine) == 0
    engine.crash()
    engine.subscribe()
    engine.pass_time(60)
    assert len(engine.runs()) == 1
    done(engine, ResumeBackfill(number))
    engine.pass_time(1)
    to_the_end(engine)
    assert len(engine.runs()) == 4


def test_a_cancelled_one_lets_its_runs_go_on_or_kills_them() -> None:
    for kill in (False, True):
        engine = started()
        number = done(engine, days(4, max_active=2))
        engine.pass_time(1)
        done(engine, CancelBackfill(number, kill=kill))
        to_the_end(engine)
        wanted = RunState.KILLED if kill else RunState.SUCCEEDED
        assert [run.state for run in engine.runs()] == [wanted] * 2
        assert engine.store.backfill(number).backfill.state is BackfillState.CANCELLED
        assert "is cancelled" in refusal(engine, ResumeBackfill(number))


def test_it_takes_no_slot_of_the_schedule() -> None:
    """Nor does the schedule count it as overlap."""
    engine = started(daily(max_active_runs=1, overlap=Overlap.SKIP))
    done(engine, days(5, max_active=5))
    engine.pass_time(DAY.total_seconds())
    scheduled = [run for run in engine.runs() if run.kind is RunKind.SCHEDULED]
    assert [run.state for run in scheduled] == [RunState.RUNNING]


def test_its_jobs_stand_below_all_others_whatever_their_priority() -> None:
    engine = started(
        a_version("d", [a_job("a", priority=2**31 - 1)], schedule=Cron("0 0 * * *")),
        a_version("e", [a_job("b", priority=-(2**31))], schedule=Cron("0 0 * * *")),
    )
    done(engine, days(5, max_active=5))
    engine.pass_time(DAY.total_seconds())
    engine.offer(300, 8192)
    launched = [launch.key.run_id for launch in engine.launches.values()]
    assert launched[:2] == [run_id("d", EPOCH + DAY), run_id("e", EPOCH + DAY)]
    assert len(launched) == 3


def test_an_unpaused_schedule_runs_no_interval_again_that_a_backfill_ran() -> None:
    engine = started(daily(catchup=CatchUp.ALL, start=EPOCH - 5 * DAY, max_active_runs=1))
    engine.ask(PauseDag("d"))
    to_the_end(engine)
    before = len(engine.runs())
    assert before < 5
    done(engine, days(3))
    engine.pass_time(1)
    to_the_end(engine)
    engine.crash()
    engine.subscribe()
    engine.ask(UnpauseDag("d"))
    to_the_end(engine)
    assert sorted(run.id for run in engine.runs()) == sorted(run_of(day) for day in range(1, 6))
    assert len(engine.launches) == 5


def test_its_runs_are_on_the_version_that_was_newest_when_it_was_created() -> None:
    old = daily()
    engine = started(old)
    done(engine, days(4, max_active=1))
    engine.pass_time(1)
    engine.load(daily(jobs=["a", "b"]))
    engine.crash()
    engine.subscribe()
    to_the_end(engine)
    assert {run.version_id for run in engine.runs()} == {old.id}
    assert len(engine.runs()) == 4


def test_params_override_those_of_the_dag() -> None:
    engine = started(daily(params={"n": 1, "m": 2}))
    done(engine, days(1, params={"n": 7}))
    engine.pass_time(1)
    assert engine.only_run().params == {"n": 7, "m": 2}


def test_what_is_not_over_is_no_part_of_it() -> None:
    engine = started()
    number = done(engine, CreateBackfill("d", EPOCH - 2 * DAY, EPOCH + 5 * DAY))
    assert engine.store.backfill(number).backfill.total == 2


def test_what_cannot_be_is_refused_with_a_remedy() -> None:
    engine = started(daily(), a_version("on-demand"))
    assert "--logical-date" in refusal(engine, CreateBackfill("on-demand", EPOCH - DAY))
    assert "no DAG x" in refusal(engine, CreateBackfill("x", EPOCH - DAY))
    assert "fires d" in refusal(engine, CreateBackfill("d", EPOCH + DAY, EPOCH + 2 * DAY))
    assert "not after" in refusal(engine, CreateBackfill("d", EPOCH, EPOCH))
    assert "no param 'q' of" in refusal(engine, days(1, params={"q": 1}))
    assert "1 to" in refusal(engine, days(1, max_active=0))
    assert "more than" in refusal(engine, CreateBackfill("d", EPOCH - 20_001 * DAY))
    assert "bounds" in refusal(engine, CreateBackfill("d", EPOCH - 36_000 * DAY))
    assert "matches" in refusal(engine, days(1, jobs="x*"))
    assert "no backfill 7" in refusal(engine, PauseBackfill(7))


CHAIN = {"extract": [], "load": ["extract"], "report": ["load"]}


def fail(engine: Engine, job: str) -> None:
    """Play on: this job fails, all others succeed."""
    while True:
        engine.offer(64_000, 64_000)
        live = [(a.task_id, a.job_id) for a in engine.view.live_attempts() if a.task_id]
        for task, job_id in live:
            engine.report(task, ReportedState.RUNNING)
            bad = job_id == job
            engine.report(task, ReportedState.FAILED if bad else ReportedState.FINISHED)
        engine.pass_time(0.05)
        if not live:
            return


def tries(engine: Engine, run: str) -> dict[str, int]:
    return {job.job_id: job.attempts for job in engine.job_runs(run)}


def test_only_the_jobs_that_are_named_run() -> None:
    for downstream, expected in ((False, "not_selected"), (True, "succeeded")):
        engine = started(daily(jobs=CHAIN))
        done(engine, days(1, jobs="lo*", downstream=downstream))
        engine.pass_time(1)
        to_the_end(engine)
        assert engine.jobs() == {
            "extract": "not_selected",
            "load": "succeeded",
            "report": expected,
        }
        assert engine.only_run().state is RunState.SUCCEEDED


def two_old_runs(jobs: dict[str, list[str]]) -> Engine:
    """A run that failed at `load` and, of the day after it, one that succeeded."""
    engine = started(daily(jobs=jobs))
    done(engine, CreateBackfill("d", EPOCH - 2 * DAY, EPOCH - DAY))
    engine.pass_time(1)
    fail(engine, "load")
    done(engine, CreateBackfill("d", EPOCH - DAY, EPOCH))
    engine.pass_time(1)
    to_the_end(engine)
    assert [run.state for run in engine.runs()] == [RunState.FAILED, RunState.SUCCEEDED]
    return engine


def test_runs_that_failed_run_again_from_where_they_failed() -> None:
    engine = two_old_runs(CHAIN)
    number = done(engine, days(3, existing=Existing.FAILED))
    engine.pass_time(1)
    to_the_end(engine)
    assert {run.state for run in engine.runs()} == {RunState.SUCCEEDED}
    assert tries(engine, run_of(2)) == {"extract": 1, "load": 2, "report": 1}
    assert tries(engine, run_of(1)) == {"extract": 1, "load": 1, "report": 1}
    found = engine.store.backfill(number)
    assert (found.backfill.made, found.backfill.rerun, found.backfill.left) == (1, 1, 1)
    assert found.runs == {RunState.SUCCEEDED: 2}
    assert found.backfill.state is BackfillState.DONE


def test_all_runs_run_again_or_the_named_jobs_of_them() -> None:
    engine = two_old_runs(CHAIN)
    done(engine, days(2, existing=Existing.ALL))
    engine.pass_time(1)
    to_the_end(engine)
    assert tries(engine, run_of(2)) == {"extract": 2, "load": 2, "report": 1}
    assert tries(engine, run_of(1)) == {"extract": 2, "load": 2, "report": 2}
    done(engine, days(2, existing=Existing.ALL, jobs="load", max_active=1))
    engine.pass_time(1)
    to_the_end(engine)
    assert tries(engine, run_of(2)) == {"extract": 2, "load": 3, "report": 1}
    assert tries(engine, run_of(1)) == {"extract": 2, "load": 3, "report": 2}


def test_of_many_runs_that_run_again_few_are_active() -> None:
    engine = started(daily(jobs=CHAIN))
    done(engine, days(9, max_active=9))
    engine.pass_time(1)
    to_the_end(engine)
    done(engine, days(9, existing=Existing.ALL, max_active=2))
    engine.pass_time(5)
    assert sum(run.state is RunState.RUNNING for run in engine.runs()) == 2
    engine.crash()
    engine.subscribe()
    to_the_end(engine)
    assert all(tries(engine, run_of(day))["report"] == 2 for day in range(1, 10))


def test_a_run_that_is_not_over_is_left() -> None:
    engine = started(daily())
    engine.pass_time(DAY.total_seconds())
    (scheduled,) = engine.runs()
    number = done(engine, CreateBackfill("d", EPOCH, existing=Existing.ALL))
    engine.pass_time(1)
    assert engine.store.backfill(number).backfill.left == 1
    assert engine.only_run() == scheduled


def test_a_run_that_was_cancelled_before_it_began_begins() -> None:
    engine = started(daily(overlap=Overlap.CANCEL_NEW, max_active_runs=1))
    engine.pass_time(2 * DAY.total_seconds())
    assert [run.state for run in engine.runs()] == [RunState.RUNNING, RunState.KILLED]
    done(engine, CreateBackfill("d", EPOCH + DAY, existing=Existing.FAILED))
    engine.pass_time(1)
    to_the_end(engine)
    assert [run.state for run in engine.runs()] == [RunState.SUCCEEDED] * 2


def test_its_failed_runs_run_again_when_that_is_asked_for() -> None:
    for crash in (False, True):
        engine = started(daily(jobs=CHAIN))
        number = done(engine, days(5, max_active=3))
        engine.pass_time(1)
        fail(engine, "load")
        assert engine.store.backfill(number).backfill.state is BackfillState.DONE
        engine.crash()
        engine.subscribe()
        engine.pass_time(1)
        done(engine, RetryBackfill(number))
        assert engine.store.backfill(number).backfill.state is BackfillState.RUNNING
        if crash:
            engine.crash()
            engine.subscribe()
        engine.pass_time(1)
        to_the_end(engine)
        assert engine.store.backfill(number).runs == {RunState.SUCCEEDED: 5}
        assert engine.store.backfill(number).backfill.state is BackfillState.DONE
        assert all(
            tries(engine, run_of(day)) == {"extract": 1, "load": 2, "report": 1}
            for day in range(1, 6)
        )


def test_failed_runs_may_be_asked_for_while_it_goes_on_and_are_run_again_once() -> None:
    engine = started(daily(jobs=CHAIN))
    number = done(engine, days(6, max_active=2))
    engine.pass_time(1)
    succeed(engine)
    succeed(engine, ReportedState.FAILED)
    engine.pass_time(1)
    done(engine, RetryBackfill(number))
    engine.pass_time(1)
    fail(engine, "load")
    found = engine.store.backfill(number)
    assert found.runs == {RunState.FAILED: 6}
    assert found.backfill.state is BackfillState.DONE
    assert [tries(engine, run_of(day))["load"] for day in range(6, 0, -1)] == [2, 2, 1, 1, 1, 1]


def test_a_cancelled_one_is_not_retried() -> None:
    engine = started()
    number = done(engine, days(2))
    done(engine, CancelBackfill(number))
    assert "make another" in refusal(engine, RetryBackfill(number))


def test_a_killed_run_with_nothing_failed_is_judged_anew_and_not_for_ever() -> None:
    """Its only job ended well although it was to be killed."""
    engine = started()
    number = done(engine, days(1))
    engine.pass_time(1)
    engine.offer()
    engine.ask(KillRun(run_of(1)))
    (task,) = engine.launches
    engine.report(task, ReportedState.FINISHED)
    assert engine.only_run().state is RunState.KILLED
    engine.pass_time(1)
    done(engine, RetryBackfill(number))
    engine.pass_time(1)
    assert engine.only_run().state is RunState.SUCCEEDED
    assert engine.store.backfill(number).backfill.state is BackfillState.DONE
