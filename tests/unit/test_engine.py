"""The engine through its one door: events in, rows and effects out."""

from datetime import UTC, datetime, timedelta

import pytest

from moroccron.model.command import (
    KillRun,
    Outcome,
    PauseDag,
    RetryJob,
    TriggerRun,
    Unknown,
    UnpauseDag,
)
from moroccron.model.constraint import Constraint, Operator
from moroccron.model.dag_version import TriggerRule
from moroccron.model.effects import Accept, Acknowledge, Decline, Kill, Reconcile, Revive, Suppress
from moroccron.model.events import (
    AgentLost,
    CommandReceived,
    Disconnected,
    FilesLoaded,
    OfferRescinded,
    OffersReceived,
    Subscribed,
    TrustChanged,
)
from moroccron.model.load import LoadedFile, LoadError
from moroccron.model.offer import Offer
from moroccron.model.resources import Resources
from moroccron.model.schedule import CatchUp, Cron, Every
from moroccron.model.states import AttemptState, JobRunState, ReportedState, RunKind, RunState
from moroccron.testing import EPOCH, a_job, a_version
from moroccron.testing.engine import Engine

R = ReportedState


def started(*jobs, **fields):
    """An engine whose DAG `d` was triggered by hand, connected, with nothing offered yet."""
    engine = Engine(a_version(jobs=jobs or ("a",), **fields))
    engine.subscribe()
    assert engine.ask(TriggerRun("d")).outcome is Outcome.DONE
    return engine


def finish(engine, *jobs, state=R.FINISHED, **fields):
    for job in jobs:
        engine.report(engine.task(job), R.RUNNING)
        engine.report(engine.task(job), state, **fields)


# ------------------------------------------------------------------ a run from end to end


def test_a_run_goes_through_its_jobs_in_order():
    engine = started("a", a_job("b", ["a"]))
    assert engine.jobs() == {"a": "queued", "b": "waiting"}
    engine.offer()
    assert engine.jobs() == {"a": "launching", "b": "waiting"}
    engine.report(engine.task("a"), R.RUNNING, sandbox="/s/a")
    assert engine.jobs()["a"] == "running"
    engine.pass_time(0.5)
    engine.report(engine.task("a"), R.FINISHED, exit_code=0)
    assert engine.jobs() == {"a": "succeeded", "b": "queued"}
    engine.offer()
    finish(engine, "b", exit_code=0)
    run = engine.only_run()
    assert run.state is RunState.SUCCEEDED
    assert run.ended == engine.now
    (attempt,) = engine.attempts("a")
    assert attempt.state is AttemptState.SUCCEEDED
    assert (attempt.exit_code, attempt.sandbox, attempt.hostname) == (0, "/s/a", "a1.test")
    assert attempt.due == run.due
    assert engine.attempts("b")[0].due is None


def test_the_attempt_is_committed_before_its_launch_is_sent():
    engine = started()
    decision = engine.decide(
        OffersReceived((Offer("o", "a1", "a1.test", Resources(1000, 1024, 1024)),))
    )
    (attempt,) = engine.attempts("a")
    assert attempt.state is AttemptState.LAUNCHING
    assert engine.launches == {}
    engine.perform(decision)
    assert list(engine.launches) == [attempt.task_id]


def test_many_jobs_go_into_one_accept():
    engine = started(*(a_job(f"j{n}") for n in range(5)))
    engine.offer()
    (accept,) = engine.sent(Accept)
    assert len(accept.launches) == 5
    assert len({launch.task_id for launch in accept.launches}) == 5


def test_what_a_job_finds_in_its_environment():
    engine = started(a_job("a", env=(("COLOUR", "red"),)), params={"n": 1})
    engine.offer()
    env = dict(engine.launches[engine.task("a")].env)
    assert env["COLOUR"] == "red"
    assert env["MOROCCRON_RUN"] == engine.only_run().id
    assert env["MOROCCRON_ATTEMPT"] == "1"
    assert env["MOROCCRON_FRAMEWORK_ID"] == "f1"
    assert env["MOROCCRON_TASK_ID"] == engine.task("a")
    assert env["MOROCCRON_PARAMS"] == '{"n": 1}'
    assert env["MOROCCRON_LOGICAL_DATE"] == "2026-01-01T00:00:00+00:00"


def test_every_update_with_a_uuid_is_acknowledged_strangers_and_repetitions_too():
    engine = started()
    engine.offer()
    task = engine.task("a")
    for _ in range(2):
        engine.report(task, R.RUNNING)
    engine.report("somebody@else@1.1", R.FINISHED)
    assert [(a.task_id, a.uuid) for a in engine.sent(Acknowledge)] == [
        (task, f"u-{task}-running"),
        (task, f"u-{task}-running"),
        ("somebody@else@1.1", "u-somebody@else@1.1-finished"),
    ]


def test_an_answer_without_uuid_is_not_acknowledged():
    engine = started()
    engine.offer()
    engine.report(engine.task("a"), R.RUNNING, uuid=None, reconciled=True)
    assert engine.jobs() == {"a": "running"}
    assert engine.sent(Acknowledge) == []


# ------------------------------------------------------------------ rules, failures, retries


def test_failure_closes_what_needs_success_and_starts_the_cleanup():
    engine = started(
        "a",
        a_job("b", ["a"]),
        a_job("c", ["b"]),
        a_job("cleanup", ["a"], trigger_rule=TriggerRule.ONE_FAILED),
        a_job("report", ["b", "cleanup"], trigger_rule=TriggerRule.ALL_DONE),
    )
    engine.offer()
    finish(engine, "a", state=R.FAILED, exit_code=3, message="boom")
    assert engine.jobs() == {
        "a": "failed",
        "b": "upstream_failed",
        "c": "upstream_failed",
        "cleanup": "queued",
        "report": "waiting",
    }
    causes = {job.job_id: job.cause for job in engine.job_runs()}
    assert (causes["b"], causes["c"]) == ("a", "b")
    engine.offer()
    finish(engine, "cleanup")
    engine.offer()
    finish(engine, "report")
    assert engine.only_run().state is RunState.FAILED


def test_a_cleanup_without_failure_is_skipped():
    engine = started("a", a_job("cleanup", ["a"], trigger_rule=TriggerRule.ONE_FAILED))
    engine.offer()
    finish(engine, "a")
    assert engine.jobs() == {"a": "succeeded", "cleanup": "skipped"}
    assert engine.only_run().state is RunState.SUCCEEDED


def test_a_failed_attempt_is_retried_after_its_delay():
    engine = started(a_job("a", retries=1, retry_delay=60.0))
    engine.offer()
    finish(engine, "a", state=R.FAILED, exit_code=1)
    assert engine.jobs() == {"a": "retrying"}
    engine.offer()
    assert engine.jobs() == {"a": "retrying"}
    engine.pass_time(60)
    assert engine.jobs() == {"a": "queued"}
    engine.offer()
    finish(engine, "a", state=R.FAILED, exit_code=1)
    assert engine.jobs() == {"a": "failed"}
    assert [a.number for a in engine.attempts("a")] == [1, 2]
    assert len(engine.launches) == 2


def test_a_lost_attempt_is_replaced_at_once_and_costs_no_retry():
    engine = started(a_job("a", retries=0))
    engine.offer()
    engine.report(engine.task("a"), R.LOST, reason="agent_removed")
    assert engine.jobs() == {"a": "queued"}
    (job,) = engine.job_runs()
    assert (job.losses, job.failures, job.attempts) == (1, 0, 2)
    engine.offer()
    finish(engine, "a")
    assert engine.only_run().state is RunState.SUCCEEDED


def test_an_invalid_launch_is_not_retried():
    engine = started(a_job("a", retries=5))
    engine.offer()
    engine.report(engine.task("a"), R.ERROR, message="no such image")
    assert engine.jobs() == {"a": "failed"}


# ------------------------------------------------------------------ kills


def test_killing_a_run_ends_what_lives_and_starts_nothing_more():
    engine = started("a", a_job("b", ["a"]), a_job("c", kill_grace=7.0))
    engine.offer()
    engine.report(engine.task("a"), R.RUNNING)
    assert engine.ask(KillRun(engine.only_run().id)).outcome is Outcome.DONE
    assert engine.jobs() == {"a": "running", "b": "killed", "c": "launching"}
    assert {(k.task_id, k.grace) for k in engine.sent(Kill)} == {
        (engine.task("a"), 5.0),
        (engine.task("c"), 7.0),
    }
    engine.report(engine.task("a"), R.KILLED)
    engine.report(engine.task("c"), R.KILLED)
    assert engine.jobs() == {"a": "killed", "b": "killed", "c": "killed"}
    assert engine.only_run().state is RunState.KILLED


def test_a_kill_is_repeated_until_the_task_is_over_even_after_a_crash():
    engine = started()
    engine.offer()
    engine.report(engine.task("a"), R.RUNNING)
    engine.ask(KillRun(engine.only_run().id))
    before = len(engine.sent(Kill))
    engine.pass_time(6)
    assert len(engine.sent(Kill)) > before
    engine.crash()
    engine.subscribe()
    before = len(engine.sent(Kill))
    engine.pass_time(6)
    assert len(engine.sent(Kill)) > before
    engine.report(engine.task("a"), R.KILLED)
    before = len(engine.sent(Kill))
    engine.pass_time(60)
    assert len(engine.sent(Kill)) == before


def test_what_was_killed_stays_killed_though_another_job_is_retried():
    engine = started("a", a_job("b", retries=3))
    engine.offer()
    engine.report(engine.task("b"), R.RUNNING)
    engine.report(engine.task("a"), R.FAILED)
    run_id = engine.only_run().id
    engine.ask(KillRun(run_id))
    assert engine.ask(RetryJob(run_id, "a")).outcome is Outcome.DONE
    engine.report(engine.task("b"), R.FAILED)
    assert engine.jobs() == {"a": "queued", "b": "killed"}


def test_killing_a_run_that_is_over_is_refused_even_while_it_is_in_memory():
    engine = started()
    engine.offer()
    finish(engine, "a")
    ended = engine.only_run()
    first = engine.store.submit(RetryJob(ended.id, "zzz"), "ann")
    second = engine.store.submit(KillRun(ended.id), "ann")
    engine.send(*map(CommandReceived, engine.store.unanswered_commands(0, 9)))
    assert engine.store.answer(first).outcome is Outcome.REFUSED
    assert engine.store.answer(second).outcome is Outcome.REFUSED
    assert engine.only_run() == ended


def test_killing_a_queued_attempt_needs_no_agent():
    engine = started()
    engine.ask(KillRun(engine.only_run().id))
    assert engine.jobs() == {"a": "killed"}
    assert engine.sent(Kill) == []


def test_killed_by_somebody_else_is_a_loss():
    engine = started()
    engine.offer()
    finish(engine, "a", state=R.KILLED, reason="agent_draining")
    assert engine.jobs() == {"a": "queued"}
    assert engine.attempts("a")[0].state is AttemptState.LOST


def test_the_watchdog_kills_what_its_agent_should_have_ended():
    engine = started(a_job("a", timeout=60.0, retries=0))
    engine.offer()
    engine.report(engine.task("a"), R.RUNNING)
    engine.pass_time(60)
    assert engine.sent(Kill) == []
    engine.pass_time(30)
    assert engine.sent(Kill)
    engine.report(engine.task("a"), R.KILLED)
    assert engine.jobs() == {"a": "failed"}
    assert engine.attempts("a")[0].kill == "timeout"


# ------------------------------------------------------------------ offers


def test_with_nothing_to_run_offers_are_declined_and_suppressed_once():
    engine = Engine(a_version())
    engine.subscribe()
    assert len(engine.sent(Suppress)) == 1
    engine.offer()
    (decline,) = engine.sent(Decline)
    assert decline.refuse_seconds == engine.policy.refuse_idle
    assert len(engine.sent(Suppress)) == 1
    rarely = timedelta(seconds=engine.policy.reconcile_interval / 2)
    assert engine.view.next_wake() == engine.now + rarely, "only to look for strays"


def test_something_to_run_revives():
    engine = started()
    assert len(engine.sent(Suppress)) == 1
    assert len(engine.sent(Revive)) == 1


def test_an_unused_offer_is_held_for_a_moment_while_a_run_is_active_then_declined():
    engine = started()
    engine.offer()
    engine.offer(agent="a2")
    assert engine.sent(Decline) == []
    engine.pass_time(engine.policy.hold_offers)
    (decline,) = engine.sent(Decline)
    assert decline.offer_ids == ("o2",)
    assert len(engine.sent(Suppress)) == 2


def test_a_held_offer_serves_the_next_job_at_once():
    engine = started("a", a_job("b", ["a"]))
    engine.offer()
    engine.offer(agent="a2")
    finish(engine, "a")
    assert engine.jobs()["b"] == "launching"
    assert engine.attempts("b")[0].agent_id == "a2"


def test_an_offer_too_small_is_declined_and_the_reason_told_once():
    engine = started(a_job("a", resources=Resources(cpus=64000, mem=32)))
    for _ in range(3):
        engine.offer()
    engine.pass_time(1)
    assert engine.jobs() == {"a": "queued"}
    (decline,) = engine.sent(Decline)
    assert decline.refuse_seconds == engine.policy.refuse_unfit
    told = [h.line.message for h in engine.store.history() if h.line.cause == "vetoed"]
    assert len(told) == 1
    assert "cpus" in told[0]


def test_what_is_lacking_is_what_was_lacking_last():
    engine = started(a_job("a", resources=Resources(cpus=64000, mem=32)))
    engine.offer(cpus=1000)
    engine.pass_time(0.5)
    engine.offer(cpus=3000)
    engine.pass_time(0.5)
    assert "3 free" in engine.attempts("a")[0].message  # the other offer was given back
    told = [h.line.message for h in engine.store.history() if h.line.cause == "vetoed"]
    assert len(told) == 1


def test_what_was_killed_says_by_whom_and_not_what_it_waited_for():
    engine = started("live", a_job("big", resources=Resources(cpus=64000, mem=32)))
    engine.offer()
    engine.report(engine.task("live"), R.RUNNING)
    engine.ask(KillRun(engine.only_run().id))
    engine.report(engine.task("live"), R.KILLED, message="Command terminated with signal 15")
    assert [engine.attempts(job)[0].message for job in ("live", "big")] == ["killed by ann"] * 2


def test_what_was_lacking_is_forgotten_once_there_is_room():
    engine = started(a_job("a", resources=Resources(cpus=9000, mem=32)))
    engine.offer()
    engine.pass_time(engine.policy.hold_offers)
    assert engine.attempts("a")[0].message is not None
    engine.offer(cpus=9000)
    assert engine.jobs() == {"a": "launching"}
    assert engine.attempts("a")[0].message is None


def test_what_is_queued_after_a_refusal_revives_but_not_too_often():
    engine = started(a_job("big", resources=Resources(cpus=64000, mem=32)))
    engine.offer()
    engine.pass_time(1)
    revived = len(engine.sent(Revive))
    engine.ask(TriggerRun("d"))
    assert len(engine.sent(Revive)) == revived + 1
    engine.offer()
    engine.pass_time(engine.policy.hold_offers / 2)
    engine.offer(
        agent="a2", role="other"
    )  # of no use to anybody, so the other is given back as well
    engine.ask(TriggerRun("d"))
    assert len(engine.sent(Revive)) == revived + 1
    engine.pass_time(engine.policy.revive_interval)
    assert len(engine.sent(Revive)) == revived + 2


def test_a_rescinded_offer_is_not_used():
    engine = started(a_job("a", resources=Resources(cpus=16000, mem=32)))
    engine.offer()
    engine.send(OfferRescinded("o1"))
    engine.offer()
    assert engine.jobs() == {"a": "queued"}
    engine.offer()
    (accept,) = engine.sent(Accept)
    assert accept.offer_ids == ("o2", "o3")


def test_a_lost_connection_voids_all_offers():
    engine = started(a_job("a", resources=Resources(cpus=16000, mem=32)))
    engine.offer()
    engine.send(Disconnected("gone"))
    engine.subscribe()
    engine.offer()
    assert engine.jobs() == {"a": "queued"}


def test_an_offer_held_when_the_connection_broke_wakes_nobody():
    engine = started()
    engine.offer()
    engine.offer(agent="a2")
    engine.send(Disconnected("gone"))
    engine.pass_time(engine.policy.hold_offers)


def test_a_rationed_revival_that_nobody_needs_any_more_wakes_nobody():
    engine = started(a_job("big", resources=Resources(cpus=64000, mem=32)))
    engine.offer()
    engine.pass_time(1)
    engine.ask(TriggerRun("d"))
    for run in engine.runs():
        engine.ask(KillRun(run.id))
    engine.pass_time(engine.policy.revive_interval)


def test_whoever_is_not_sure_to_lead_launches_nothing():
    engine = started("a", "b")
    engine.send(TrustChanged(False))
    engine.offer()
    assert not engine.sent(Accept)
    engine.send(TrustChanged(True))
    assert [len(accept.launches) for accept in engine.sent(Accept)] == [2]


def test_what_was_declined_in_doubt_is_asked_for_again():
    engine = started("a")
    engine.send(TrustChanged(False))
    engine.offer()
    engine.pass_time(2)
    assert engine.sent(Decline)
    before = len(engine.sent(Revive))
    engine.send(TrustChanged(True))
    engine.pass_time(2)
    assert len(engine.sent(Revive)) == before + 1


def test_in_doubt_updates_are_still_acknowledged():
    engine = started("a")
    engine.offer()
    engine.send(TrustChanged(False))
    finish(engine, "a", exit_code=0)
    assert engine.jobs() == {"a": "succeeded"}
    assert len(engine.sent(Acknowledge)) == 2


def test_higher_priority_goes_first():
    engine = started(a_job("low"), a_job("high", priority=5))
    engine.offer(cpus=100, mem=32)
    assert engine.jobs() == {"low": "queued", "high": "launching"}


def test_a_group_constraint_holds_across_offers_and_a_crash():
    unique = (Constraint("hostname", Operator.UNIQUE),)
    engine = started(a_job("a", constraints=unique), a_job("b", constraints=unique))
    engine.offer()
    assert sorted(engine.jobs().values()) == ["launching", "queued"]
    engine.crash()
    engine.subscribe()
    engine.offer()
    assert sorted(engine.jobs().values()) == ["launching", "queued"]
    engine.offer(agent="a2")
    assert sorted(engine.jobs().values()) == ["launching", "launching"]


# ------------------------------------------------------------------ reconciliation and recovery


def test_subscribing_asks_about_what_lives_and_then_about_everything():
    engine = started()
    engine.offer()
    engine.crash()
    before = len(engine.sent(Reconcile))
    engine.subscribe()
    explicit, implicit = engine.sent(Reconcile)[before:]
    assert explicit.tasks == ((engine.task("a"), "a1"),)
    assert implicit.tasks == ()


def test_a_launch_never_sent_is_believed_lost_only_when_denied_twice():
    engine = started()
    engine.decide(OffersReceived((Offer("o", "a1", "h", Resources(1000, 1024, 1024)),)))
    task = engine.task("a")
    engine.crash()
    engine.pass_time(1)
    engine.subscribe()
    engine.pass_time(engine.policy.settle_time)
    engine.send(engine.update(task, R.UNKNOWN, uuid=None, reconciled=True))
    assert engine.jobs() == {"a": "launching"}
    engine.pass_time(engine.policy.settle_time)
    engine.send(engine.update(task, R.UNKNOWN, uuid=None, reconciled=True))
    assert engine.jobs() == {"a": "queued"}
    assert engine.attempts("a")[0].state is AttemptState.LOST


def test_a_denial_within_the_launch_grace_counts_for_nothing():
    engine = started()
    engine.offer()
    task = engine.task("a")
    for _ in range(10):
        engine.send(engine.update(task, R.UNKNOWN, uuid=None, reconciled=True))
        engine.pass_time(1)
    assert engine.jobs() == {"a": "launching"}


def test_a_denial_before_a_new_connection_counts_for_nothing():
    engine = started()
    engine.offer()
    task = engine.task("a")
    for _ in range(5):
        engine.send(Disconnected("gone"), Subscribed("f1"))
        engine.pass_time(1)
        engine.send(engine.update(task, R.UNKNOWN, uuid=None, reconciled=True))
    assert engine.jobs() == {"a": "launching"}


def test_denials_with_a_word_between_them_that_it_runs_are_one_each():
    engine = started()
    engine.offer()
    task = engine.task("a")
    engine.pass_time(engine.policy.launch_grace + 1)
    for _ in range(5):
        engine.send(engine.update(task, R.UNKNOWN, uuid=None, reconciled=True))
        engine.pass_time(engine.policy.settle_time)
        engine.send(engine.update(task, R.RUNNING, uuid=None, reconciled=True))
    assert engine.jobs() == {"a": "running"}


def test_two_denials_in_one_breath_are_one():
    engine = started()
    engine.offer()
    task = engine.task("a")
    engine.pass_time(engine.policy.launch_grace + 1)
    denial = engine.update(task, R.UNKNOWN, uuid=None, reconciled=True)
    engine.send(denial, denial, denial)
    assert engine.jobs() == {"a": "launching"}
    engine.pass_time(engine.policy.settle_time)
    engine.send(denial)
    assert engine.jobs() == {"a": "queued"}


def test_the_silent_are_asked_about_in_one_call():
    engine = started(*(a_job(f"j{n}") for n in range(20)))
    engine.offer()
    before = len(engine.sent(Reconcile))
    engine.pass_time(engine.policy.launch_grace + engine.policy.sweep_interval)
    asked = engine.sent(Reconcile)[before:]
    assert len(asked) <= 2
    assert all(len(call.tasks) == 20 for call in asked)


@pytest.mark.parametrize("error", [-720, 720])
def test_an_agents_wrong_clock_neither_kills_nor_confuses(error):
    engine = started(a_job("a", timeout=60.0))
    engine.offer()
    engine.pass_time(2)
    wrong = engine.now + timedelta(seconds=error)
    engine.report(engine.task("a"), R.RUNNING, at=wrong)
    engine.pass_time(30)
    assert engine.sent(Kill) == []
    engine.report(engine.task("a"), R.FINISHED, at=wrong)
    (attempt,) = engine.attempts("a")
    assert attempt.launched <= attempt.started <= attempt.ended <= engine.now
    assert attempt.skew >= 0


def test_a_delay_that_ended_while_nobody_led_is_over():
    engine = started(a_job("a", retries=1, retry_delay=60.0))
    engine.offer()
    finish(engine, "a", state=R.FAILED)
    engine.now = engine.at(100)
    engine.crash()
    assert engine.jobs() == {"a": "retrying"}
    engine.subscribe()
    assert engine.jobs() == {"a": "queued"}


def test_a_silent_launch_is_asked_about_after_its_grace():
    engine = started()
    engine.offer()
    before = len(engine.sent(Reconcile))
    engine.pass_time(engine.policy.launch_grace + engine.policy.sweep_interval)
    assert ((engine.task("a"), "a1"),) in [r.tasks for r in engine.sent(Reconcile)[before:]]


def test_an_error_about_a_running_task_is_a_duplicate_id_and_ends_nothing():
    engine = started()
    engine.offer()
    engine.report(engine.task("a"), R.RUNNING)
    engine.report(engine.task("a"), R.ERROR, message="duplicate task id")
    assert engine.jobs() == {"a": "running"}
    assert engine.sent(Reconcile)[-1].tasks == ((engine.task("a"), "a1"),)


def test_a_lost_agent_is_only_a_hint():
    engine = started("a", "b")
    engine.offer(cpus=100, mem=32)
    engine.send(AgentLost("a1"))
    assert sorted(engine.jobs().values()) == ["launching", "queued"]
    assert engine.sent(Reconcile)[-1].tasks[0][1] == "a1"


def test_the_framework_id_is_committed():
    engine = Engine(a_version())
    engine.subscribe("f7")
    engine.crash()
    assert engine.view.framework_id == "f7"


def test_a_new_term_never_reuses_a_task_id():
    engine = started()
    engine.offer()
    first = engine.task("a")
    engine.report(first, R.LOST)
    engine.crash()
    engine.subscribe()
    engine.offer()
    assert engine.task("a") != first


# ------------------------------------------------------------------ schedules


def test_a_new_dag_first_runs_when_its_schedule_next_fires():
    engine = Engine(a_version(schedule=Cron("0 * * * *")))
    engine.pass_time(3599)
    assert engine.runs() == []
    engine.pass_time(1)
    run = engine.only_run()
    assert run.kind is RunKind.SCHEDULED
    assert run.interval == (EPOCH, EPOCH + timedelta(hours=1))
    assert run.due == run.interval.end
    assert run.id == "d@20260101T010000Z"


def test_catchup_runs_everything_since_the_start_as_far_as_there_is_room():
    start = EPOCH - timedelta(hours=5)
    engine = Engine(
        a_version(schedule=Every(3600), start=start, catchup=CatchUp.ALL, max_active_runs=2)
    )
    engine.subscribe()
    assert [r.interval.start for r in engine.runs()] == [start, start + timedelta(hours=1)]
    engine.offer()
    finish_run(engine, engine.runs()[0].id)
    assert len(engine.runs()) == 3
    assert engine.view.next_wake() > engine.now


def finish_run(engine, run_id):
    for job in engine.job_runs(run_id):
        task = engine.attempts(job.job_id, run_id)[-1].task_id
        engine.report(task, R.RUNNING)
        engine.report(task, R.FINISHED)


def test_after_a_pause_without_catchup_only_what_fires_from_then_on_is_run():
    engine = Engine(a_version(schedule=Every(3600)))
    engine.ask(PauseDag("d"))
    engine.pass_time(3 * 3600 + 60)
    assert engine.runs() == []
    engine.ask(UnpauseDag("d"))
    assert engine.runs() == []
    engine.pass_time(3600)
    assert len(engine.runs()) == 1


def test_after_an_outage_without_catchup_only_the_latest_is_run():
    engine = Engine(a_version(schedule=Every(3600)))
    engine.now = engine.at(5 * 3600 + 60)
    engine.crash()
    engine.pass_time(0)
    (run,) = engine.runs()
    assert run.interval.end == engine.at(5 * 3600)


def test_an_edited_schedule_fires_nothing_for_the_past():
    engine = Engine(a_version(schedule=Cron("0 0 * * *")))
    engine.pass_time(3600 * 30)
    (first,) = engine.runs()
    engine.load(a_version(schedule=Cron("*/5 * * * *")))
    assert engine.runs() == [first]
    engine.pass_time(300)
    assert len(engine.runs()) == 2


def test_an_edited_schedule_never_names_two_runs_alike():
    """The intervals of both schedules begin at the same moment; their runs must not."""
    engine = Engine(a_version(schedule=Cron("0 * * * *")))
    engine.subscribe()
    engine.pass_time(3600 * 11 + 60)
    before = {run.id for run in engine.runs()}
    engine.load(a_version(schedule=Cron("0 */2 * * *")))
    engine.pass_time(3600 * 2)
    after = [run.id for run in engine.runs()]
    assert len(after) == len(set(after)) == len(before) + 1
    assert before < set(after)


def test_a_clock_that_was_set_back_repeats_nothing():
    engine = Engine(a_version(schedule=Every(3600)))
    engine.pass_time(3 * 3600)
    assert len(engine.runs()) == 3
    engine.now = engine.at(3600)
    engine.load(a_version(schedule=Every(3600), timezone="Europe/Berlin"))
    engine.pass_time(2 * 3600)
    assert len(engine.runs()) == 3
    engine.pass_time(3600)
    assert len(engine.runs()) == 4


def test_a_moved_file_keeps_what_is_to_be_caught_up():
    start = EPOCH - timedelta(hours=9)
    version = a_version(schedule=Every(3600), start=start, catchup=CatchUp.ALL, max_active_runs=1)
    engine = Engine(version)
    engine.subscribe()
    assert len(engine.runs()) == 1
    engine.send(
        FilesLoaded((LoadedFile("d.py", removed=True), LoadedFile("elsewhere.py", (version,))))
    )
    assert engine.store.dag("d").state.active
    engine.offer()
    finish_run(engine, engine.runs()[0].id)
    assert engine.runs()[1].interval.start == start + timedelta(hours=1)


def test_memory_does_not_grow_with_edits_and_runs():
    engine = Engine(a_version(schedule=Cron("0 0 1 1 *")))
    engine.subscribe()
    for n in range(20):
        engine.load(a_version(schedule=Cron("0 0 1 1 *"), doc=f"Edit {n}."))
        run_id = engine.ask(TriggerRun("d")).detail
        engine.offer()
        finish_run(engine, run_id)
    assert len(engine.view.versions) == 1
    assert len(list(engine.view.timers.due(EPOCH + timedelta(days=999)))) <= 1


def test_a_run_keeps_the_version_that_it_began_with():
    engine = started("a")
    engine.load(a_version(jobs=("a", "z")))
    assert engine.jobs() == {"a": "queued"}
    engine.ask(TriggerRun("d"))
    assert engine.jobs(engine.runs()[1].id) == {"a": "queued", "z": "queued"}


def test_a_run_over_the_limit_waits_and_begins_when_one_ends():
    engine = started("a", max_active_runs=1)
    engine.ask(TriggerRun("d"))
    first, second = engine.runs()
    assert (first.state, second.state) == (RunState.RUNNING, RunState.QUEUED)
    engine.offer()
    finish_run(engine, first.id)
    assert [r.state for r in engine.runs()] == [RunState.SUCCEEDED, RunState.RUNNING]


# ------------------------------------------------------------------ files


def test_a_broken_file_keeps_the_last_good_version():
    version = a_version()
    engine = Engine(version)
    error = LoadError("d.py", "bad", "mend it", line=3)
    engine.send(FilesLoaded((LoadedFile("d.py", errors=(error,)),)))
    assert [row.error for row in engine.store.load_errors()] == [error]
    assert engine.store.dag("d").version == version
    assert engine.store.dag("d").state.active
    engine.load(version)
    assert engine.store.load_errors() == []


def test_a_dag_whose_file_is_gone_is_retired_and_comes_back_without_surprise():
    version = a_version(schedule=Every(3600))
    engine = Engine(version)
    engine.send(FilesLoaded((), complete=True))
    assert not engine.store.dag("d").state.active
    assert engine.ask(TriggerRun("d")).outcome is Outcome.REFUSED
    engine.pass_time(4 * 3600)
    engine.load(version)
    assert engine.runs() == []
    engine.pass_time(3600)
    assert len(engine.runs()) == 1


def test_reading_the_same_file_again_changes_nothing():
    version = a_version()
    engine = Engine(version)
    assert engine.load(version).changes == ()


# ------------------------------------------------------------------ commands


@pytest.mark.parametrize(
    ("intent", "words"),
    [
        (TriggerRun("nope"), "no DAG nope"),
        (TriggerRun("d", {"x": 1}), "no param 'x' of d"),
        (KillRun("nope"), "no such run"),
        (RetryJob("nope", "a"), "no run nope"),
        (PauseDag("nope"), "no DAG nope"),
        (Unknown("clear_run"), "knows no command 'clear_run'"),
    ],
)
def test_a_command_that_cannot_be_carried_out_is_refused_with_a_reason(intent, words):
    answer = Engine(a_version()).ask(intent)
    assert answer.outcome is Outcome.REFUSED
    assert words in answer.detail


def test_a_trigger_takes_params_and_a_logical_date():
    engine = Engine(a_version(params={"n": 1, "m": 2}))
    date = datetime(2020, 2, 2, tzinfo=UTC)
    answer = engine.ask(TriggerRun("d", {"n": 5}, date))
    run = engine.only_run()
    assert answer.detail == run.id
    assert (run.params, run.logical_date, run.requested_by) == ({"n": 5, "m": 2}, date, "ann")


def test_a_command_is_answered_once_though_the_leader_died_before_answering():
    engine = Engine(a_version())
    engine.store.submit(TriggerRun("d"), "ann")
    engine.crash()
    (command,) = engine.store.unanswered_commands(0, 10)
    assert engine.ask(PauseDag("d")).outcome is Outcome.DONE
    assert len(engine.runs()) == 1
    assert engine.store.unanswered_commands(0, 10) == []
    assert engine.store.answer(command.id).detail == engine.only_run().id


def test_retrying_a_job_of_an_ended_run_reopens_what_its_end_had_closed():
    engine = started(a_job("a"), a_job("b", ["a"]), a_job("c", ["b"]), a_job("d"))
    engine.offer()
    finish(engine, "d")
    finish(engine, "a", state=R.FAILED)
    run_id = engine.only_run().id
    assert engine.only_run().state is RunState.FAILED
    assert engine.view.runs == {}
    assert engine.ask(RetryJob(run_id, "a")).outcome is Outcome.DONE
    assert engine.only_run().state is RunState.RUNNING
    assert engine.jobs() == {"a": "queued", "b": "waiting", "c": "waiting", "d": "succeeded"}
    for job in "abc":
        engine.offer()
        finish(engine, job)
    assert engine.only_run().state is RunState.SUCCEEDED
    assert [a.number for a in engine.attempts("a")] == [1, 2]


def test_a_refused_retry_leaves_an_ended_run_as_it_was():
    engine = started("a")
    engine.offer()
    finish(engine, "a")
    ended = engine.only_run()
    lines = engine.store.last_history_id()
    assert engine.ask(RetryJob(ended.id, "zzz")).outcome is Outcome.REFUSED
    assert engine.only_run() == ended
    assert engine.view.runs == {}
    assert engine.store.last_history_id() == lines + 1


def test_a_job_of_a_run_that_never_began_cannot_be_retried():
    engine = started("a", max_active_runs=1)
    engine.ask(TriggerRun("d"))
    waiting = engine.runs()[1].id
    assert engine.ask(RetryJob(waiting, "a")).outcome is Outcome.REFUSED
    engine.ask(KillRun(waiting))
    answer = engine.ask(RetryJob(waiting, "a"))
    assert answer.outcome is Outcome.REFUSED
    assert "never began" in answer.detail
    assert list(engine.view.runs) == [engine.runs()[0].id]


def test_a_job_that_is_not_over_cannot_be_retried():
    engine = started()
    answer = engine.ask(RetryJob(engine.only_run().id, "a"))
    assert answer.outcome is Outcome.REFUSED
    assert JobRunState.QUEUED in answer.detail
