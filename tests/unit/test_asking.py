"""Explicit reconciliation: five hundred tasks a second, in rounds, until all were heard of."""

import pytest

from moroccron.core.asking import BATCH, ROUNDS
from moroccron.core.policy import Policy
from moroccron.model.command import TriggerRun
from moroccron.model.effects import Accept, Kill, Reconcile
from moroccron.model.events import AgentLost, Disconnected, Subscribed
from moroccron.model.states import AttemptState, ReportedState
from moroccron.testing import a_job, a_version
from moroccron.testing.engine import Engine

R = ReportedState
MANY = 1200


def taken_over(jobs=MANY, waiting=1, policy=None):
    """A new leader, not yet connected, with so many jobs running; the agents have no room for the others."""
    names = [f"j{n:04}" for n in range(jobs)] + [f"w{n}" for n in range(waiting)]
    engine = Engine(a_version(jobs=[a_job(n) for n in names]), policy=policy or Policy())
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    engine.offer(cpus=100 * jobs, mem=64 * jobs)
    running = [engine.update(task, R.RUNNING) for task in engine.launches]
    engine.send(*running)
    engine.crash()
    engine.effects.clear()
    return engine


class Timed:
    """What was asked, and when."""

    def __init__(self, engine):
        self.engine = engine
        self.calls = []
        self._seen = 0

    def pass_time(self, seconds, step=0.25):
        for _ in range(int(seconds / step)):
            self.note()
            self.engine.pass_time(step)
        self.note()

    def note(self):
        fresh = self.engine.effects[self._seen :]
        self._seen = len(self.engine.effects)
        at = (self.engine.now - self.engine.at(0)).total_seconds()
        self.calls += [(at, e.tasks) for e in fresh if isinstance(e, Reconcile)]


def test_a_batch_a_second_and_then_for_all_that_there_is():
    engine = taken_over()
    engine.subscribe()
    timed = Timed(engine)
    timed.pass_time(3.5)
    assert [(at, len(tasks)) for at, tasks in timed.calls] == [
        (0.0, BATCH),
        (1.0, BATCH),
        (2.0, MANY - 2 * BATCH),
        (2.0, 0),
    ]
    asked = [task for _, tasks in timed.calls for task, _ in tasks]
    assert sorted(asked) == sorted(engine.view.live), "each once"


def test_launching_does_not_wait_for_it():
    engine = taken_over()
    engine.subscribe()
    engine.offer(cpus=100, mem=64)
    (accept,) = engine.sent(Accept)
    assert len(accept.launches) == 1


def test_who_was_heard_of_in_the_meantime_is_not_asked_about():
    engine = taken_over()
    engine.subscribe()
    heard = set(list(engine.view.live)[600:])
    engine.send(*(engine.update(t, R.RUNNING, uuid=None, reconciled=True) for t in heard))
    timed = Timed(engine)
    timed.pass_time(1.0)
    asked = {task for _, tasks in timed.calls for task, _ in tasks}
    assert asked == set(engine.view.live) - heard


def test_rounds_grow_until_silence_is_accepted_and_nothing_is_retried():
    engine = taken_over(jobs=3, waiting=0)
    tasks = sorted(engine.view.live)
    engine.subscribe()
    engine.send(engine.update(tasks[0], R.RUNNING, uuid=None, reconciled=True))
    timed = Timed(engine)
    timed.pass_time(450)
    rounds = [(at, asked) for at, asked in timed.calls[1:] if asked and at]
    assert [at for at, _ in rounds] == [2.0, 6.0, 14.0, 30.0, 62.0, 122.0, 182.0, 242.0, 302.0]
    assert {tuple(sorted(t for t, _ in asked)) for _, asked in rounds} == {tuple(tasks[1:])}
    (line,) = [h.line for h in engine.store.history() if h.line.subject == "framework"][-1:]
    assert line.cause == f"no word about 2 tasks, asked {ROUNDS} times"
    assert engine.sent(Kill) == []
    assert {a.state for a in engine.view.live_attempts()} == {AttemptState.RUNNING}
    # ... until everything is asked about again, as it is regularly.
    timed.pass_time(engine.policy.reconcile_interval)
    later = [asked for at, asked in timed.calls if at > 450 and asked]
    assert {t for t, _ in later[0]} == set(tasks)


def test_when_all_were_heard_of_nobody_is_asked_again():
    engine = taken_over(jobs=3, waiting=0)
    engine.subscribe()
    engine.send(
        *(engine.update(t, R.RUNNING, uuid=None, reconciled=True) for t in engine.view.live)
    )
    timed = Timed(engine)
    timed.pass_time(200)
    assert [asked for at, asked in timed.calls if at] == []


def test_explicit_and_implicit_take_turns():
    engine = taken_over(jobs=3, waiting=0, policy=Policy(reconcile_interval=100.0))
    engine.subscribe()
    timed = Timed(engine)
    for _ in range(4):
        engine.send(
            *(engine.update(t, R.RUNNING, uuid=None, reconciled=True) for t in engine.view.live)
        )
        timed.pass_time(100)
    told = [(at, len(asked)) for at, asked in timed.calls if at]
    assert [(at, n) for at, n in told if not n] == [(50, 0), (150, 0), (250, 0), (350, 0)]
    assert {at for at, n in told if n == 3} >= {100, 200, 300, 400}


def test_a_new_connection_begins_anew():
    engine = taken_over()
    engine.subscribe()
    engine.send(Disconnected("x"))
    before = len(engine.sent(Reconcile))
    engine.pass_time(60)
    assert len(engine.sent(Reconcile)) == before, "nobody is there to be asked"
    engine.send(Subscribed("f1"))
    engine.pass_time(3)
    asked = [task for call in engine.sent(Reconcile)[before:] for task, _ in call.tasks]
    assert sorted(asked) == sorted(engine.view.live)


def test_a_lost_agents_offers_are_dropped_and_its_tasks_asked_about_first():
    engine = taken_over(jobs=MANY, waiting=3)
    engine.subscribe()
    engine.pass_time(3)
    engine.send(
        *(engine.update(t, R.RUNNING, uuid=None, reconciled=True) for t in engine.view.live)
    )
    engine.offer(cpus=100, mem=64, agent="a2")
    engine.offer(cpus=10, mem=1, agent="a2")
    task = engine.sent(Accept)[0].launches[0].task_id
    engine.pass_time(0.5)
    engine.send(AgentLost("a2"))
    assert engine.sent(Reconcile)[-1].tasks == ((task, "a2"),)
    assert engine.view.book.of_agent("a2") == ()
    assert engine.view.attempt(engine.view.live[task]).state is AttemptState.LAUNCHING, (
        "a hint only"
    )


@pytest.mark.parametrize("word", [R.GONE, R.UNKNOWN])
def test_a_denial_by_reconciliation_is_believed_only_twice_and_after_the_grace(word):
    engine = Engine(a_version(jobs=["a"]))
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    engine.offer()
    task = engine.task("a")

    def deny():
        engine.send(engine.update(task, word, uuid=None, reconciled=True))

    deny()
    deny()
    assert engine.jobs() == {"a": "launching"}, "its launch may be on its way"
    engine.pass_time(engine.policy.launch_grace + 1)
    deny()
    assert engine.jobs() == {"a": "launching"}
    before = len(engine.sent(Reconcile))
    engine.pass_time(engine.policy.settle_time)
    assert [call.tasks for call in engine.sent(Reconcile)[before:]] == [((task, "a1"),)]
    deny()
    assert engine.jobs() == {"a": "queued"}
    (job_run,) = engine.job_runs()
    assert (job_run.failures, job_run.losses) == (0, 1)


def test_losses_cost_no_retry_up_to_a_bound():
    engine = Engine(a_version(jobs=["a"]))
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    for _ in range(11):
        engine.pass_time(61)
        engine.offer()
        engine.report(engine.task("a"), R.KILLED, reason="agent_removed")
    (job_run,) = engine.job_runs()
    assert (str(job_run.state), job_run.failures, job_run.losses) == ("lost", 0, 11)
