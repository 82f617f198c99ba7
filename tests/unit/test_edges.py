"""Quorums, forgiven failures, conditions and teardowns: as an author writes them, and what a run makes of them."""

import pytest

from moroccron import DAG, Job
from moroccron.model.command import TriggerRun
from moroccron.model.dag_version import DagVersion
from moroccron.model.states import ReportedState, RunState
from moroccron.testing.engine import Engine

FAIL, DONE = ReportedState.FAILED, ReportedState.FINISHED


def problems(dag):
    return [(p.field, p.job_id, p.message, p.remedy) for p in dag.problems()]


def run(dag, *endings):
    """A run in which jobs end as said, one after the other; a trailing `!` means failure."""
    engine = Engine(dag.version())
    engine.subscribe()
    engine.ask(TriggerRun(dag.id))
    engine.offer()
    for ending in endings:
        job = ending.removesuffix("!")
        engine.report(engine.task(job), FAIL if ending.endswith("!") else DONE)
        engine.offer()
    return engine


def causes(engine):
    return {job.job_id: job.cause for job in engine.job_runs() if job.cause}


# --------------------------------------------------------------------------- quorums


def quorum(**fields):
    with DAG("d") as dag:
        [Job(id, "true") for id in "abc"] >> Job("join", "true", **fields)
    return dag


def test_a_quorum_runs_as_soon_as_it_is_met():
    engine = run(quorum(min_success=2), "a!", "b", "c")
    assert engine.jobs()["join"] == "launching"


def test_a_quorum_that_cannot_be_met_any_more_names_a_failure():
    engine = run(quorum(min_success=2), "c!", "a!")
    assert engine.jobs() == {
        "a": "failed",
        "b": "launching",
        "c": "failed",
        "join": "upstream_failed",
    }
    assert causes(engine) == {"join": "a"}


def test_a_share_of_the_upstream_jobs():
    assert run(quorum(min_success=0.5), "a", "b").jobs()["join"] == "launching"
    assert run(quorum(min_success=0.7), "a", "b").jobs()["join"] == "waiting"


@pytest.mark.parametrize(
    ("value", "message"),
    [(0, "out of bounds"), (1.5, "out of bounds"), ("2", "must be a number"), (True, "a number")],
)
def test_no_such_quorum(value, message):
    ((field, _, said, remedy),) = problems(quorum(min_success=value))
    assert (field, message in said) == ("min_success", True)
    assert "a share above 0.0" in remedy


def test_more_successes_than_jobs():
    assert problems(quorum(min_success=4)) == [
        (
            "min_success",
            "join",
            "4 successes are wanted of 3 upstream jobs",
            "use 3 at most, or a share such as 0.5",
        )
    ]


# --------------------------------------------------------------------------- allow_failure


def test_a_forgiven_failure_lets_the_job_run_and_yet_fails_the_run():
    with DAG("d") as dag:
        audit = Job("audit", "false")
        audit >> Job("load", "true", allow_failure=audit)
        audit >> Job("publish", "true")
    engine = run(dag, "audit!", "load")
    assert engine.jobs() == {"audit": "failed", "load": "succeeded", "publish": "upstream_failed"}
    assert engine.only_run().state is RunState.FAILED


def test_a_failure_that_does_not_decide_the_run():
    with DAG("d") as dag:
        audit = Job("audit", "false", fails_run=False)
        audit >> Job("load", "true", allow_failure=["audit"])
    assert run(dag, "audit!", "load").only_run().state is RunState.SUCCEEDED


def test_forgiving_somebody_who_is_not_upstream():
    with DAG("d") as dag:
        Job("audit", "true")
        Job("load", "true", allow_failure=["audit", "adit", 3])
        Job("other", "true", allow_failure=["audit", "adit"])
    found = problems(dag)
    assert ("allow_failure", "load", "3 (int) is no job", "name a job or its id") in found
    assert found[1:] == [
        ("allow_failure", "other", "no job has the id 'adit'", "declare it, or do not name it"),
        (
            "allow_failure",
            "other",
            "'audit' is not upstream of the job",
            "write audit >> this job, or do not name it",
        ),
    ]


# --------------------------------------------------------------------------- conditions


def conditional(condition, **fields):
    with DAG("d") as dag:
        [Job("extract", "true"), Job("audit", "true")] >> Job(
            "load", "true", run_if=condition, **fields
        )
    return dag


def test_a_condition_decides_whatever_comes_first():
    dag = conditional("extract.succeeded and not audit.failed")
    assert run(dag, "extract", "audit").jobs()["load"] == "launching"
    assert run(dag, "audit", "extract").jobs()["load"] == "launching"
    engine = run(dag, "audit!")
    assert engine.jobs()["load"] == "upstream_failed"
    assert causes(engine) == {"load": "audit"}


def test_a_condition_that_nothing_failed_can_meet_skips():
    engine = run(conditional("extract.failed and audit.failed"), "extract")
    assert engine.jobs()["load"] == "skipped"
    assert causes(engine) == {"load": "extract"}


def test_a_condition_is_told_its_mistakes():
    assert problems(conditional("extrct.succeeded and audit.done and load2.failed")) == [
        (
            "run_if",
            "load",
            "column 1: no job has the id 'extrct'",
            "did you mean extract?",
        ),
        (
            "run_if",
            "load",
            "column 37: no job has the id 'load2'",
            "declare it, or do not name it",
        ),
        (
            "run_if",
            "load",
            "the condition says nothing of 'extract', which the job waits for",
            "add `and extract.done`, or remove the dependency",
        ),
    ]
    ((field, job, message, _),) = problems(conditional("extract.suceeded"))
    assert (field, job, message) == ("run_if", "load", "column 9: 'suceeded' is no state")


def test_a_job_has_one_rule_its_own_before_the_defaults():
    ((field, _, message, _),) = problems(conditional("extract.done and audit.done", min_success=1))
    assert (field, message) == ("run_if", "min_success and run_if each say when the job may start")
    with DAG("d", defaults={"trigger_rule": "all_done"}) as dag:
        a = Job("a", "true")
        a >> Job("b", "true", run_if="a.failed")
        a >> Job("c", "true")
    assert [job.rule for job in dag.version().jobs] == ["all_done", "a.failed", "all_done"]
    with DAG("d", defaults={"run_if": "a.failed"}) as dag:
        Job("a", "true")
    assert [p.message for p in dag.problems()] == ["there is no field 'run_if'"]


# --------------------------------------------------------------------------- teardowns


def cluster(**fields):
    with DAG("d") as dag:
        create = Job("create", "true")
        create >> [Job("w1", "true"), Job("w2", "true")] >> Job("merge", "true")
        Job("drop", "true", teardown_of=create, **fields)
    return dag


def test_a_teardown_comes_after_all_that_its_setup_began():
    version = cluster().version()
    assert {job.id: job.upstream for job in version.jobs}["drop"] == ("create", "merge")
    assert version.jobs[-1].id == "drop"


def test_a_teardown_runs_whatever_failed_but_not_while_its_scope_runs():
    engine = run(cluster(), "create", "w1!")
    assert engine.jobs()["merge"] == "upstream_failed"
    assert engine.jobs()["drop"] == "waiting", "w2 still uses what create made"
    task = engine.task("w2")
    engine.report(task, DONE)
    engine.offer()
    assert engine.jobs()["drop"] == "launching"


def test_a_teardown_does_not_run_where_nothing_was_set_up():
    engine = run(cluster(), "create!")
    assert engine.jobs()["drop"] == "upstream_failed"
    assert causes(engine)["drop"] == "create"


@pytest.mark.parametrize(
    ("fields", "state"), [({}, RunState.SUCCEEDED), ({"fails_run": True}, RunState.FAILED)]
)
def test_a_teardown_decides_the_run_only_when_asked_to(fields, state):
    engine = run(cluster(**fields), "create", "w1", "w2", "merge", "drop!")
    assert engine.only_run().state is state


def test_a_teardown_with_a_place_of_its_own_stays_there():
    with DAG("d") as dag:
        create, use, later = (Job(id, "true") for id in ("create", "use", "later"))
        create >> use >> Job("drop", "true", teardown_of="create")
        use >> later
    upstream = {job.id: job.upstream for job in dag.version().jobs}
    assert upstream["drop"] == ("create", "use")
    assert run(dag, "create", "use").jobs()["drop"] == "launching"


def test_nested_teardowns_go_inside_out():
    with DAG("d") as dag:
        outer, inner, work = (Job(id, "true") for id in ("outer", "inner", "work"))
        outer >> inner >> work
        Job("drop_outer", "true", teardown_of=outer)
        Job("drop_inner", "true", teardown_of=inner)
    engine = run(dag, "outer", "inner", "work!")
    assert engine.jobs()["drop_outer"] == "waiting"
    engine.report(engine.task("drop_inner"), DONE)
    engine.offer()
    assert engine.jobs()["drop_outer"] == "launching"


def test_what_follows_a_teardown_is_not_waited_for():
    with DAG("d") as dag:
        create, work = Job("create", "true"), Job("work", "true")
        create >> work
        Job("drop", "true", teardown_of=[create]) >> Job("report", "true")
    upstream = {job.id: job.upstream for job in dag.version().jobs}
    assert (upstream["drop"], upstream["report"]) == (("create", "work"), ("drop",))


def test_teardowns_are_told_their_mistakes():
    with DAG("d") as dag:
        Job("create", "true")
        Job("drop", "true", teardown_of="crate")
        Job("self", "true", teardown_of="self")
    assert problems(dag) == [
        ("teardown_of", "drop", "no job has the id 'crate'", "did you mean create?"),
        (
            "teardown_of",
            "self",
            "the job is to clean up after itself",
            "name the job that it cleans up after",
        ),
    ]


def test_a_teardown_has_nothing_to_forgive():
    with DAG("d") as dag:
        create, work = Job("create", "true"), Job("work", "true")
        create >> work >> Job("drop", "true", teardown_of=create, allow_failure=[work])
    assert [(field, remedy) for field, _, _, remedy in problems(dag)] == [
        ("allow_failure", "remove it")
    ]


def test_a_version_tells_all_of_it_again():
    with DAG("d") as dag:
        a, b = Job("a", "true"), Job("b", "true", fails_run=False)
        [a, b] >> Job("c", "true", min_success=0.5, allow_failure=[b, a])
        [a, b] >> Job("d", "true", run_if="a.done and b.done")
        Job("e", "true", teardown_of=a)
    version = dag.version()
    assert DagVersion.from_json(version.to_json(), version.id) == version
