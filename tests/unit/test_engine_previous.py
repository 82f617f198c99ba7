"""The engine: jobs that wait for the previous run, and DAGs whose runs come strictly one after the other."""

from datetime import timedelta

import pytest

from moroccron import DAG, Job
from moroccron.model.command import KillRun, MarkJob, RetryJob, TriggerRun
from moroccron.model.dag_version import DagVersion
from moroccron.model.errors import DagInvalid
from moroccron.model.events import CommandReceived
from moroccron.model.schedule import CatchUp, Every, Overlap
from moroccron.model.states import JobRunState, ReportedState, RunState
from moroccron.testing import EPOCH, a_job, a_version
from moroccron.testing.engine import Engine

R = ReportedState
DAY = timedelta(days=1)


def days(*numbers, **fields):
    """An engine with a DAG that people trigger, and runs for these days, created in this order."""
    jobs = fields.pop("jobs", (a_job("load", after_previous=("load",)),))
    engine = Engine(a_version(jobs=jobs, **fields))
    engine.subscribe()
    return engine, [on(engine, number) for number in numbers]


def on(engine, day):
    engine.pass_time(1)
    return engine.ask(TriggerRun("d", logical_date=EPOCH + day * DAY)).detail


def runs(engine, run_id, state, job="load"):
    """Place the job where it is queued, and have it end so."""
    engine.offer()
    engine.report(engine.task(job, run_id), state)


def again(engine):
    engine.crash()
    engine.subscribe()


def job(engine, run_id, job_id="load"):
    (found,) = (j for j in engine.job_runs(run_id) if j.job_id == job_id)
    return found


class TestAfterPrevious:
    def test_the_first_run_waits_for_none(self):
        engine, _ = days(0)
        assert engine.only_run().previous == ""
        assert engine.jobs() == {"load": "queued"}

    def test_a_job_waits_for_that_of_the_run_before(self):
        engine, (first, second) = days(0, 1)
        assert job(engine, second).state is JobRunState.WAITING
        assert job(engine, second).message == f"waits for load of run {first}, which is queued"
        runs(engine, first, R.FINISHED)
        assert job(engine, second).state is JobRunState.QUEUED
        assert job(engine, second).message is None

    def test_nothing_of_it_is_lost_with_a_leader(self):
        engine, (first, second) = days(0, 1)
        again(engine)
        assert engine.jobs(second) == {"load": "waiting"}
        runs(engine, first, R.FAILED)
        again(engine)
        engine.offer()
        assert engine.jobs(second) == {"load": "waiting"}
        engine.ask(MarkJob(first, "load", JobRunState.SUCCEEDED))
        assert engine.jobs(second) == {"load": "launching"}

    def test_a_leader_that_dies_before_it_has_looked_leaves_that_to_the_next(self):
        engine, (first,) = days(0)
        engine.store.submit(TriggerRun("d", logical_date=EPOCH + DAY), "ann")
        (command,) = engine.store.unanswered_commands(0, 10)
        engine.decide(CommandReceived(command))
        assert engine.runs()[-1].previous is None
        again(engine)
        assert engine.runs()[-1].previous == first

    def test_a_failure_holds_what_comes_after_until_a_retry_succeeds(self):
        engine, (first, second) = days(0, 1)
        runs(engine, first, R.FAILED)
        assert engine.store.run(first).state is RunState.FAILED
        said = job(engine, second).message
        assert said == (
            f"waits for load of run {first}, which is failed: retry or mark it, and this goes on"
        )
        engine.ask(RetryJob(first, "load"))
        assert engine.jobs(second) == {"load": "waiting"}
        runs(engine, first, R.FINISHED)
        assert engine.jobs(second) == {"load": "queued"}

    @pytest.mark.parametrize("mark", [JobRunState.SKIPPED, JobRunState.SUCCEEDED])
    def test_a_mark_lets_it_go_on(self, mark):
        engine, (first, second) = days(0, 1)
        runs(engine, first, R.FAILED)
        engine.ask(MarkJob(first, "load", mark))
        assert engine.jobs(second) == {"load": "queued"}

    def test_the_chain_goes_on_from_run_to_run(self):
        engine, ids = days(0, 1, 2)
        for run_id, later in zip(ids, [*ids[1:], None], strict=True):
            assert engine.jobs(run_id) == {"load": "queued"}
            if later:
                assert engine.jobs(later) == {"load": "waiting"}
            runs(engine, run_id, R.FINISHED)
        assert {run.state for run in engine.runs()} == {RunState.SUCCEEDED}

    def test_its_rule_comes_first(self):
        jobs = (a_job("a"), a_job("load", ["a"], after_previous=("load",)))
        engine, (first, second) = days(0, 1, jobs=jobs)
        assert job(engine, second).message is None
        engine.offer()
        engine.report(engine.task("a", second), R.FINISHED)
        assert job(engine, second).message == f"waits for load of run {first}, which is waiting"
        engine.report(engine.task("a", first), R.FAILED)
        assert "is upstream_failed" in (job(engine, second).message or "")

    def test_a_rule_that_closes_it_waits_for_nobody(self):
        jobs = (a_job("a"), a_job("load", ["a"], after_previous=("load",)))
        engine, (_, second) = days(0, 1, jobs=jobs)
        engine.offer()
        engine.report(engine.task("a", second), R.FAILED)
        assert job(engine, second).state is JobRunState.UPSTREAM_FAILED

    def test_a_job_the_previous_run_does_not_know_is_not_waited_for(self):
        engine, (first,) = days(0, jobs=("a",))
        engine.load(a_version(jobs=("a", a_job("load", after_previous=("load",)))))
        second = on(engine, 1)
        assert engine.store.run(second).previous == first
        assert engine.jobs(second) == {"a": "queued", "load": "queued"}

    def test_a_previous_run_that_is_pruned_holds_nobody(self):
        engine, (first, second) = days(0, 1)
        runs(engine, first, R.FAILED)
        del engine.store._runs[first]
        again(engine)
        engine.offer()
        assert engine.jobs(second) == {"load": "launching"}

    def test_killing_ends_the_waiting(self):
        engine, (_, second) = days(0, 1)
        engine.ask(KillRun(second))
        assert engine.jobs(second) == {"load": "killed"}
        assert job(engine, second).message is None

    def test_a_retry_by_a_person_waits_for_nobody(self):
        engine, (first, second) = days(0, 1)
        runs(engine, first, R.FINISHED)
        runs(engine, second, R.FAILED)
        engine.ask(RetryJob(first, "load"))
        engine.ask(RetryJob(second, "load"))
        assert engine.jobs(second) == {"load": "queued"}


class TestWhichRunIsBefore:
    def test_the_latest_logical_date_decides_not_the_order_of_creation(self):
        engine, (third, first) = days(2, 0)
        second = on(engine, 1)
        assert engine.store.run(third).previous == ""
        assert engine.store.run(second).previous == first
        assert engine.store.run(first).previous == ""

    def test_of_two_runs_for_one_date_it_is_the_later_one(self):
        engine, (_, other, after) = days(0, 0, 1)
        assert engine.store.run(other).previous == ""
        assert engine.store.run(after).previous == other

    def test_what_was_found_stays(self):
        engine, (first, third) = days(0, 2)
        on(engine, 1)
        again(engine)
        assert engine.store.run(third).previous == first

    def test_a_run_that_never_began_gives_way_to_the_one_before_it(self):
        engine, (first, second, third) = days(0, 1, 2, max_active_runs=1)
        assert engine.store.run(third).previous == second
        engine.ask(KillRun(second))
        assert engine.store.run(third).previous == first
        fourth = on(engine, 1.5)
        assert engine.store.run(fourth).previous == first

    def test_scheduled_runs_follow_one_another_and_those_caught_up_with(self):
        version = a_version(
            jobs=(a_job("load", after_previous=("load",)),),
            schedule=Every(86400),
            start=EPOCH - 3 * DAY,
            catchup=CatchUp.ALL,
        )
        engine = Engine(version)
        engine.subscribe()
        found = engine.runs()
        assert len(found) == 3
        assert [run.previous for run in found] == ["", found[0].id, found[1].id]
        engine.pass_time(86400)
        assert engine.runs()[-1].previous == found[-1].id

    def test_dags_that_do_not_look_back_ask_for_none(self):
        engine, (_, second) = days(0, 1, jobs=("load",))
        assert engine.store.run(second).previous is None


class TestSequential:
    def sequential(self, *numbers, **fields):
        return days(*numbers, jobs=("load",), sequential=True, max_active_runs=1, **fields)

    def test_a_run_begins_when_the_one_before_has_succeeded(self):
        engine, (first, second) = self.sequential(0, 1)
        assert engine.store.run(second).state is RunState.QUEUED
        assert engine.store.run(second).message == f"waits for run {first} to succeed"
        runs(engine, first, R.FINISHED)
        assert engine.store.run(second).state is RunState.RUNNING
        assert engine.store.run(second).message is None

    @pytest.mark.parametrize("crash", [False, True])
    def test_a_failure_holds_all_that_comes_after(self, crash):
        engine, (first, second, third) = self.sequential(0, 1, 2)
        runs(engine, first, R.FAILED)
        if crash:
            again(engine)
        engine.offer()
        assert [run.state for run in engine.runs()] == [
            RunState.FAILED,
            RunState.QUEUED,
            RunState.QUEUED,
        ]
        assert engine.store.run(second).message == (
            f"waits for run {first}, which is failed: retry or mark it, and this goes on"
        )
        assert engine.store.run(third).message == f"waits for run {second} to begin"
        engine.ask(RetryJob(first, "load"))
        assert engine.store.run(second).message == f"waits for run {first} to succeed"
        runs(engine, first, R.FINISHED)
        runs(engine, second, R.FINISHED)
        assert engine.store.run(third).state is RunState.RUNNING

    def test_marking_it_good_lets_the_next_begin(self):
        engine, (first, second) = self.sequential(0, 1)
        runs(engine, first, R.FAILED)
        engine.ask(MarkJob(first, "load", JobRunState.SUCCEEDED))
        assert engine.store.run(second).state is RunState.RUNNING

    def test_runs_created_newest_first_begin_in_the_order_in_which_they_were_created(self):
        engine, (busy, third, second) = self.sequential(0, 2, 1)
        runs(engine, busy, R.FINISHED)
        assert engine.store.run(third).state is RunState.RUNNING
        assert engine.store.run(second).state is RunState.QUEUED
        runs(engine, third, R.FINISHED)
        assert engine.store.run(second).state is RunState.RUNNING

    def test_fires_that_find_it_held_queue_up_in_order(self):
        version = a_version(
            jobs=("load",),
            schedule=Every(3600),
            sequential=True,
            max_active_runs=1,
            overlap=Overlap.QUEUE,
        )
        engine = Engine(version)
        engine.subscribe()
        engine.pass_time(3600)
        first = engine.runs()[0].id
        runs(engine, first, R.FAILED)
        engine.pass_time(2 * 3600)
        assert [run.state.value for run in engine.runs()] == ["failed", "queued", "queued"]
        engine.ask(RetryJob(first, "load"))
        for run in engine.runs():
            runs(engine, run.id, R.FINISHED)
        assert {run.state for run in engine.runs()} == {RunState.SUCCEEDED}

    def test_there_is_one_at_a_time_also_when_an_earlier_one_is_retried(self):
        engine, (first, second, third) = self.sequential(0, 1, 2)
        runs(engine, first, R.FINISHED)
        engine.ask(RetryJob(first, "load"))
        runs(engine, second, R.FINISHED)
        assert engine.store.run(third).message == f"waits for run {first} to end"
        runs(engine, first, R.FINISHED)
        assert engine.store.run(third).state is RunState.RUNNING

    def test_a_file_cannot_ask_for_several_runs_at_a_time(self):
        dag = DAG("d", sequential=True, max_active_runs=2)
        Job("load", "true", dag=dag)
        with pytest.raises(DagInvalid, match="one run at a time, not 2"):
            dag.version()

    def test_a_file_need_not_say_that_it_is_one_at_a_time(self):
        dag = DAG("d", sequential=True)
        Job("load", "true", dag=dag)
        assert dag.version().max_active_runs == 1


def test_with_room_for_one_run_the_retry_of_an_earlier_one_finds_its_way():
    engine, (first, second) = days(0, 1, max_active_runs=1)
    runs(engine, first, R.FAILED)
    assert engine.store.run(second).state is RunState.RUNNING
    engine.ask(RetryJob(first, "load"))
    runs(engine, first, R.FINISHED)
    assert engine.jobs(second) == {"load": "queued"}


def test_a_job_names_jobs_of_its_dag():
    dag = DAG("d")
    Job("load", "true", dag=dag, after_previous="laod")
    with pytest.raises(DagInvalid, match="no job has the id 'laod'"):
        dag.version()


def test_a_version_keeps_both():
    dag = DAG("d", sequential=True)
    first = Job("load", "true", dag=dag, after_previous="load")
    Job("mail", "true", dag=dag, after_previous=[first, "mail"])
    version = dag.version()
    assert DagVersion.from_json(version.to_json(), version.id) == version
    assert [spec.after_previous for spec in version.jobs] == [("load",), ("load", "mail")]
