"""The engine: outputs are read before an end counts, and choose the way; what cannot be read is asked for again."""

import json

import pytest

from moroccron.model.command import MarkJob, RetryJob, TriggerRun
from moroccron.model.dag_version import TriggerRule
from moroccron.model.effects import Acknowledge, ReadOutput
from moroccron.model.events import OutputRead
from moroccron.model.outputs import MOST, Keeps
from moroccron.model.states import JobRunState, ReportedState
from moroccron.testing import a_job, a_version
from moroccron.testing.engine import Engine

R = ReportedState


def finished(*jobs, job="a", **fields):
    """A run whose first job has finished, and whose output is to be read."""
    engine = Engine(a_version(jobs=jobs, **fields))
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    engine.offer()
    engine.report(engine.task(job), R.RUNNING)
    engine.report(engine.task(job), R.FINISHED, exit_code=0, sandbox="/sandbox")
    return engine


def hand_on(engine, value, job="a"):
    data = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
    return engine.send(OutputRead(engine.task(job), data))


def acknowledged(engine, task_id=None):
    uuid = f"u-{task_id or engine.task('a')}-finished"
    return [e for e in engine.sent(Acknowledge) if e.uuid == uuid]


def needs(**fields):
    return a_job("a", output=Keeps.REQUIRED, **fields)


def test_an_end_counts_once_its_output_is_read():
    engine = finished(needs(), a_job("b", upstream=("a",)))
    (asked,) = engine.sent(ReadOutput)
    assert (asked.attempt.job_id, asked.attempt.sandbox) == ("a", "/sandbox")
    assert engine.jobs() == {"a": "running", "b": "waiting"}
    assert not acknowledged(engine), "whoever leads next is to hear of it"
    hand_on(engine, {"rows": [1, 2]})
    assert engine.jobs() == {"a": "succeeded", "b": "queued"}
    assert engine.attempts("a")[0].output == '{"rows":[1,2]}'
    assert len(acknowledged(engine)) == 1


def test_who_hands_nothing_on_is_not_asked():
    engine = finished(a_job("a"))
    assert not engine.sent(ReadOutput)
    assert engine.jobs() == {"a": "succeeded"}


def test_it_is_read_again_by_the_next_leader():
    engine = finished(needs())
    engine.crash()
    engine.subscribe()
    hand_on(engine, "late")  # what the last leader asked for is nobody's any more
    assert engine.jobs() == {"a": "running"}
    engine.report(engine.task("a"), R.FINISHED, exit_code=0, sandbox="/sandbox")
    assert len(engine.sent(ReadOutput)) == 2
    hand_on(engine, "now")
    assert engine.attempts("a")[0].output == '"now"'


def test_a_repetition_asks_no_second_time_and_is_acknowledged_once():
    engine = finished(needs())
    engine.report(engine.task("a"), R.FINISHED, exit_code=0)
    assert len(engine.sent(ReadOutput)) == 1
    hand_on(engine, 1)
    hand_on(engine, 2)
    assert engine.attempts("a")[0].output == "1"
    assert len(acknowledged(engine)) == 1


@pytest.mark.parametrize("state", [R.UNREACHABLE, R.LOST, R.GONE, R.UNKNOWN, R.RUNNING])
def test_what_has_finished_stays_finished(state):
    engine = finished(needs())
    engine.report(engine.task("a"), state, uuid=None)
    hand_on(engine, 1)
    assert engine.jobs() == {"a": "succeeded"}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"x" * (MOST + 1), f"larger than {MOST} bytes"),
        (b'{"a": 1', "not JSON: Expecting ',' delimiter, at line 1 column 8"),
        (b"", "not JSON"),
        (b"\xff", "not UTF-8, at byte 0"),
        (b"[NaN]", "NaN is no JSON number"),
        (b"[" * 60_000, "not JSON that can be kept"),
        (None, "wrote nothing to $MOROCCRON_OUTPUT"),
    ],
)
def test_a_bad_output_fails_the_attempt_and_uses_up_a_retry(data, why):
    engine = finished(needs(retries=1), a_job("b", upstream=("a",)))
    hand_on(engine, data)
    first = engine.attempts("a")[0]
    assert (first.state, first.reason, first.failure) == ("failed", "output", "job")
    assert why in first.message
    assert first.output is None
    assert engine.jobs() == {"a": "queued", "b": "waiting"}
    assert len(acknowledged(engine, first.task_id)) == 1


def test_one_that_is_not_needed_may_be_missing():
    engine = finished(a_job("a", output=Keeps.OPTIONAL))
    hand_on(engine, None)
    assert engine.jobs() == {"a": "succeeded"}
    assert engine.attempts("a")[0].output is None


def trouble(engine):
    return engine.send(OutputRead(engine.task("a"), trouble="the agent does not answer"))


def test_what_cannot_be_read_is_asked_for_again_ever_more_rarely():
    engine = finished(needs())
    asked = []
    for pause in (1, 2, 4, 8):
        trouble(engine)
        engine.pass_time(pause - 0.5)
        asked.append(len(engine.sent(ReadOutput)))
        engine.pass_time(0.5)
    assert asked == [1, 2, 3, 4]
    assert len(engine.sent(ReadOutput)) == 5
    hand_on(engine, 1)
    assert engine.jobs() == {"a": "succeeded"}


@pytest.mark.parametrize(("keeps", "ends"), [("required", "lost"), ("optional", "succeeded")])
def test_after_five_minutes_it_is_given_up(keeps, ends):
    engine = finished(a_job("a", output=Keeps(keeps)))
    for _ in range(30):
        if engine.attempts("a")[0].state != "running":
            break
        trouble(engine)
        engine.pass_time(30)
    first = engine.attempts("a")[0]
    assert first.state == ends
    assert "the agent does not answer" in first.message
    assert 300 <= (engine.now - engine.at(0)).total_seconds() <= 400
    (job_run,) = engine.job_runs()
    assert job_run.failures == 0, "it costs no retry"


def test_a_mark_counts_when_the_output_is_there():
    engine = finished(needs())
    engine.ask(MarkJob(engine.only_run().id, "a", JobRunState.FAILED))
    hand_on(engine, 1)
    assert engine.jobs() == {"a": "failed"}


# ------------------------------------------------------------------ choosing

BRANCHED = (
    a_job("a", output=Keeps.REQUIRED, branch=True),
    a_job("left", upstream=("a",)),
    a_job("right", upstream=("a",)),
    a_job("after-right", upstream=("right",)),
    a_job("join", upstream=("a", "left"), trigger_rule=TriggerRule.ALL_SUCCESS),
)


@pytest.mark.parametrize("choice", ["left", ["left"]])
def test_a_branch_goes_where_its_output_says(choice):
    engine = finished(*BRANCHED)
    hand_on(engine, choice)
    assert engine.jobs() == {
        "a": "succeeded",
        "left": "queued",
        "right": "skipped",
        "after-right": "skipped",
        "join": "waiting",
    }
    rows = {row.job_id: row for row in engine.job_runs()}
    assert rows["a"].followed == ("join", "left"), "the join lies behind what was chosen"
    assert (rows["right"].cause, rows["after-right"].cause) == ("a", "right")


@pytest.mark.parametrize("nothing", [b"null", []])
def test_a_branch_may_go_nowhere(nothing):
    engine = finished(*BRANCHED)
    hand_on(engine, nothing)
    assert set(engine.jobs().values()) == {"succeeded", "skipped"}
    assert engine.only_run().state == "succeeded"


@pytest.mark.parametrize(
    ("choice", "why"),
    [
        ("middle", "names 'middle' to follow; directly downstream are join, left, right"),
        ("after-right", "names 'after-right'"),
        (7, "has to be the name of a job, or a list of names"),
        ([["left"]], "has to be the name of a job"),
    ],
)
def test_a_branch_that_names_no_way_has_failed(choice, why):
    engine = finished(*BRANCHED)
    hand_on(engine, choice)
    assert why in engine.attempts("a")[0].message
    assert engine.jobs()["a"] == "failed"


def test_which_way_was_chosen_outlives_a_leader():
    engine = finished(*BRANCHED)
    hand_on(engine, "right")
    before = engine.jobs()
    engine.crash()
    engine.subscribe()
    engine.view.check()
    assert engine.jobs() == before
    assert before["left"] == "skipped"


def test_a_retry_chooses_anew():
    engine = finished(*BRANCHED)
    hand_on(engine, [])
    run_id = engine.only_run().id
    engine.ask(RetryJob(run_id, "a"))
    assert engine.jobs()["right"] == "waiting"
    engine.offer()
    engine.report(engine.task("a"), R.FINISHED, exit_code=0, sandbox="/s")
    hand_on(engine, "right")
    assert engine.jobs()["right"] == "queued"
    assert engine.jobs()["left"] == "skipped"


@pytest.mark.parametrize(
    ("value", "goes_on"), [(True, True), ([0], True), (False, False), (b"null", False), ([], False)]
)
def test_a_short_circuit(value, goes_on):
    engine = finished(
        a_job("a", output=Keeps.REQUIRED, short_circuit=True),
        a_job("b", upstream=("a",)),
        a_job("always", upstream=("a",), trigger_rule=TriggerRule.ALL_DONE),
    )
    hand_on(engine, value)
    assert engine.jobs()["b"] == ("queued" if goes_on else "skipped")
    assert engine.jobs()["always"] == "queued", "its rule bears what is skipped"


def test_an_exit_code_may_say_that_there_was_nothing_to_do():
    engine = Engine(
        a_version(jobs=(a_job("a", skip_exit_code=99, retries=3), a_job("b", upstream=("a",))))
    )
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    engine.offer()
    engine.report(engine.task("a"), R.RUNNING)
    engine.report(engine.task("a"), R.FAILED, exit_code=99, reason="command_failed")
    assert engine.jobs() == {"a": "skipped", "b": "skipped"}
    (attempt,) = engine.attempts("a")
    assert (attempt.state, attempt.exit_code, attempt.reason) == ("succeeded", 99, "skip_exit_code")
    assert engine.only_run().state == "succeeded"
