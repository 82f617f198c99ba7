"""Agents that are cut off: waiting, replacing, what a person's kill means, and who comes back after all."""

from datetime import timedelta

import pytest

from moroccron.core.policy import Policy
from moroccron.model.command import KillRun, Outcome, RetryJob, TriggerRun
from moroccron.model.effects import Kill, Reconcile
from moroccron.model.events import Disconnected, Subscribed
from moroccron.model.states import AttemptState, JobRunState, ReportedState, RunState
from moroccron.testing import a_job, a_version
from moroccron.testing.engine import Engine

R = ReportedState
DAY = 86400.0


def running(*jobs, policy=None, **fields):
    """An engine whose first job runs on agent a1."""
    engine = Engine(a_version(jobs=jobs or ("a",), **fields), policy=policy or Policy())
    engine.subscribe()
    assert engine.ask(TriggerRun("d")).outcome is Outcome.DONE
    engine.offer()
    engine.report(engine.task("a"), R.RUNNING)
    return engine


def cut_off(*jobs, **fields):
    engine = running(*jobs, **fields)
    engine.report(engine.task("a"), R.UNREACHABLE, uuid=None)
    assert engine.jobs()["a"] == "unreachable"
    return engine


def killed(engine):
    return {kill.task_id for kill in engine.sent(Kill)}


def told(engine, words):
    return [h.line for h in engine.store.history() if words in h.line.cause]


# ------------------------------------------------------------------ waiting


def test_who_says_nothing_is_waited_for_and_may_come_back():
    engine = cut_off()
    engine.pass_time(2 * DAY)
    assert engine.jobs() == {"a": "unreachable"}
    engine.report(engine.task("a"), R.RUNNING)
    assert engine.jobs() == {"a": "running"}
    engine.report(engine.task("a"), R.FINISHED)
    assert engine.only_run().state is RunState.SUCCEEDED
    assert len(engine.launches) == 1


def test_who_ended_while_cut_off_is_counted_once():
    engine = cut_off("a", a_job("b", ["a"]))
    task = engine.task("a")
    # As seen on Mesos 1.11: the master's word first, then the agent's, which comes twice.
    engine.report(task, R.FINISHED, uuid=None, reason="agent_reregistered")
    engine.report(task, R.FINISHED, uuid="u1")
    engine.report(task, R.FINISHED, uuid="u1")
    assert engine.jobs() == {"a": "succeeded", "b": "queued"}
    assert len(engine.attempts("a")) == len(engine.attempts("b")) == 1


@pytest.mark.parametrize("word", [R.GONE_BY_OPERATOR, R.GONE])
def test_whose_agent_is_gone_for_good_is_lost_without_charge(word):
    engine = cut_off()
    engine.report(engine.task("a"), word, uuid=None)
    assert engine.jobs() == {"a": "queued"}
    (job_run,) = engine.job_runs()
    assert (job_run.failures, job_run.losses) == (0, 1)


# ------------------------------------------------------------------ replacing


@pytest.mark.parametrize(
    ("own", "site", "expected"),
    [
        (60.0, None, 60.0),
        (60.0, 30.0, 60.0),
        (None, 30.0, 30.0),
        (None, None, None),
        ("never", 30.0, None),
    ],
)
def test_whose_word_counts(own, site, expected):
    engine = cut_off(a_job("a", replace_after=own), policy=Policy(replace_after=site))
    if expected is None:
        engine.pass_time(DAY)
    else:
        engine.pass_time(expected - 0.001)
        assert engine.jobs() == {"a": "unreachable"}
        engine.pass_time(0.001)
    assert engine.jobs() == {"a": "unreachable" if expected is None else "queued"}


def test_each_is_replaced_at_a_time_of_its_own():
    jobs = [a_job("a", replace_after=61.7), a_job("b", replace_after=3.3)]
    engine = running(*jobs)
    engine.report(engine.task("b"), R.RUNNING)
    for job in ("a", "b"):
        engine.report(engine.task(job), R.UNREACHABLE, uuid=None)
    engine.pass_time(3.3)
    assert engine.jobs() == {"a": "unreachable", "b": "queued"}
    engine.pass_time(58.3)
    assert engine.jobs()["a"] == "unreachable"
    engine.pass_time(0.1)
    assert engine.jobs()["a"] == "queued"


def test_who_was_replaced_and_returns_is_killed_until_it_is_over_and_history_flags_both():
    engine = cut_off(a_job("a", replace_after=60, kill_grace=7.0))
    first = engine.task("a")
    engine.pass_time(60)
    engine.offer(agent="a2")
    engine.report(engine.task("a"), R.RUNNING)
    engine.report(first, R.RUNNING)
    assert [(k.task_id, k.agent_id, k.grace) for k in engine.sent(Kill)] == [(first, "a1", 7.0)]
    engine.report(first, R.RUNNING, uuid=None, reconciled=True)
    engine.pass_time(20)
    assert len(engine.sent(Kill)) >= 4, "repeated"
    engine.report(first, R.KILLED)
    before = len(engine.sent(Kill))
    engine.pass_time(60)
    assert len(engine.sent(Kill)) == before
    assert engine.jobs() == {"a": "running"}
    assert [line.number for line in told(engine, "came back")] == [1]
    assert [line.number for line in told(engine, "have run beside")] == [2]
    assert [line.number for line in told(engine, "in place of attempt 1")] == [2]
    assert [a.state for a in engine.attempts("a")] == [AttemptState.LOST, AttemptState.RUNNING]


def test_silence_on_a_new_connection_replaces_nobody():
    engine = cut_off(a_job("a", replace_after=60))
    engine.send(Disconnected("x"))
    engine.pass_time(100)
    engine.send(Subscribed("f1"))
    engine.pass_time(100)
    assert engine.jobs() == {"a": "unreachable"}
    # Asked about it, the master says that it is still so.
    engine.report(engine.task("a"), R.UNREACHABLE, uuid=None, reconciled=True)
    assert engine.jobs() == {"a": "queued"}


def test_a_new_leader_counts_from_the_masters_word_to_itself():
    engine = cut_off(a_job("a", replace_after=60))
    engine.pass_time(59)
    engine.crash()
    engine.subscribe()
    engine.pass_time(30)
    engine.report(engine.task("a"), R.UNREACHABLE, uuid=None, reconciled=True)
    engine.pass_time(59)
    assert engine.jobs() == {"a": "unreachable"}
    engine.pass_time(1)
    assert engine.jobs() == {"a": "queued"}


def test_who_comes_back_and_is_cut_off_again_is_waited_for_anew():
    engine = cut_off(a_job("a", replace_after=60))
    engine.pass_time(50)
    engine.report(engine.task("a"), R.RUNNING)
    engine.pass_time(5)
    engine.report(engine.task("a"), R.UNREACHABLE, uuid=None)
    engine.pass_time(59)
    assert engine.jobs() == {"a": "unreachable"}
    engine.pass_time(1)
    assert engine.jobs() == {"a": "queued"}


# ------------------------------------------------------------------ a person's kill


def test_a_kill_ends_the_waiting_and_is_carried_out_when_the_agent_is_back():
    engine = cut_off("a", a_job("b", ["a"]))
    run, task = engine.only_run().id, engine.task("a")
    assert engine.ask(KillRun(run)).outcome is Outcome.DONE
    assert engine.only_run().state is RunState.KILLED
    (attempt,) = engine.attempts("a")
    assert attempt.state is AttemptState.KILLED
    assert "cut off" in attempt.message
    before = len(engine.sent(Kill))
    engine.pass_time(DAY)
    engine.report(task, R.RUNNING)
    assert [k.task_id for k in engine.sent(Kill)[before:]] == [task], "at once"
    engine.pass_time(12)
    assert len(engine.sent(Kill)) == before + 3, "and again until it is over"
    engine.report(task, R.KILLED)
    engine.pass_time(60)
    assert len(engine.sent(Kill)) == before + 3


def test_a_kill_that_did_not_arrive_before_the_agent_was_cut_off():
    engine = running()
    engine.ask(KillRun(engine.only_run().id))
    assert engine.jobs() == {"a": "running"}
    engine.report(engine.task("a"), R.UNREACHABLE, uuid=None)
    assert engine.jobs() == {"a": "killed"}


def test_a_kill_is_remembered_by_the_next_leader_too():
    engine = cut_off()
    task = engine.task("a")
    engine.ask(KillRun(engine.only_run().id))
    engine.crash()
    engine.subscribe()
    engine.report(task, R.RUNNING, uuid=None, reconciled=True)
    engine.pass_time(engine.policy.orphan_settle)
    assert task in killed(engine)


def test_a_job_that_was_killed_while_cut_off_can_be_tried_again():
    engine = cut_off()
    run, first = engine.only_run().id, engine.task("a")
    engine.ask(KillRun(run))
    assert engine.ask(RetryJob(run, "a")).outcome is Outcome.DONE
    engine.offer(agent="a2")
    second = engine.task("a")
    engine.report(second, R.RUNNING)
    engine.report(first, R.RUNNING)
    assert first in killed(engine)
    assert second not in killed(engine)
    engine.report(first, R.FINISHED)
    assert engine.jobs() == {"a": "running"}


def test_an_attempt_that_ran_too_long_is_replaced_as_its_job_says():
    engine = running(a_job("a", timeout=10, replace_after=60))
    engine.pass_time(40)
    assert engine.task("a") in killed(engine)
    engine.report(engine.task("a"), R.UNREACHABLE, uuid=None)
    engine.pass_time(60)
    assert engine.job_runs()[0].state is JobRunState.QUEUED


def test_kills_are_repeated_while_an_agent_recovers_until_the_end():
    engine = running()
    engine.ask(KillRun(engine.only_run().id))
    task = engine.task("a")
    engine.pass_time(4 * engine.policy.sweep_interval)
    assert [k.task_id for k in engine.sent(Kill)] == [task] * 5
    assert {k.agent_id for k in engine.sent(Kill)} == {"a1"}
    engine.report(task, R.KILLED)
    engine.pass_time(60)
    assert len(engine.sent(Kill)) == 5
    assert engine.only_run().state is RunState.KILLED


def test_the_time_that_is_waited_is_in_the_definition_that_is_stored():
    version = a_version(jobs=[a_job("a", replace_after="never"), a_job("b", replace_after=1.5)])
    again = type(version).from_json(version.to_json(), version.id)
    assert [job.replace_after for job in again.jobs] == ["never", 1.5]
    plain = a_version(jobs=["a"])
    assert "replace_after" not in plain.to_json(), "ids of versions stored before stay as they are"


def test_what_is_asked_when_it_was_silent_for_long():
    engine = cut_off()
    before = len(engine.sent(Reconcile))
    engine.pass_time(timedelta(hours=1).total_seconds())
    asked = [call.tasks for call in engine.sent(Reconcile)[before:]]
    assert ((engine.task("a"), "a1"),) in asked, "unreachable ones are asked about as all that live"
