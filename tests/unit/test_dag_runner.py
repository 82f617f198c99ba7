"""What authors write in their tests: the fixture `dag_runner`, on the real engine and virtual time."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from moroccron import DAG, Job
from moroccron.testing import (
    DagFileRefused,
    DagRunner,
    Misused,
    agent,
    fails,
    hangs,
    lost,
    succeeds,
)

CHECKOUT = Path(__file__).parents[2]


def nightly(**fields: object) -> DAG:
    values = {"schedule": "30 2 * * *", "timezone": "Europe/Berlin", "params": {"limit": 10}}
    with DAG("nightly", **(values | fields)) as dag:
        extract = Job("extract", "fetch", retries=2, retry_delay=60, timeout=100, env={"A": "1"})
        audit = Job("audit", "audit")
        load = Job("load", ["psql", "-c", "select 1"])
        report = Job("report", "report", trigger_rule="all_done")
        [extract, audit] >> load >> report
    return dag


class TestRun:
    def test_without_outcomes_every_job_succeeds(self, dag_runner):
        run = dag_runner(nightly()).run()
        assert run.state == "succeeded"
        assert run.states == dict.fromkeys(["extract", "audit", "load", "report"], "succeeded")
        run.assert_order("extract", "load", "report")

    def test_attempts_take_their_outcomes_in_turn(self, dag_runner):
        outcomes = {"extract": [fails(exit_code=2), succeeds(after=20)]}
        run = dag_runner(nightly()).run(outcomes=outcomes)
        first, second = run["extract"].all_attempts
        assert (first.state, first.exit_code) == ("failed", 2)
        assert second.ready - first.ended == timedelta(seconds=60)
        assert second.ended - second.started == timedelta(seconds=20)
        assert run["extract"].attempts == 2
        assert run.state == "succeeded"

    def test_last_outcome_holds_for_all_further_attempts(self, dag_runner):
        run = dag_runner(nightly()).run(outcomes={"extract": [succeeds(after=500), fails()]})
        assert [each.exit_code for each in run["extract"].all_attempts] == [None, 1, 1]
        assert run["load"].state == "upstream_failed"
        assert run["load"].cause == "extract"
        assert run["report"].state == "succeeded"
        assert run.state == "failed"

    def test_outcome_beyond_the_timeout_is_a_failure(self, dag_runner):
        attempt = dag_runner(nightly()).run(outcomes={"extract": hangs()})["extract"].attempt(1)
        assert attempt.state == "failed"
        assert attempt.reason == "max_completion_time_reached"
        assert attempt.ended - attempt.started == timedelta(seconds=100)

    def test_lost_attempts_use_up_no_retry(self, dag_runner):
        outcomes = {"audit": [lost(), lost(), succeeds()]}
        run = dag_runner(nightly()).run(outcomes=outcomes)
        assert [each.state for each in run["audit"].all_attempts] == ["lost", "lost", "succeeded"]
        assert run.state == "succeeded"

    def test_job_that_is_lost_for_ever_is_given_up(self, dag_runner):
        run = dag_runner(nightly()).run(outcomes={"audit": lost()})
        assert run["audit"].state == "lost"
        assert run.state == "failed"

    def test_killed_run(self, dag_runner):
        run = dag_runner(nightly()).run(outcomes={"extract": hangs()}, kill_after=30)
        assert run.state == "killed"
        assert run.states["extract"] == "killed"
        assert run.seconds == 30

    def test_command_and_environment_are_those_of_the_launch(self, dag_runner):
        run = dag_runner(nightly()).run(logical_date="2026-03-01T00:00Z", params={"limit": 5})
        assert run["load"].command == "psql -c 'select 1'"
        env = run["extract"].env
        assert env["A"] == "1"
        assert env["MOROCCRON_LOGICAL_DATE"] == "2026-03-01T00:00:00+00:00"
        assert env["MOROCCRON_PARAMS"] == '{"limit": 5}'
        assert run.params == {"limit": 5}

    def test_moments_without_a_zone_are_of_the_dags(self, dag_runner):
        run = dag_runner(nightly()).run(logical_date="2026-03-01")
        assert run.logical_date == datetime(2026, 2, 28, 23, tzinfo=UTC)

    def test_schedule_does_not_come_between(self, dag_runner):
        dag = dag_runner(nightly(start="2026-01-01", catchup=True))
        run = dag.run(logical_date="2026-02-01", outcomes={"load": succeeds(after=7 * 86_400)})
        assert run.state == "succeeded"
        assert run.order.count("load") == 1

    def test_a_pattern_names_many_jobs_and_an_id_beats_it(self, dag_runner):
        run = dag_runner(nightly()).run(outcomes={"*": fails(), "extract": succeeds()})
        assert run.states == {
            "extract": "succeeded",
            "audit": "failed",
            "load": "upstream_failed",
            "report": "failed",
        }

    def test_a_person_retries_a_job(self, dag_runner):
        run = dag_runner(nightly()).run(outcomes={"load": fails()})
        assert run.state == "failed"
        assert run.retry("load").state == "succeeded"
        assert run["load"].attempts == 2

    def test_pools_have_slots_for_everybody(self, dag_runner):
        with DAG("pooled") as dag:
            Job("a", "true", pool="db", slots=5)
        assert dag_runner(dag).run().state == "succeeded"

    def test_constraints_want_agents_with_attributes(self, dag_runner):
        with DAG("placed") as dag:
            Job("a", "true", constraints=[("rack", "LIKE", "r[12]")])
        with pytest.raises(Misused, match=r"a finds no place: constraint rack LIKE r\[12\]"):
            dag_runner(dag).run()
        assert dag_runner(dag).run(agents=[agent(rack="r1")]).state == "succeeded"

    def test_a_thousand_jobs_fit(self, dag_runner):
        with DAG("wide") as dag:
            first = Job("first", "true")
            first >> [Job(f"j{n}", "true", cpus=4, mem="8GiB") for n in range(1000)]
        assert dag_runner(dag).run().seconds == 2


class TestScheduledRun:
    def test_has_the_data_interval_of_the_schedule(self, dag_runner):
        run = dag_runner(nightly()).run_scheduled(logical_date="2026-03-27T02:30")
        assert run.id == "nightly@20260328T013000Z"
        assert run["load"].env["MOROCCRON_INTERVAL_START"] == "2026-03-27T01:30:00+00:00"
        assert run["load"].env["MOROCCRON_INTERVAL_END"] == "2026-03-28T01:30:00+00:00"

    def test_is_the_only_one_of_a_dag_that_catches_up(self, dag_runner):
        dag = dag_runner(nightly(start="2020-01-01", catchup=True))
        run = dag.run_scheduled(logical_date="2026-03-27T02:30")
        assert run.id == "nightly@20260328T013000Z"
        assert len(run.order) == 4

    def test_without_a_date_it_is_the_first_of_2026(self, dag_runner):
        assert dag_runner(nightly()).run_scheduled().id == "nightly@20260101T013000Z"

    def test_of_a_date(self, dag_runner):
        with DAG("once", schedule=["2026-12-24 18:00", "2026-12-31 18:00"]) as dag:
            Job("a", "true")
        assert dag_runner(dag).run_scheduled().id == "once@20261224T180000Z"
        second = dag_runner(dag).run_scheduled(logical_date="2026-12-24T18:00")
        assert second.id == "once@20261231T180000Z"

    def test_of_an_own_timetable(self, dag_runner, tmp_path):
        (tmp_path / "own.py").write_text(
            "from datetime import timedelta\nfrom moroccron import DAG, Job\n"
            "class Own:\n    def fires(self, begin, end):\n"
            "        yield end - timedelta(hours=6)\n"
            'with DAG("own", schedule=Own()):\n    Job("a", "true")\n'
        )
        assert dag_runner(tmp_path / "own.py").run_scheduled().state == "succeeded"

    def test_date_at_which_no_interval_begins(self, dag_runner):
        with pytest.raises(Misused, match=r"begins at 2026-03-27T00:00.*one begins at 2026-03-26"):
            dag_runner(nightly()).run_scheduled(logical_date="2026-03-27T00:00Z")


class TestFires:
    def test_are_in_the_dags_zone(self, dag_runner):
        fires = dag_runner(nightly()).fires("2026-03-28", "2026-03-31")
        # In the night to the 29th the clocks of Berlin go from two to three.
        assert [f"{fire:%a %H:%M}" for fire in fires] == ["Sat 02:30", "Sun 03:00", "Mon 02:30"]
        assert {fire.tzinfo for fire in fires} == {ZoneInfo("Europe/Berlin")}

    def test_from_is_within_and_until_is_not(self, dag_runner):
        fires = dag_runner.fires(nightly(), "2026-01-01T02:30", "2026-01-02T02:30")
        assert len(fires) == 1

    def test_of_a_dag_without_a_schedule(self, dag_runner):
        with pytest.raises(Misused, match="has no schedule"):
            dag_runner(nightly(schedule=None)).fires("2026-01-01", "2026-01-02")


class TestMistakes:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"outcomes": {"extrakt": fails()}}, "no job 'extrakt': did you mean extract?"),
            ({"outcomes": {"x*": fails()}}, "no job 'x.*its jobs are extract, audit, load, report"),
            ({"outcomes": {"load": "failed"}}, "outcomes of 'load': 'failed' is none; write"),
            ({"outcomes": {"load": []}}, "outcomes of 'load'"),
            (
                {"params": {"limt": 3}},
                "params.limt: there is no param 'limt' of nightly; did you mean limit",
            ),
            ({"params": {"limit": object()}}, "params.limit: must be an integer"),
            ({"logical_date": "soon"}, "logical_date: 'soon' is no moment"),
            ({"outcomes": {"load": hangs()}}, "load runs on: give it a timeout"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_say_what_to_write(self, dag_runner, arguments, message):
        with pytest.raises(Misused, match=message):
            dag_runner(nightly()).run(**arguments)

    def test_outcomes_that_are_none(self):
        with pytest.raises(Misused, match="write succeeds"):
            fails(exit_code=0)
        with pytest.raises(Misused, match="write seconds"):
            succeeds(after=-1)

    def test_assertions_tell_how_it_was(self, dag_runner):
        run = dag_runner(nightly()).run(outcomes={"extract": fails(), "audit": succeeds(after=5)})
        with pytest.raises(AssertionError, match="the order was extract > report, not report > ex"):
            run.assert_order("report", "extract")
        with pytest.raises(AssertionError, match="not run: load upstream failed because of extrac"):
            run.assert_order("extract", "load")
        with pytest.raises(AssertionError, match="no attempt 1 of load upstream failed"):
            _ = run["load"].command
        with pytest.raises(Misused, match=r"no job 'reprot': did you mean report\?"):
            _ = run["reprot"]
        assert "extract failed after 3 attempts (exit code 1)" in repr(run)


@pytest.fixture
def runner(tmp_path: Path) -> DagRunner:
    """In a project with two folders of DAGs, each with a module of the same name."""
    for folder, mark in (("dags", "one"), ("other", "two")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "words.py").write_text(f"MARK = {mark!r}\n")
        (tmp_path / folder / f"{mark}.py").write_text(
            "import os\nfrom moroccron import DAG, Job\nfrom words import MARK\n"
            'with DAG(f"d-{MARK}", tags=[MARK]):\n'
            '    Job("a", os.environ.get("MOROCCRON_SECRET", "hidden"))\n'
            '    Job("b", os.environ.get("REGION", "none"))\n'
        )
    return DagRunner(tmp_path, Path("dags"))


class TestFinding:
    def test_by_file_by_id_and_by_path(self, runner, tmp_path):
        for source in ("dags/one.py", "d-one", tmp_path / "dags" / "one.py"):
            assert runner(source).version.dag_id == "d-one"

    def test_files_of_two_folders_do_not_meet(self, runner):
        before, path = set(sys.modules), list(sys.path)
        assert runner("dags/one.py").version.tags == ("one",)
        assert runner("other/two.py").version.tags == ("two",)
        assert {
            name for name in set(sys.modules) - before if name in ("words", "dag_file_one")
        } == set()
        assert sys.path == path

    def test_environment_is_as_the_loader_gives_it(self, runner, monkeypatch):
        monkeypatch.setenv("MOROCCRON_SECRET", "seen")
        monkeypatch.setenv("REGION", "eu")
        run = runner("dags/one.py").run()
        assert (run["a"].command, run["b"].command) == ("hidden", "eu")
        assert os.environ["MOROCCRON_SECRET"] == "seen"

    def test_one_of_several(self, runner, tmp_path):
        (tmp_path / "two.py").write_text(
            "from moroccron import DAG, Job\n"
            'for id in ("x", "yellow"):\n    Job("a", "true", dag=DAG(id))\n'
        )
        assert runner("two.py", "yellow").version.dag_id == "yellow"
        with pytest.raises(Misused, match="declares these DAGs: x, yellow"):
            runner("two.py")
        with pytest.raises(Misused, match=r"no DAG 'yelow': did you mean yellow\?"):
            runner("two.py", "yelow")

    def test_nothing_there(self, runner):
        with pytest.raises(Misused, match=r"there is no file .*nope\.py"):
            runner("nope.py")
        with pytest.raises(Misused, match=r"'d-on': did you mean d-one\?.*moroccron_dags"):
            runner("d-on")

    def test_file_is_refused_in_the_loaders_words(self, runner, tmp_path):
        (tmp_path / "bad.py").write_text(
            "from moroccron import DAG, Job\n"
            'with DAG("bad"):\n    Job("a", "true", timeoutt=3)\n    Job("a", "true")\n'
        )
        with pytest.raises(DagFileRefused) as refused:
            runner("bad.py")
        assert str(refused.value).splitlines()[:2] == [
            "bad.py:3: DAG bad job a: timeoutt: there is no field 'timeoutt'",
            "    did you mean timeout or job_timeout?",
        ]
        assert "bad.py:4: DAG bad job a: id: job id 'a' is taken" in str(refused.value)

    def test_file_that_breaks(self, runner, tmp_path):
        (tmp_path / "broken.py").write_text("import nowhere_to_be_found\n")
        with pytest.raises(
            DagFileRefused, match=r"broken\.py:1: ModuleNotFoundError(.|\n)*install"
        ):
            runner("broken.py")

    def test_examples(self, dag_runner):
        assert dag_runner("dags/nightly_report.py").run_scheduled().state == "succeeded"
        assert dag_runner("word_count").run().state == "succeeded"


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("moroccron.pytest_plugin", ["moroccron.testing", "moroccron.loop", "sqlalchemy", "click"]),
        ("moroccron.testing", ["pytest", "sqlalchemy", "flask", "click", "hypothesis"]),
    ],
)
def test_loads_no_more_than_it_needs(module: str, forbidden: list[str]) -> None:
    """Every pytest of an environment with moroccron loads the plugin; no test of a DAG loads a database."""
    code = f"import sys, {module}; print([name for name in {forbidden} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
