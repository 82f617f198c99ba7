"""Tasks that no live attempt stands for: orphans, and what was replaced or had ended."""

from moroccron.model.command import KillRun, Outcome, TriggerRun
from moroccron.model.effects import Acknowledge, Kill
from moroccron.model.events import TrustChanged
from moroccron.model.run import AttemptKey, key_of_task, task_id
from moroccron.model.states import ReportedState
from moroccron.testing import a_job, a_version
from moroccron.testing.engine import Engine

R = ReportedState
ORPHAN = "d@20250101T000000Z@a@3.17"


def idle():
    engine = Engine(a_version(jobs=["a"]))
    engine.subscribe()
    return engine


def orphan_lines(engine):
    return [h.line for h in engine.store.history() if "orphan" in h.line.cause]


def kills(engine):
    return [(k.task_id, k.agent_id) for k in engine.sent(Kill)]


def test_an_orphan_is_killed_only_after_the_settle_time():
    engine = idle()
    engine.report(ORPHAN, R.RUNNING)
    assert [a.task_id for a in engine.sent(Acknowledge)] == [ORPHAN], "acknowledged at once"
    engine.pass_time(engine.policy.orphan_settle - 0.001)
    assert kills(engine) == []
    engine.pass_time(0.001)
    assert kills(engine) == [(ORPHAN, "a1")]


def test_it_is_told_once_and_killed_until_it_is_over():
    engine = idle()
    for _ in range(6):
        engine.report(ORPHAN, R.RUNNING)
        engine.report(ORPHAN, R.RUNNING, uuid=None, reconciled=True)
        engine.pass_time(engine.policy.sweep_interval)
    assert len(kills(engine)) >= 5
    (line,) = orphan_lines(engine)
    assert (line.run_id, line.job_id, line.number) == ("d@20250101T000000Z", "a", 3)
    assert ORPHAN in line.message
    engine.report(ORPHAN, R.KILLED)
    before = len(kills(engine))
    engine.pass_time(600)
    assert len(kills(engine)) == before
    assert len(orphan_lines(engine)) == 1


def test_an_id_that_is_none_of_our_making_is_an_orphan_as_well():
    engine = idle()
    engine.report("something else", R.STAGING)
    engine.pass_time(10)
    assert kills(engine)[0] == ("something else", "a1")
    assert "something else" in orphan_lines(engine)[0].message


def test_what_ends_by_itself_in_time_is_no_incident():
    engine = idle()
    engine.report(ORPHAN, R.RUNNING)
    engine.report(ORPHAN, R.FINISHED)
    engine.pass_time(60)
    assert kills(engine) == []
    assert orphan_lines(engine) == []


def test_who_is_not_sure_to_lead_kills_nobody():
    engine = idle()
    engine.send(TrustChanged(trusted=False))
    engine.report(ORPHAN, R.RUNNING)
    engine.pass_time(60)
    assert kills(engine) == []
    engine.send(TrustChanged(trusted=True))
    engine.pass_time(engine.policy.sweep_interval)
    assert kills(engine) == [(ORPHAN, "a1")]


def test_an_orphan_that_is_cut_off_is_left_until_it_is_back():
    engine = idle()
    engine.report(ORPHAN, R.RUNNING)
    engine.pass_time(10)
    engine.report(ORPHAN, R.UNREACHABLE, uuid=None)
    before = len(kills(engine))
    engine.pass_time(600)
    assert len(kills(engine)) == before
    engine.report(ORPHAN, R.RUNNING)
    assert len(kills(engine)) == before + 1


def test_a_task_whose_attempt_is_known_to_be_over_is_killed_at_once():
    engine = Engine(a_version(jobs=[a_job("a"), a_job("b", ["a"], kill_grace=9.0)]))
    engine.subscribe()
    assert engine.ask(TriggerRun("d")).outcome is Outcome.DONE
    engine.offer()
    task = engine.task("a")
    engine.report(task, R.LOST)
    engine.report(task, R.RUNNING)
    assert kills(engine) == [(task, "a1")]
    assert orphan_lines(engine) == []


def test_a_killed_run_leaves_no_task_behind():
    """The launch arrives after everybody believed that it never would."""
    engine = Engine(a_version(jobs=["a"]))
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    engine.offer()
    task = engine.task("a")
    engine.ask(KillRun(engine.only_run().id))
    engine.report(task, R.DROPPED)
    engine.report(task, R.RUNNING)
    before = len(kills(engine))
    engine.pass_time(engine.policy.orphan_settle)
    assert (task, "a1") in kills(engine)[before:]


def test_an_orphan_is_looked_for_although_nothing_lives():
    engine = idle()
    sent = len(engine.effects)
    engine.pass_time(2 * engine.policy.reconcile_interval)
    asked = [e.tasks for e in engine.effects[sent:] if hasattr(e, "tasks")]
    assert asked == [(), ()], "for all that there is, once in each interval"


def test_a_tasks_id_names_its_attempt():
    key = AttemptKey("d@20250101T000000Z", "a", 3)
    assert key_of_task(task_id(key, 17)) == key
    for other in ("", "x", "@@", "a@b@c", "a@b@²", "9"):
        assert key_of_task(other) is None
