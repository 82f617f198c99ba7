"""`moroccron runs retry`: foreseen from rows, carried out by the real engine."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from moroccron.api.schemas import RunPreviewOut
from moroccron.bootstrap.previews import StoredPreviews
from moroccron.cli.shapes import run_preview
from moroccron.model.changes import Change, DagChanged, JobRunChanged, RunChanged, VersionAdded
from moroccron.model.command import RetryRun
from moroccron.model.states import JobRunState, RunState
from moroccron.testing import EPOCH, a_dag, a_job_run, a_run, a_version
from tests.integration.cli.conftest import World

Lead = Callable[[], None]
OLD = a_version("etl", {"a": [], "b": ["a"], "c": ["b"]})
NEW = a_version("etl", {"a": [], "b": ["a"], "x": ["b"]})
ENDED = EPOCH + timedelta(days=2)
RUN = a_run(OLD, state=RunState.FAILED, ended=ENDED)
JOBS = {"a": JobRunState.SUCCEEDED, "b": JobRunState.FAILED, "c": JobRunState.UPSTREAM_FAILED}


@pytest.fixture
def etl(world: World) -> World:
    """A run that failed, of a DAG that has a newer version."""
    changes: list[Change] = [VersionAdded(version, "etl.py", EPOCH) for version in (OLD, NEW)]
    changes += [DagChanged(a_dag(NEW)), RunChanged(RUN)]
    for position, (job, state) in enumerate(JOBS.items()):
        cause = "b" if job == "c" else None
        row = a_job_run(RUN.id, job, state=state, position=position, ended=ENDED, cause=cause)
        changes.append(JobRunChanged(row))
    world.commit(changes)
    return world


def moves(world: World, *words: str) -> dict[str, str]:
    shown = world.json("runs", "retry", RUN.id, *words, "--dry-run")
    assert shown["refused"] is None
    return {move["job_id"]: move["after"] for move in shown["moves"]}


def test_a_dry_run_tells_what_would_run_and_on_which_version(etl: World) -> None:
    assert moves(etl) == {"b": "queued", "c": "waiting"}
    assert moves(etl, "--failed") == moves(etl)
    assert moves(etl, "--all") == {"a": "queued", "b": "waiting", "c": "waiting"}
    assert moves(etl, "--jobs", "a") == {"a": "queued"}
    assert moves(etl, "--jobs", "a", "--downstream") == moves(etl, "--all")
    text = etl.run("runs", "retry", "etl@latest", "--dry-run").stdout
    assert "there is a newer one: --version newest" in text
    assert "Nothing was changed." in text
    newest = etl.run("runs", "retry", RUN.id, "--version", "newest", "--dry-run").stdout
    assert "On the newest version of the DAG, not on its own." in newest
    assert "Gone from the DAG, kept as history: c." in newest
    assert "new" in newest


def test_it_runs_again(etl: World, leader: Lead) -> None:
    leader()
    assert "runs again" in etl.run("runs", "retry", RUN.id, "--version", "newest").stdout
    assert etl.queries.run(RUN.id).version_id == NEW.id
    jobs = {job.job_id: job.state.value for job in etl.queries.job_runs(RUN.id)}
    assert jobs == {"a": "succeeded", "b": "queued", "x": "waiting", "c": "upstream_failed"}
    assert etl.json("runs", "retry", RUN.id, "--jobs", "a")["status"] == "done"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--failed", "--all"), 2, "one of"),
        (("--downstream",), 2, "--jobs"),
        (("--jobs", "q", "--dry-run"), 4, "matches 'q'"),
        (("--version", "old"), 2, "newest"),
    ],
)
def test_what_cannot_be_is_told(etl: World, words: tuple[str, ...], code: int, said: str) -> None:
    result = etl.run("runs", "retry", RUN.id, *words)
    assert result.exit_code == code, result.output
    assert said in result.output


def test_the_shape_is_that_of_the_api(etl: World) -> None:
    found = StoredPreviews(etl.queries).retry_run(RetryRun(RUN.id))
    assert run_preview(found) == RunPreviewOut.of(found).model_dump(mode="json")
