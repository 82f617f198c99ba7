"""The engine: limits that jobs share. A full one never stands in the way of others."""

import pytest

from moroccron.model.command import Outcome, RemovePool, SetPool, TriggerRun
from moroccron.model.effects import Revive
from moroccron.model.pool import Pool, PoolUse
from moroccron.model.resources import Resources
from moroccron.model.states import ReportedState
from moroccron.testing import a_job, a_version
from moroccron.testing.engine import Engine

R = ReportedState


def started(*versions, pools=None):
    """An engine with a run of each version."""
    engine = Engine(*versions)
    engine.subscribe()
    for name, slots in (pools or {}).items():
        assert engine.ask(SetPool(name, slots)).outcome is Outcome.DONE
    for version in versions:
        engine.ask(TriggerRun(version.dag_id))
    return engine


def states(engine):
    found = {}
    for run in engine.runs():
        found |= engine.jobs(run.id)
    return found


def launching(engine):
    return {job for job, state in states(engine).items() if state == "launching"}


def message(engine, job_id):
    """What keeps a job waiting, once it has waited for a moment."""
    engine.pass_time(2)
    engine.offer()
    for run in engine.runs():
        if job_id in engine.jobs(run.id):
            return engine.attempts(job_id, run.id)[-1].message
    raise AssertionError(job_id)


class TestPools:
    def test_no_more_slots_are_taken_than_there_are(self):
        jobs = [a_job(f"j{n}", pool="db", slots=2) for n in range(4)]
        engine = started(a_version(jobs=jobs), pools={"db": 5})
        engine.offer()
        assert len(launching(engine)) == 2
        (use,) = engine.store.pools()
        assert use == PoolUse(Pool("db", 5), taken=4, queued=2)

    def test_a_full_pool_does_not_stand_in_the_way_of_others(self):
        held = [a_job(f"held{n}", pool="db", priority=9) for n in range(50)]
        engine = started(a_version(jobs=[*held, a_job("free")]), pools={"db": 1})
        engine.offer()
        assert len(launching(engine) - {"free"}) == 1
        assert "free" in launching(engine)

    def test_whom_no_agent_can_take_does_not_block_its_pool(self):
        huge = a_job("huge", pool="db", priority=9, resources=Resources(cpus=10**6, mem=32))
        engine = started(a_version(jobs=[huge, a_job("small", pool="db")]), pools={"db": 1})
        engine.offer()
        assert launching(engine) == {"small"}

    def test_a_slot_is_free_when_its_holder_is_over_and_offers_are_asked_for(self):
        engine = started(a_version(jobs=[a_job(n, pool="db") for n in "ab"]), pools={"db": 1})
        engine.offer()
        (holder,) = launching(engine)
        engine.offer()
        engine.pass_time(10)
        revived = len(engine.sent(Revive))
        engine.report(engine.task(holder), R.FINISHED)
        engine.pass_time(1)
        assert len(engine.sent(Revive)) > revived
        engine.offer()
        assert states(engine) == {holder: "succeeded", ({"a", "b"} - {holder}).pop(): "launching"}

    def test_it_is_resized_live(self):
        engine = started(a_version(jobs=[a_job(n, pool="db") for n in "abc"]), pools={"db": 1})
        engine.offer()
        engine.ask(SetPool("db", 2))
        engine.offer()
        assert len(launching(engine)) == 2
        engine.ask(SetPool("db", 0))
        engine.offer()
        assert len(launching(engine)) == 2, "who has slots keeps them"

    def test_one_that_nobody_made_is_told_with_the_remedy(self):
        engine = started(a_version(jobs=[a_job("a", pool="db")]))
        assert (
            message(engine, "a")
            == "there is no pool db: make it with `moroccron pools set db SLOTS`"
        )
        engine.ask(SetPool("db", 1))
        engine.offer()
        assert states(engine) == {"a": "launching"}

    def test_a_job_that_wants_more_than_there_is_is_told(self):
        engine = started(a_version(jobs=[a_job("a", pool="db", slots=4)]), pools={"db": 3})
        assert message(engine, "a") == "pool db: asks for 4 slots, and it has only 3"

    def test_who_waits_for_slots_is_told(self):
        engine = started(
            a_version(jobs=[a_job("a", pool="db", slots=2), a_job("b", ["a"], pool="db")]),
            a_version("e", jobs=[a_job("c", pool="db", slots=2, priority=-1)]),
            pools={"db": 3},
        )
        engine.offer()
        assert message(engine, "c") == "pool db: asks for 2, and 2 of 3 slots are taken"

    def test_slots_are_held_across_a_failover_and_while_an_agent_is_cut_off(self):
        engine = started(a_version(jobs=[a_job(n, pool="db") for n in "ab"]), pools={"db": 1})
        engine.offer()
        (holder,) = launching(engine)
        engine.report(engine.task(holder), R.RUNNING)
        engine.report(engine.task(holder), R.UNREACHABLE)
        engine.crash()
        engine.subscribe()
        engine.offer(agent="a2")
        assert launching(engine) == set()

    def test_removed_it_is_as_if_nobody_had_made_it(self):
        engine = started(a_version(jobs=[a_job("a", pool="db")]), pools={"db": 1})
        assert engine.ask(RemovePool("db")).outcome is Outcome.DONE
        engine.offer()
        assert states(engine) == {"a": "queued"}
        assert engine.ask(RemovePool("db")).outcome is Outcome.REFUSED

    @pytest.mark.parametrize(
        ("name", "slots"), [("no name", 1), ("db", -1), ("db", True), ("db", 10**9)]
    )
    def test_what_is_no_pool_is_refused(self, name, slots):
        engine = started()
        assert engine.ask(SetPool(name, slots)).outcome is Outcome.REFUSED


class TestMutex:
    def test_one_at_a_time_across_dags_and_the_holder_is_told(self):
        engine = started(
            a_version("d", jobs=[a_job("a", mutex=("ledger",))]),
            a_version("e", jobs=[a_job("b", mutex=("ledger", "other"))]),
        )
        engine.offer()
        (holder,) = launching(engine)
        waiting = "b" if holder == "a" else "a"
        (run,) = (run.id for run in engine.runs() if holder in engine.jobs(run.id))
        assert message(engine, waiting) == f"mutex ledger: held by {run} {holder}"

    def test_it_is_free_when_its_holder_failed(self):
        engine = started(a_version(jobs=[a_job("a", mutex=("m",)), a_job("b", mutex=("m",))]))
        for _ in range(2):
            engine.offer()
            (holder,) = launching(engine)
            engine.report(engine.task(holder), R.FAILED)
        assert set(states(engine).values()) == {"failed"}


class TestActiveJobs:
    def test_of_a_dag_over_all_its_runs(self):
        engine = started(a_version(jobs=["a", "b"], max_active_jobs=3))
        engine.ask(TriggerRun("d"))
        engine.offer()
        runs = engine.runs()
        found = [state for run in runs for state in engine.jobs(run.id).values()]
        assert sorted(found) == ["launching"] * 3 + ["queued"]

    def test_of_a_run(self):
        engine = started(a_version(jobs=["a", "b"], max_active_jobs_per_run=1))
        engine.ask(TriggerRun("d"))
        engine.offer()
        for run in engine.runs():
            assert sorted(engine.jobs(run.id).values()) == ["launching", "queued"]

    def test_the_newest_version_says_how_many(self):
        engine = started(a_version(jobs=["a", "b", "c"], max_active_jobs=1))
        engine.offer()
        engine.load(a_version(jobs=["a", "b", "c"], max_active_jobs=2))
        engine.offer()
        assert len(launching(engine)) == 2

    def test_who_waits_is_told(self):
        engine = started(a_version(jobs=["a", "b"], max_active_jobs=1))
        engine.offer()
        (waiting,) = {"a", "b"} - launching(engine)
        assert message(engine, waiting) == "max_active_jobs of d: 1 are active"


class TestPriority:
    def test_a_job_is_as_urgent_as_what_waits_for_it(self):
        engine = started(
            a_version(
                jobs=[
                    a_job("first"),
                    a_job("second", ["first"]),
                    a_job("urgent", ["second"], priority=9),
                ]
            ),
            a_version("e", jobs=[a_job("other", priority=5)]),
        )
        engine.offer(cpus=100)
        assert launching(engine) == {"first"}
