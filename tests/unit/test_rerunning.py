"""Running a run again: what runs, what waits, what stays; on its own version and on the newest."""

import pytest

from moroccron.core.rerunning import preview_rerun
from moroccron.model.backfill import VersionChoice
from moroccron.model.command import KillRun, MarkJob, Outcome, Rerun, RetryRun, TriggerRun
from moroccron.model.dag_version import DagVersion, TriggerRule
from moroccron.model.preview import RunPreview
from moroccron.model.states import JobRunState, ReportedState, RunState
from moroccron.testing import a_job, a_version
from moroccron.testing.engine import Engine

CHAIN = {"a": [], "b": ["a"], "c": ["b"]}
RUN = "d@manual-1"
NEWEST = VersionChoice.NEWEST


def ended(version: DagVersion, *failing: str) -> Engine:
    """A run that is over, in which these jobs failed."""
    engine = Engine(version)
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    play(engine, *failing)
    return engine


def play(engine: Engine, *failing: str) -> None:
    """To the end: these jobs fail, all others succeed."""
    while True:
        engine.offer(64_000, 64_000)
        live = [(a.task_id, a.job_id) for a in engine.view.live_attempts() if a.task_id]
        for task, job_id in live:
            bad = job_id in failing
            engine.report(task, ReportedState.FAILED if bad else ReportedState.FINISHED)
        engine.pass_time(1)
        if not live:
            return


def foreseen(engine: Engine, wish: RetryRun) -> RunPreview:
    run = engine.store.run(RUN)
    versions = (engine.store.version(run.version_id), engine.store.dag("d").version)
    return preview_rerun(run, *versions, engine.store.job_runs(RUN), wish)


def again(engine: Engine, wish: RetryRun, *failing: str) -> dict[str, int]:
    """Have it run again, as its preview says; attempts by job at the end."""
    before = engine.jobs()
    preview = foreseen(engine, wish)
    assert preview.refused is None
    answer = engine.ask(wish)
    assert answer.outcome is Outcome.DONE, answer
    said = before | dict.fromkeys(preview.new, "waiting")
    said |= {move.job_id: str(move.after) for move in preview.moves}
    assert {job: s.replace("launching", "queued") for job, s in engine.jobs().items()} == said
    play(engine, *failing)
    return tries(engine)


def tries(engine: Engine) -> dict[str, int]:
    return {job.job_id: job.attempts for job in engine.job_runs()}


def refused(engine: Engine, wish: RetryRun) -> str:
    answer = engine.ask(wish)
    assert answer.outcome is Outcome.REFUSED
    assert foreseen(engine, wish).refused == answer.detail
    return answer.detail


def test_from_where_it_failed() -> None:
    engine = ended(a_version(jobs=CHAIN), "b")
    assert engine.jobs() == {"a": "succeeded", "b": "failed", "c": "upstream_failed"}
    assert again(engine, RetryRun(RUN)) == {"a": 1, "b": 2, "c": 1}
    assert engine.only_run().state is RunState.SUCCEEDED


def test_several_that_failed_each_in_its_turn() -> None:
    cleanup = a_job("c", ["b"], trigger_rule=TriggerRule.ALL_DONE)
    engine = ended(a_version(jobs=[a_job("a"), a_job("b", ["a"]), cleanup]), "b", "c")
    engine.ask(RetryRun(RUN))
    assert {job: state for job, state in engine.jobs().items() if job != "a"} == {
        "b": "queued",
        "c": "waiting",  # it failed as well, and waits for what it comes after
    }
    play(engine)
    assert tries(engine) == {"a": 1, "b": 2, "c": 2}


def test_all_of_it() -> None:
    engine = ended(a_version(jobs=CHAIN))
    assert again(engine, RetryRun(RUN, Rerun.ALL)) == {"a": 2, "b": 2, "c": 2}


def test_named_jobs_with_or_without_what_is_downstream() -> None:
    engine = ended(a_version(jobs=CHAIN))
    assert again(engine, RetryRun(RUN, Rerun.JOBS, "b")) == {"a": 1, "b": 2, "c": 1}
    wish = RetryRun(RUN, Rerun.JOBS, "b", downstream=True)
    assert again(engine, wish) == {"a": 1, "b": 3, "c": 2}
    assert again(engine, RetryRun(RUN, Rerun.JOBS, "[ac]")) == {"a": 2, "b": 3, "c": 3}


def test_a_named_job_runs_though_what_is_upstream_of_it_failed() -> None:
    engine = ended(a_version(jobs=CHAIN), "a")
    assert again(engine, RetryRun(RUN, Rerun.JOBS, "c")) == {"a": 1, "b": 0, "c": 1}
    assert engine.only_run().state is RunState.FAILED


def test_a_mark_gives_way() -> None:
    engine = ended(a_version(jobs=CHAIN))
    engine.ask(MarkJob(RUN, "b", JobRunState.FAILED))
    assert again(engine, RetryRun(RUN)) == {"a": 1, "b": 2, "c": 1}


def test_a_killed_run_goes_on_from_where_it_was() -> None:
    engine = Engine(a_version(jobs=CHAIN))
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    engine.offer()
    engine.ask(KillRun(RUN))
    assert "being killed" in refused(engine, RetryRun(RUN))
    engine.report(engine.task("a"), ReportedState.KILLED)
    assert engine.only_run().state is RunState.KILLED
    assert again(engine, RetryRun(RUN)) == {"a": 2, "b": 1, "c": 1}
    assert engine.only_run().state is RunState.SUCCEEDED


def test_what_is_at_work_is_let_be() -> None:
    engine = Engine(a_version(jobs={"a": [], "b": []}))
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    engine.offer()
    engine.report(engine.task("a"), ReportedState.FAILED)
    preview = foreseen(engine, RetryRun(RUN, Rerun.ALL))
    assert preview.at_work == ("b",)
    engine.ask(RetryRun(RUN, Rerun.ALL))
    play(engine)
    assert tries(engine) == {"a": 2, "b": 1}


def test_what_cannot_be_is_refused_as_foreseen() -> None:
    engine = ended(a_version(jobs=CHAIN))
    assert "has failed" in refused(engine, RetryRun(RUN))
    assert "matches 'x'" in refused(engine, RetryRun(RUN, Rerun.JOBS, "x"))
    answer = engine.ask(RetryRun("d@manual-9"))
    assert "no run d@manual-9" in answer.detail


# --------------------------------------------------------------------------- on the newest version


def test_on_its_own_version_unless_the_newest_is_asked_for() -> None:
    old, new = (
        a_version(jobs=[a_job("a", command="old")]),
        a_version(jobs=[a_job("a", command="new")]),
    )
    for choice, command, version in ((VersionChoice.OWN, "old", old), (NEWEST, "new", new)):
        engine = ended(old, "a")
        engine.load(new)
        assert foreseen(engine, RetryRun(RUN, version=choice)).version_id == version.id
        assert again(engine, RetryRun(RUN, version=choice)) == {"a": 2}
        assert [launch.command for launch in engine.launches.values()] == ["old", command]
        assert engine.only_run().version_id == version.id


@pytest.mark.parametrize("crash", [False, True])
def test_jobs_that_are_new_run_and_those_that_are_gone_are_kept(crash: bool) -> None:
    """b is gone, x comes before c, and y after all."""
    engine = ended(a_version(jobs=CHAIN), "b")
    engine.load(a_version(jobs={"a": [], "x": ["a"], "c": ["x"], "y": ["c"]}))
    wish = RetryRun(RUN, version=NEWEST)
    preview = foreseen(engine, wish)
    assert (preview.new, preview.gone) == (("x", "y"), ("b",))
    assert engine.ask(wish).outcome is Outcome.DONE
    if crash:
        engine.crash()
        engine.subscribe()
    play(engine)
    assert engine.jobs() == {
        "a": "succeeded",
        "x": "succeeded",
        "c": "succeeded",
        "y": "succeeded",
        "b": "failed",
    }
    assert engine.only_run().state is RunState.SUCCEEDED
    assert [job.position for job in engine.job_runs()] == [0, 1, 2, 3, 4]
    assert len(engine.attempts("b")) == 1


def test_a_job_that_comes_back_uses_no_attempt_again() -> None:
    first = a_version(jobs=CHAIN)
    engine = ended(first, "b", "c")
    engine.load(a_version(jobs={"a": []}))
    engine.ask(RetryRun(RUN, Rerun.ALL, version=NEWEST))
    play(engine)
    assert tries(engine) == {"a": 2, "b": 1, "c": 0}
    engine.crash()
    engine.subscribe()
    engine.load(first)
    assert again(engine, RetryRun(RUN, version=NEWEST)) == {"a": 2, "b": 2, "c": 1}
    assert engine.jobs() == {"a": "succeeded", "b": "succeeded", "c": "succeeded"}


def test_a_run_that_only_lost_its_failed_job_is_judged_anew() -> None:
    engine = ended(a_version(jobs={"a": [], "b": []}), "b")
    engine.load(a_version(jobs={"a": []}))
    engine.ask(RetryRun(RUN, version=NEWEST))
    assert engine.only_run().state is RunState.SUCCEEDED


def test_a_new_default_is_there_and_what_was_given_stays() -> None:
    engine = Engine(a_version(params={"n": 1}))
    engine.subscribe()
    engine.ask(TriggerRun("d", {"n": 5}))
    play(engine, "a")
    engine.load(a_version(params={"n": 2, "m": 3}))
    engine.ask(RetryRun(RUN, version=NEWEST))
    assert engine.only_run().params == {"n": 5, "m": 3}


def test_a_run_that_is_not_over_stays_on_its_version() -> None:
    engine = Engine(a_version(jobs=CHAIN))
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    engine.offer()
    engine.report(engine.task("a"), ReportedState.FINISHED)
    engine.load(a_version(jobs={"a": []}))
    assert "is not over" in refused(engine, RetryRun(RUN, Rerun.ALL, version=NEWEST))


def test_timers_of_jobs_that_are_gone_ring_in_vain() -> None:
    slow = a_job("a", start_within=500.0, job_timeout=600.0)
    engine = Engine(a_version(jobs=[slow, a_job("b")]))
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    engine.pass_time(1)
    play(engine, "a", "b")
    engine.load(a_version(jobs=["b"]))
    engine.ask(RetryRun(RUN, version=NEWEST))
    engine.pass_time(1000)
    assert engine.jobs() == {"b": "queued", "a": "failed"}
