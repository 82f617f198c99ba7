"""Commands that ask something of the leader, answered by the real engine, by nobody, or refused."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from click.testing import Result

from moroccron.model.changes import AttemptChanged, JobRunChanged, RunChanged
from moroccron.model.run import Run
from moroccron.model.states import AttemptState, JobRunState, KillReason, RunState
from moroccron.testing import EPOCH, a_job_run, a_run, a_run_of, a_version, an_attempt
from tests.integration.cli.conftest import World

VERSION = a_version("etl", {"a": [], "b": ["a"]}, params={"day": "monday", "n": 3, "note": None})
RUN = a_run(VERSION)

Lead = Callable[[], None]


@pytest.fixture
def etl(world: World) -> World:
    world.commit(a_run_of(VERSION, RUN))
    return world


def test_trigger_tells_the_run(etl: World, leader: Lead) -> None:
    leader()
    result = etl.run("runs", "trigger", "etl", "--param", "n=4", "--param", "day=3")
    assert result.exit_code == 0, result.output
    assert "etl@manual-1 has begun" in result.stdout
    run = etl.queries.run("etl@manual-1")
    assert run.params == {"day": "3", "n": 4, "note": None}
    assert run.requested_by


def test_trigger_json(etl: World, leader: Lead) -> None:
    leader()
    told = etl.json("runs", "trigger", "etl", "--logical-date", "2026-03-01T06:00+01:00")
    assert (told["status"], told["run_id"]) == ("done", "etl@manual-1")
    moment = etl.queries.run("etl@manual-1").logical_date
    assert moment == datetime(2026, 3, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--logical-date", "0001-01-01T00:00+14:00"), "out of bounds: use a year from 1970"),
        (("--logical-date", "3000-01-01"), "out of bounds: use a year from 1970 to 2999"),
        (("--param", "n=NaN"), "must be an integer"),
        (("--param", "note=" + "[" * 40 + "]" * 40), "nested more than 32 levels deep"),
        (("--param", "n=" + "[" * 20_000 + "]" * 20_000), "is no integer"),
        (("--param", "day=" + "x" * 65_536), "are too large"),
        (("--param", "dya=1"), "no param 'dya' of etl; did you mean day?"),
        (("--param", "day"), "'day' is not NAME=VALUE"),
        (("--params-json", "[1]"), "must be an object"),
        (("--params-json", '{"n": "x"}'), "must be an integer"),
    ],
)
def test_what_no_run_can_be_about_is_refused(
    etl: World, words: tuple[str, str], complaint: str
) -> None:
    result = etl.run("runs", "trigger", "etl", *words)
    assert result.exit_code == 2
    assert complaint in " ".join(result.stderr.split())
    assert not etl.store.unanswered_commands(0, 10)


def test_without_a_leader_the_command_stays(etl: World) -> None:
    result = etl.run("runs", "trigger", "etl", "--timeout", "0.05")
    assert result.exit_code == 5
    assert "stored as command 1" in result.stderr
    assert "do not ask twice" in result.stderr
    [command] = etl.store.unanswered_commands(0, 10)
    assert command.id == 1


def test_pause_and_unpause(etl: World, leader: Lead) -> None:
    leader()
    assert "no scheduled runs begin" in etl.run("dags", "pause", "etl").stdout
    assert etl.queries.dag("etl").state.paused
    assert "paused" in etl.run("dags", "list").stdout
    assert etl.json("dags", "unpause", "etl")["status"] == "done"
    assert not etl.queries.dag("etl").state.paused


def test_kill_asks_nobody_without_a_terminal(etl: World, leader: Lead) -> None:
    leader()
    result = etl.run("runs", "kill", RUN.id)
    assert result.exit_code == 0, result.output
    assert etl.queries.run(RUN.id).kill is KillReason.REQUESTED


def test_kill_asks_on_a_terminal(etl: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(text: str, **_: object) -> None:
        asked.append(text)
        raise SystemExit(1)

    monkeypatch.setattr("moroccron.cli.runs.is_terminal", lambda: True)
    monkeypatch.setattr("click.confirm", refuse)
    assert etl.run("runs", "kill", RUN.id).exit_code == 1
    assert asked == [f"End run {RUN.id}, with 2 of its 2 jobs not over yet?"]
    assert not etl.store.unanswered_commands(0, 10)


def test_what_is_over_cannot_be_killed(etl: World) -> None:
    over = a_run(VERSION, day=1, state=RunState.SUCCEEDED, ended=EPOCH)
    etl.commit([RunChanged(over)])
    result = etl.run("runs", "kill", over.id)
    assert result.exit_code == 4
    assert "is over: succeeded" in result.stderr


def test_a_refusal_says_why(etl: World, leader: Lead) -> None:
    leader()
    result = etl.run("jobs", "retry", RUN.id, "a")
    assert result.exit_code == 4
    assert "only a job that is over can be retried" in result.stderr


def test_retry(etl: World, leader: Lead) -> None:
    failed = a_job_run(RUN.id, "a", state=JobRunState.FAILED, attempts=1, failures=1)
    attempt = an_attempt(RUN.id, "a", state=AttemptState.FAILED, ended=EPOCH, exit_code=1)
    etl.commit([JobRunChanged(failed), AttemptChanged(attempt)])
    leader()
    result = etl.run("jobs", "retry", "etl@latest", "a")
    assert result.exit_code == 0, result.output
    assert [each.number for each in etl.queries.attempts(RUN.id, "a")] == [1, 2]


def test_a_mark_and_what_it_would_do(etl: World, leader: Lead) -> None:
    failed = a_job_run(RUN.id, "a", state=JobRunState.FAILED, attempts=1, failures=1)
    attempt = an_attempt(RUN.id, "a", state=AttemptState.FAILED, ended=EPOCH, exit_code=1)
    closed = a_job_run(
        RUN.id, "b", position=1, state=JobRunState.UPSTREAM_FAILED, cause="a", ended=EPOCH
    )
    etl.commit([JobRunChanged(failed), AttemptChanged(attempt), JobRunChanged(closed)])
    shown = etl.run("jobs", "mark", RUN.id, "a", "succeeded", "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert "Nothing was changed." in shown.stdout
    moves = etl.json("jobs", "retry", RUN.id, "a", "--dry-run")["follows"]
    assert moves == [
        {"job_id": "b", "before": "upstream_failed", "after": "waiting", "cause": None}
    ]
    refused = etl.run("jobs", "mark", RUN.id, "a", "failed", "--dry-run")
    assert (refused.exit_code, "failed already" in refused.stderr) == (4, True)
    assert [job.state for job in etl.queries.job_runs(RUN.id)][:2] == [failed.state, closed.state]
    leader()
    result = etl.run("jobs", "mark", RUN.id, "a", "succeeded")
    assert result.exit_code == 0, result.output
    a, b = etl.queries.job_runs(RUN.id)[:2]
    assert (a.state, a.mark, b.state) == (JobRunState.SUCCEEDED, a.state, JobRunState.QUEUED)
    assert f"marked succeeded by {a.marked_by}" in etl.run("jobs", "list", RUN.id).stdout


@pytest.mark.parametrize(
    ("state", "code", "words"),
    [(RunState.SUCCEEDED, 0, "✔ succeeded"), (RunState.KILLED, 1, "■ killed")],
)
def test_wait_ends_as_the_run_ended(
    etl: World, leader: Lead, state: RunState, code: int, words: str
) -> None:
    result = _trigger_and_end(etl, leader, state)
    assert result.exit_code == code, result.output
    assert words in result.stdout
    assert "has begun" in result.stderr


def test_wait_json(etl: World, leader: Lead) -> None:
    result = _trigger_and_end(etl, leader, RunState.FAILED, "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["id"], told["state"], len(told["jobs"])) == ("etl@manual-1", "failed", 2)


def _trigger_and_end(etl: World, leader: Lead, state: RunState, *words: str) -> Result:
    """Trigger and wait, while somebody else writes that the run is over."""
    leader()
    ended = threading.Event()

    def end() -> None:
        while not ended.wait(0.02):
            for run in etl.queries.runs(states=[RunState.RUNNING]):
                if run.id == "etl@manual-1":
                    return _write_end(etl, run, state)

    thread = threading.Thread(target=end)
    thread.start()
    try:
        return etl.run("runs", "trigger", "etl", "--wait", "--wait-timeout", "20", *words)
    finally:
        ended.set()
        thread.join(10)


def _write_end(etl: World, run: Run, state: RunState) -> None:
    """As a new leader would."""
    term = etl.store.begin_term("the end")
    etl.store.commit(term, [RunChanged(replace(run, state=state, ended=datetime.now(UTC)))])


def test_wait_does_not_wait_for_ever(etl: World, leader: Lead) -> None:
    leader()
    result = etl.run("runs", "trigger", "etl", "--wait", "--wait-timeout", "0.1")
    assert result.exit_code == 5
    assert "is not over after 0.1 s; it goes on" in result.stderr


def test_params_as_one_object_and_single_ones_over_it(etl: World, leader: Lead) -> None:
    leader()
    whole = '{"n": 4, "note": {"a": [1]}}'
    etl.run("runs", "trigger", "etl", "--params-json", whole, "--param", "n=5")
    assert etl.queries.run("etl@manual-1").params == {"day": "monday", "n": 5, "note": {"a": [1]}}
