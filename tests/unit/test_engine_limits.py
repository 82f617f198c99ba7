"""The engine: limits on waiting, on a job with its retries, and on a run. Each says itself."""

from datetime import timedelta

import pytest

from moroccron.model.command import KillRun, MarkJob, RetryJob, TriggerRun
from moroccron.model.dag_version import TriggerRule
from moroccron.model.effects import Kill
from moroccron.model.states import JobRunState, KillReason, ReportedState, RunState
from moroccron.testing import a_job, a_version
from moroccron.testing.engine import Engine

R = ReportedState


def started(*jobs, **fields):
    engine = Engine(a_version(jobs=jobs, **fields))
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    return engine


def causes(engine, subject):
    return [row.line.cause for row in engine.store.history() if row.line.subject == subject]


def again(engine):
    """The same a moment later under another leader."""
    engine.crash()
    engine.subscribe()


class TestWaiting:
    def test_who_finds_no_place_in_time_is_not_run(self):
        engine = started(a_job("a", start_within=60.0), a_job("b", ["a"]))
        engine.pass_time(30)
        again(engine)
        engine.pass_time(29)
        assert engine.jobs() == {"a": "queued", "b": "waiting"}
        engine.pass_time(1)
        assert engine.jobs() == {"a": "killed", "b": "upstream_failed"}
        assert engine.only_run().state is RunState.FAILED
        (attempt,) = engine.attempts("a")
        assert attempt.kill is KillReason.QUEUE_WAIT
        assert attempt.message == "found no place within 60 s (start_within)"
        assert "found no place within 60 s (start_within)" in causes(engine, "attempt")
        engine.offer()
        assert not engine.launches

    def test_it_says_what_offers_lacked(self):
        engine = started(a_job("a", start_within=60.0))
        engine.pass_time(5)
        engine.offer(cpus=10)
        engine.pass_time(60)
        message = engine.attempts("a")[0].message
        assert message is not None
        assert message.startswith("found no place within 60 s (start_within): ")
        assert "cpus" in message

    def test_once_placed_nobody_asks_any_more(self):
        engine = started(a_job("a", start_within=60.0))
        engine.pass_time(59)
        engine.offer()
        engine.report(engine.task("a"), R.RUNNING)
        engine.pass_time(100)
        assert engine.jobs() == {"a": "running"}

    def test_a_retry_waits_as_long_again_its_delay_not_counted(self):
        engine = started(a_job("a", start_within=60.0, retries=1, retry_delay=100.0))
        engine.pass_time(50)
        engine.offer()
        engine.report(engine.task("a"), R.FAILED)
        engine.pass_time(159)
        assert engine.jobs() == {"a": "queued"}
        engine.pass_time(1)
        assert engine.jobs() == {"a": "killed"}


class TestWholeJob:
    def test_the_attempt_that_lives_is_killed_and_none_follows(self):
        engine = started(a_job("a", job_timeout=60.0, retries=9))
        engine.offer()
        engine.report(engine.task("a"), R.RUNNING)
        again(engine)
        engine.pass_time(60)
        assert engine.sent(Kill)[-1].task_id == engine.task("a")
        engine.report(engine.task("a"), R.KILLED)
        assert engine.jobs() == {"a": "killed"}
        (attempt,) = engine.attempts("a")
        assert attempt.kill is KillReason.JOB_TIMEOUT
        assert attempt.message == "took longer than 60 s with its retries (job_timeout)"
        assert attempt.message in causes(engine, "attempt")

    @pytest.mark.parametrize("end", [R.FAILED, R.LOST])
    def test_however_the_killed_attempt_ends(self, end):
        engine = started(a_job("a", job_timeout=60.0, retries=9))
        engine.offer()
        engine.pass_time(60)
        engine.report(engine.task("a"), end)
        assert engine.jobs() == {"a": "killed"}

    def test_who_succeeds_while_being_killed_has_succeeded(self):
        engine = started(a_job("a", job_timeout=60.0))
        engine.offer()
        engine.pass_time(60)
        engine.report(engine.task("a"), R.FINISHED)
        assert engine.jobs() == {"a": "succeeded"}

    def test_it_counts_retries_and_their_delays(self):
        engine = started(a_job("a", job_timeout=60.0, retries=9, retry_delay=25.0))
        for _ in range(2):
            engine.offer()
            engine.report(engine.task("a"), R.FAILED)
            engine.pass_time(25)
        engine.pass_time(9)
        assert engine.jobs() == {"a": "queued"}
        engine.pass_time(1)
        assert engine.jobs() == {"a": "killed"}

    def test_it_counts_from_the_verdict_not_from_the_runs_begin(self):
        engine = started("a", a_job("b", ["a"], job_timeout=60.0))
        engine.pass_time(100)
        engine.offer()
        engine.report(engine.task("a"), R.FINISHED)
        engine.pass_time(59)
        assert engine.jobs()["b"] == "queued"
        engine.pass_time(1)
        assert engine.jobs()["b"] == "killed"

    def test_nothing_is_waited_for_that_is_cut_off(self):
        engine = started(a_job("a", job_timeout=60.0))
        engine.offer()
        engine.report(engine.task("a"), R.RUNNING)
        engine.report(engine.task("a"), R.UNREACHABLE)
        engine.pass_time(60)
        assert engine.jobs() == {"a": "killed"}

    def test_a_retry_by_a_person_has_its_time_anew(self):
        engine = started(a_job("a", job_timeout=60.0))
        engine.pass_time(60)
        assert engine.jobs() == {"a": "killed"}
        engine.ask(RetryJob(engine.only_run().id, "a"))
        engine.pass_time(59)
        assert engine.jobs() == {"a": "queued"}
        engine.pass_time(1)
        assert engine.jobs() == {"a": "killed"}

    def test_a_mark_stands_all_the_same(self):
        engine = started(a_job("a", job_timeout=60.0))
        engine.offer()
        engine.pass_time(60)
        engine.ask(MarkJob(engine.only_run().id, "a", JobRunState.SUCCEEDED))
        engine.report(engine.task("a"), R.KILLED)
        assert engine.jobs() == {"a": "succeeded"}


class TestWholeRun:
    def test_a_run_that_takes_too_long_is_ended_and_has_failed(self):
        engine = started(
            "a",
            "late",
            a_job("b", ["a"]),
            a_job("cleanup", ["a"], trigger_rule=TriggerRule.ALL_DONE),
            run_timeout=60.0,
        )
        engine.offer(cpus=100)
        engine.pass_time(30)
        again(engine)
        engine.pass_time(30)
        engine.report(engine.task("a"), R.KILLED)
        assert set(engine.jobs().values()) == {"killed"}
        assert engine.only_run().state is RunState.FAILED
        assert engine.only_run().kill is KillReason.RUN_TIMEOUT
        said = "the run took longer than 60 s (run_timeout)"
        assert said in causes(engine, "run")
        assert engine.attempts("a")[0].message == said
        assert engine.attempts("late")[0].message == said

    def test_waiting_for_other_runs_does_not_count(self):
        engine = started("a", run_timeout=60.0, max_active_runs=1)
        engine.pass_time(30)
        engine.ask(TriggerRun("d"))
        engine.pass_time(30)
        first, second = engine.runs()
        assert (first.state, second.state) == (RunState.FAILED, RunState.RUNNING)
        assert second.expires == engine.now + timedelta(seconds=60)

    def test_a_run_that_is_over_in_time_is_left_alone(self):
        engine = started("a", run_timeout=60.0)
        engine.offer()
        engine.report(engine.task("a"), R.FINISHED)
        engine.pass_time(100)
        assert engine.only_run().state is RunState.SUCCEEDED

    def test_a_persons_kill_is_the_reason_that_stands(self):
        engine = started("a", run_timeout=60.0)
        engine.offer()
        engine.ask(KillRun(engine.only_run().id))
        engine.pass_time(60)
        engine.report(engine.task("a"), R.KILLED)
        assert engine.only_run().state is RunState.KILLED

    def test_what_is_retried_has_its_time_anew(self):
        engine = started("a", run_timeout=60.0)
        engine.pass_time(60)
        run = engine.only_run()
        assert run.state is RunState.FAILED
        engine.pass_time(1000)
        engine.ask(RetryJob(run.id, "a"))
        engine.pass_time(59)
        assert engine.jobs() == {"a": "queued"}
        engine.pass_time(1)
        assert engine.only_run().state is RunState.FAILED

    def test_nothing_is_waited_for_that_is_cut_off(self):
        engine = started("a", run_timeout=60.0)
        engine.offer()
        engine.report(engine.task("a"), R.UNREACHABLE)
        engine.pass_time(60)
        assert engine.only_run().state is RunState.FAILED
