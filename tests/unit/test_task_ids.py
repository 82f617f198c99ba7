"""A task id met again: refused as a duplicate, it names a task that may run."""

from datetime import timedelta

from moroccron.adapters.mesos.updates import status_of
from moroccron.model.command import KillRun, Outcome, TriggerRun
from moroccron.model.effects import Kill, Reconcile
from moroccron.model.states import ReportedState, RunState
from moroccron.testing import a_version
from moroccron.testing.engine import Engine

R = ReportedState


def refused():
    """An engine whose launch was refused because the id is known, as Mesos says it."""
    engine = Engine(a_version(jobs=["a"]))
    engine.subscribe()
    assert engine.ask(TriggerRun("d")).outcome is Outcome.DONE
    engine.offer()
    engine.send(
        status_of(
            {
                "task_id": {"value": engine.task("a")},
                "agent_id": {"value": "a1"},
                "state": "TASK_ERROR",
                "source": "SOURCE_MASTER",
                "reason": "REASON_TASK_INVALID",
                "message": f"Task has duplicate ID: {engine.task('a')}",
                "timestamp": engine.now.timestamp(),
            },
            "f1",
        )
    )
    return engine


def test_it_ends_nothing_and_is_asked_about():
    engine = refused()
    assert engine.jobs() == {"a": "launching"}
    assert engine.sent(Reconcile)[-1].tasks == ((engine.task("a"), "a1"),)
    assert [h for h in engine.store.history() if "id is known already" in h.line.cause]


def test_the_task_of_that_id_is_adopted_wherever_it_runs():
    engine = refused()
    task = engine.task("a")
    engine.send(engine.update(task, R.RUNNING, agent_id="a7", uuid=None, reconciled=True))
    (attempt,) = engine.attempts("a")
    assert (str(attempt.state), attempt.agent_id, attempt.hostname) == ("running", "a7", None)
    engine.ask(KillRun(engine.only_run().id))
    assert [(k.task_id, k.agent_id) for k in engine.sent(Kill)] == [(task, "a7")]
    engine.send(engine.update(task, R.KILLED, agent_id="a7"))
    assert engine.only_run().state is RunState.KILLED


def test_its_end_on_another_agent_is_the_attempts_end():
    engine = refused()
    engine.send(engine.update(engine.task("a"), R.FINISHED, agent_id="a7"))
    assert engine.only_run().state is RunState.SUCCEEDED
    assert len(engine.launches) == 1


def test_denied_twice_it_is_lost_without_charge_and_tried_under_another_id():
    engine = refused()
    task = engine.task("a")
    engine.pass_time(engine.policy.launch_grace)
    for _ in range(2):
        engine.pass_time(engine.policy.settle_time)
        engine.send(engine.update(task, R.GONE, uuid=None, reconciled=True))
    assert engine.jobs() == {"a": "queued"}
    (job_run,) = engine.job_runs()
    assert (job_run.failures, job_run.losses) == (0, 1)
    engine.offer()
    assert engine.task("a") != task


def test_a_launch_that_is_invalid_for_another_reason_fails():
    engine = Engine(a_version(jobs=["a"]))
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    engine.offer()
    engine.report(
        engine.task("a"), R.ERROR, reason="task_invalid", message="Task uses invalid cpus"
    )
    assert engine.jobs() == {"a": "failed"}


def test_a_restored_database_gives_no_id_twice():
    """The backup knows nothing of what was launched since: neither the rows nor the terms."""
    lives = []
    for _ in range(2):
        engine = Engine(a_version(jobs=["a"]))
        engine.now += timedelta(minutes=len(lives))
        engine.crash()
        engine.subscribe()
        engine.ask(TriggerRun("d"))
        engine.offer()
        lives.append(engine.task("a"))
    assert len(set(lives)) == 2
