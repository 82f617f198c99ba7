"""People say what a job has come to: at once, or once its attempt has ended; and what that opens again."""

import pytest

from moroccron.model.command import KillRun, MarkJob, Outcome, RetryJob, TriggerRun
from moroccron.model.effects import Kill
from moroccron.model.states import JobRunState as J
from moroccron.model.states import ReportedState as R
from moroccron.model.states import RunState
from moroccron.testing import a_job, a_version
from moroccron.testing.engine import Engine


def a_run_of(*jobs):
    engine = Engine(a_version(jobs=jobs))
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    return engine


def end(engine, job, state=R.FINISHED):
    engine.offer()
    engine.report(engine.task(job), state)


def mark(engine, job, state):
    answer = engine.ask(MarkJob(engine.only_run().id, job, state))
    assert answer.outcome is Outcome.DONE, answer.detail


CHAIN = [a_job("a"), a_job("b", ["a"]), a_job("c", ["b"])]


def test_marking_a_failed_job_good_releases_what_it_had_closed():
    engine = a_run_of(*CHAIN)
    end(engine, "a", R.FAILED)
    assert engine.only_run().state is RunState.FAILED
    mark(engine, "a", J.SUCCEEDED)
    assert engine.only_run().state is RunState.RUNNING
    assert engine.jobs() == {"a": "succeeded", "b": "queued", "c": "waiting"}
    a = engine.job_runs()[0]
    assert (a.mark, a.marked_by, a.attempts) == (J.SUCCEEDED, "ann", 1)
    end(engine, "b")
    end(engine, "c")
    assert engine.only_run().state is RunState.SUCCEEDED


def test_what_another_job_closed_stays_closed_and_what_ran_has_run():
    cleanup = a_job("cleanup", ["a"], trigger_rule="all_done")
    engine = a_run_of(a_job("a"), a_job("b"), a_job("c", ["a"]), a_job("d", ["a", "b"]), cleanup)
    end(engine, "a", R.FAILED)
    end(engine, "b", R.FAILED)
    end(engine, "cleanup")
    mark(engine, "a", J.SUCCEEDED)
    jobs = {job.job_id: job for job in engine.job_runs()}
    assert (jobs["c"].state, jobs["cleanup"].attempts) == (J.QUEUED, 1)
    assert (jobs["d"].state, jobs["d"].cause) == (J.UPSTREAM_FAILED, "b"), "it was a, now it is b"
    reopened = {h.line.job_id for h in engine.store.history() if h.line.cause == "re-opened"}
    assert reopened == {None, "c"}, "the run and c"


def test_a_mark_that_opens_nothing_still_judges_the_run_anew():
    engine = a_run_of("a")
    end(engine, "a", R.FAILED)
    mark(engine, "a", J.SUCCEEDED)
    assert engine.only_run().state is RunState.SUCCEEDED
    mark(engine, "a", J.FAILED)
    assert engine.only_run().state is RunState.FAILED
    assert engine.view.runs == {}


@pytest.mark.parametrize("state", [J.SUCCEEDED, J.SKIPPED])
@pytest.mark.parametrize("ending", [R.KILLED, R.FINISHED, R.FAILED, R.GONE])
def test_a_live_attempt_is_ended_first_and_then_the_mark_stands(state, ending):
    engine = a_run_of(*CHAIN)
    engine.offer()
    task = engine.task("a")
    engine.report(task, R.RUNNING)
    mark(engine, "a", state)
    assert engine.sent(Kill)[-1].task_id == task
    assert engine.jobs() == {"a": "running", "b": "waiting", "c": "waiting"}, "it may be at work"
    engine.crash()
    engine.subscribe()
    engine.report(task, ending)
    after = {J.SUCCEEDED: "queued", J.SKIPPED: "skipped"}[state]
    assert engine.jobs()["a"] == state
    assert engine.jobs()["b"] == after
    assert len(engine.attempts("a")) == 1


def test_a_queued_attempt_and_a_waiting_job_are_marked_at_once():
    engine = a_run_of(*CHAIN)
    mark(engine, "b", J.SUCCEEDED)
    assert engine.jobs() == {"a": "queued", "b": "succeeded", "c": "queued"}
    mark(engine, "a", J.SKIPPED)
    assert engine.jobs()["a"] == "skipped"
    assert engine.job_runs()[1].state is J.SUCCEEDED, "a mark is not a rule's to undo"
    assert [attempt.state for attempt in engine.attempts("a")] == ["killed"]


def test_marking_a_good_job_failed_closes_what_waits_and_stops_nothing():
    engine = a_run_of(a_job("a"), a_job("x"), a_job("b", ["a"]), a_job("c", ["a", "x"]))
    end(engine, "a")
    mark(engine, "a", J.FAILED)
    assert engine.jobs() == {"a": "failed", "x": "launching", "b": "queued", "c": "upstream_failed"}


def test_a_retry_takes_the_mark_away():
    engine = a_run_of(*CHAIN)
    end(engine, "a", R.FAILED)
    mark(engine, "a", J.SKIPPED)
    assert engine.jobs() == {"a": "skipped", "b": "skipped", "c": "skipped"}
    engine.ask(RetryJob(engine.only_run().id, "a"))
    assert engine.jobs() == {"a": "queued", "b": "waiting", "c": "waiting"}
    assert engine.job_runs()[0].mark is None


def test_a_mark_in_a_killed_run_lets_go_on_what_was_killed_waiting_behind_it():
    engine = a_run_of(a_job("a"), a_job("b", ["a"]), a_job("x"), a_job("y", ["x"]))
    engine.offer()
    engine.ask(KillRun(engine.only_run().id))
    answer = engine.ask(MarkJob(engine.only_run().id, "a", J.SUCCEEDED))
    assert (answer.outcome, "is being killed" in answer.detail) == (Outcome.REFUSED, True)
    for job in "ax":
        engine.report(engine.task(job), R.KILLED)
    assert engine.only_run().state is RunState.KILLED
    mark(engine, "a", J.SUCCEEDED)
    assert engine.jobs() == {"a": "succeeded", "b": "queued", "x": "killed", "y": "killed"}
    assert (engine.only_run().state, engine.only_run().kill) == (RunState.RUNNING, None)


def test_a_mark_that_opens_nothing_leaves_a_killed_run_killed():
    engine = a_run_of(a_job("a"), a_job("b", ["a"]))
    engine.ask(KillRun(engine.only_run().id))
    mark(engine, "b", J.SKIPPED)
    assert engine.only_run().state is RunState.KILLED
    assert engine.view.runs == {}


@pytest.mark.parametrize(
    ("job", "state", "why"),
    [("zzz", J.FAILED, "has no job zzz"), ("a", J.FAILED, "is failed already")],
)
def test_refusals_say_why(job, state, why):
    engine = a_run_of("a")
    end(engine, "a", R.FAILED)
    ended = engine.only_run()
    answer = engine.ask(MarkJob(ended.id, job, state))
    assert (answer.outcome, why in answer.detail) == (Outcome.REFUSED, True)
    assert engine.only_run() == ended
