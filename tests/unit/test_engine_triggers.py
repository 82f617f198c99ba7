"""The engine: DAGs whose runs begin when those of others end."""

import pytest

from moroccron import DAG, After, Job
from moroccron.model.command import (
    KillRun,
    MarkJob,
    PauseDag,
    RetryJob,
    TriggerRun,
)
from moroccron.model.dag_version import DagVersion
from moroccron.model.errors import DagInvalid
from moroccron.model.events import FilesLoaded
from moroccron.model.load import LoadedFile
from moroccron.model.states import JobRunState, ReportedState, RunKind, RunState
from moroccron.model.trigger import Cause
from moroccron.testing import EPOCH, a_job, a_version
from moroccron.testing.engine import Engine

R = ReportedState
UP = a_version("up", jobs={"a": [], "b": ["a"]})


def listening(*triggers, up=UP, **fields):
    engine = Engine(up, a_version("down", triggers=triggers, **fields))
    engine.subscribe()
    return engine, engine.ask(TriggerRun("up", logical_date=EPOCH)).detail


def runs(engine, run_id, job, state):
    engine.offer()
    engine.report(engine.task(job, run_id), state)


def down(engine):
    return [run for run in engine.runs() if run.dag_id == "down"]


def again(engine):
    engine.crash()
    engine.subscribe()


class TestRuns:
    def test_success_begins_one_for_the_same_interval(self):
        engine, up = listening(After("up"))
        runs(engine, up, "a", R.FINISHED)
        assert not down(engine)
        runs(engine, up, "b", R.FINISHED)
        (found,) = down(engine)
        assert found.kind is RunKind.TRIGGERED
        assert found.state is RunState.RUNNING
        assert found.interval == engine.store.run(up).interval
        assert found.cause == Cause(up, state="succeeded")
        assert found.requested_by is None

    @pytest.mark.parametrize("on", ["success", "failure", "done"])
    @pytest.mark.parametrize("end", ["succeeded", "failed", "killed"])
    def test_each_end_begins_what_is_meant(self, on, end):
        engine, up = listening(After("up", on=on))
        if end == "killed":
            engine.ask(KillRun(up))
        else:
            runs(engine, up, "a", R.FINISHED if end == "succeeded" else R.FAILED)
            if end == "succeeded":
                runs(engine, up, "b", R.FINISHED)
        assert engine.store.run(up).state.value == end
        wanted = {"success": end == "succeeded", "failure": end != "succeeded", "done": True}
        assert len(down(engine)) == wanted[on]

    def test_one_cause_begins_one_run_whatever_it_matches(self):
        engine, up = listening(After("up"), After("up", on="done"))
        runs(engine, up, "a", R.FINISHED)
        runs(engine, up, "b", R.FINISHED)
        assert len(down(engine)) == 1

    def test_a_run_that_never_began_has_no_end(self):
        up = a_version("up", max_active_runs=1)
        engine, _ = listening(After("up", on="done"), up=up)
        second = engine.ask(TriggerRun("up")).detail
        engine.ask(KillRun(second))
        assert not down(engine)

    def test_a_retry_that_succeeds_begins_another(self):
        engine, up = listening(After("up"), After("up", on="failure"))
        runs(engine, up, "a", R.FAILED)
        engine.pass_time(1)
        engine.ask(RetryJob(up, "a"))
        runs(engine, up, "a", R.FINISHED)
        runs(engine, up, "b", R.FINISHED)
        assert [run.cause.state for run in down(engine)] == ["failed", "succeeded"]

    def test_a_command_that_only_looks_at_an_ended_run_begins_nothing(self):
        engine, up = listening(After("up", on="done"))
        runs(engine, up, "a", R.FAILED)
        engine.pass_time(1)
        engine.ask(MarkJob(up, "nope", JobRunState.FAILED))
        assert len(down(engine)) == 1

    def test_neither_a_new_leader_nor_what_he_finds_begins_it_again(self):
        engine, up = listening(After("up"), After("up", "a"))
        runs(engine, up, "a", R.FINISHED)
        again(engine)
        assert len(down(engine)) == 1
        runs(engine, up, "b", R.FINISHED)
        again(engine)
        assert len(down(engine)) == 2
        assert len({run.id for run in down(engine)}) == 2

    def test_it_is_stored_with_what_caused_it_or_not_at_all(self):
        engine, up = listening(After("up"))
        runs(engine, up, "a", R.FINISHED)
        engine.offer()
        decision = engine.decide(engine.update(engine.task("b", up), R.FINISHED))
        kinds = [type(change).__name__ for change in decision.changes]
        assert kinds.count("RunChanged") >= 3  # the end, the new run, its begin
        again(engine)
        assert len(down(engine)) == 1


class TestJobs:
    def test_a_job_is_enough(self):
        engine, up = listening(After("up", "a"))
        runs(engine, up, "a", R.FINISHED)
        (found,) = down(engine)
        assert found.cause == Cause(up, "a", 1, "succeeded")
        runs(engine, up, "b", R.FINISHED)
        assert len(down(engine)) == 1

    def test_failure_is_that_of_trigger_rules(self):
        engine, up = listening(After("up", "b", on="failure"))
        runs(engine, up, "a", R.FAILED)
        (found,) = down(engine)
        assert found.cause == Cause(up, "b", None, "upstream_failed")

    def test_an_attempt_that_is_tried_again_is_no_end(self):
        up = a_version("up", jobs=(a_job("a", retries=1),))
        engine, run_id = listening(After("up", "a", on="failure"), up=up)
        runs(engine, run_id, "a", R.FAILED)
        assert not down(engine)
        runs(engine, run_id, "a", R.FAILED)
        assert len(down(engine)) == 1

    def test_a_mark_is_an_end(self):
        engine, up = listening(After("up", "a"))
        engine.ask(MarkJob(up, "a", JobRunState.SUCCEEDED))
        assert len(down(engine)) == 1

    def test_the_last_job_and_the_run_begin_one_each(self):
        engine, _ = listening(After("up", "b"), After("up"))
        (up,) = [run.id for run in engine.runs() if run.dag_id == "up"]
        runs(engine, up, "a", R.FINISHED)
        runs(engine, up, "b", R.FINISHED)
        assert {str(run.cause) for run in down(engine)} == {
            f"{up} succeeded",
            f"b of {up} succeeded",
        }


class TestTheListener:
    def test_one_that_is_paused_begins_nothing_and_history_says_so(self):
        engine, up = listening(After("up", "a"))
        engine.ask(PauseDag("down"))
        runs(engine, up, "a", R.FINISHED)
        assert not down(engine)
        lines = [row.line for row in engine.store.history() if row.line.dag_id == "down"]
        assert f"a of {up} succeeded" in (lines[-1].message or "")

    def test_its_own_limits_hold(self):
        engine, up = listening(After("up", "a"), After("up", "b"), max_active_runs=1)
        runs(engine, up, "a", R.FINISHED)
        runs(engine, up, "b", R.FINISHED)
        assert [run.state for run in down(engine)] == [RunState.RUNNING, RunState.QUEUED]

    def test_an_edited_one_listens_as_it_says_now(self):
        engine, up = listening(After("up", "a"))
        engine.load(a_version("down", triggers=(After("up", "b"),)))
        runs(engine, up, "a", R.FINISHED)
        assert not down(engine)
        runs(engine, up, "b", R.FINISHED)
        assert len(down(engine)) == 1

    def test_one_whose_file_is_gone_listens_no_more(self):
        engine, up = listening(After("up", "a"))
        engine.send(FilesLoaded((LoadedFile("up.py", (UP,)),), complete=True))
        runs(engine, up, "a", R.FINISHED)
        assert not down(engine)

    def test_a_chain_goes_on(self):
        engine, up = listening(After("up"))
        engine.load(a_version("last", triggers=(After("down"),)))
        runs(engine, up, "a", R.FINISHED)
        runs(engine, up, "b", R.FINISHED)
        runs(engine, down(engine)[0].id, "a", R.FINISHED)
        (last,) = [run for run in engine.runs() if run.dag_id == "last"]
        assert last.interval.start == EPOCH


class TestLoops:
    def test_a_file_that_closes_one_is_refused(self):
        engine = Engine(
            a_version("a", triggers=(After("c"),)), a_version("b", triggers=(After("a"),))
        )
        engine.load(a_version("c", triggers=(After("b", "a", on="failure"),)))
        assert set(engine.view.dags) == {"a", "b"}
        (row,) = engine.store.load_errors()
        assert row.error.file == "c.py"
        assert row.error.field == "triggers"
        assert "a >> b >> c >> a" in row.error.message

    def test_so_is_a_new_version_of_it_and_the_last_good_one_stays(self):
        first = a_version("b")
        engine = Engine(a_version("a", triggers=(After("b"),)), first)
        engine.load(a_version("b", triggers=(After("a"),)))
        assert engine.view.dags["b"].version_id == first.id
        engine.load(first)
        assert not engine.store.load_errors()

    def test_a_dag_that_listens_to_itself_is_one(self):
        engine = Engine(a_version("a", triggers=(After("a", on="failure"),)))
        assert not engine.view.dags

    def test_dags_of_one_file_may_close_one_too(self):
        versions = (
            a_version("a", triggers=(After("b"),)),
            a_version("b", triggers=(After("a"),)),
        )
        engine = Engine()
        engine.send(FilesLoaded((LoadedFile("both.py", versions),)))
        assert not engine.view.dags
        assert len(engine.store.load_errors()) == 2


class TestAuthoring:
    def version(self, **fields):
        dag = DAG("d", **fields)
        Job("a", "true", dag=dag)
        return dag.version()

    def test_a_version_keeps_them(self):
        version = self.version(triggers=[After("x"), After("y", "load", on="failure")])
        assert version.triggers == (After("x"), After("y", "load", "failure"))
        assert DagVersion.from_json(version.to_json(), version.id) == version
        assert self.version(triggers=After("x")).triggers == (After("x"),)

    def test_they_read_well(self):
        found = [After("x"), After("x", "load"), After("x", on="done")]
        assert [str(trigger) for trigger in found] == ["after x", "after x.load", "after x (done)"]

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ("etl", "must be a list of triggers"),
            (["etl"], "is no trigger"),
            ([After("etl", on="succes")], "did you mean success"),
            ([After("no dag")], "is no id"),
            ([After("etl", "no job")], "is no id"),
        ],
    )
    def test_mistakes_are_told(self, given, said):
        with pytest.raises(DagInvalid) as told:
            self.version(triggers=given)
        assert said in f"{told.value.message}; {told.value.remedy}"
