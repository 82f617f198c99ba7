"""The resolver against a naive oracle, on random graphs, outcomes and orders of arrival."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from moroccron.core.amending import preview
from moroccron.core.rerunning import preview_rerun
from moroccron.core.resolver import resolve_fully
from moroccron.core.rules import RuleVerdict as V
from moroccron.core.rules import judge_of
from moroccron.core.tally import COUNTED, Tally, kind_of
from moroccron.core.tally import Kind as K
from moroccron.model.backfill import CreateBackfill
from moroccron.model.command import MarkJob, Outcome, Rerun, RetryJob, RetryRun, TriggerRun
from moroccron.model.dag_version import TriggerRule
from moroccron.model.graph import between
from moroccron.model.schedule import Every
from moroccron.model.states import MARKS, JobRunState, ReportedState
from moroccron.model.states import ReportedState as R
from moroccron.testing import EPOCH, a_job, a_version
from moroccron.testing.engine import Engine

J = JobRunState
#: rules under which a failure is no reason not to run
ONLY_SKIPPED = {
    TriggerRule.ALL_FAILED,
    TriggerRule.ALL_SKIPPED,
    TriggerRule.ONE_FAILED,
    TriggerRule.NONE_SKIPPED,
}


@st.composite
def rules(draw, upstream):
    """When a job with these upstream jobs may start, and whose failure it bears."""
    if upstream and draw(st.integers(0, 7)) == 0:
        setups = draw(st.sets(st.sampled_from(upstream), min_size=1))
        return {"teardown_of": tuple(sorted(setups)), "fails_run": False}
    rule = {"trigger_rule": draw(st.sampled_from(list(TriggerRule)))}
    if upstream and draw(st.booleans()):
        rule["allow_failure"] = tuple(sorted(draw(st.sets(st.sampled_from(upstream)))))
    if upstream and draw(st.integers(0, 5)) == 0:
        rule["min_success"] = draw(st.integers(1, len(upstream)))
    return rule


@st.composite
def graphs(draw):
    """Up to twelve jobs in topological order, each with some of the earlier ones upstream."""
    size = draw(st.integers(1, 12))
    jobs = []
    for n in range(size):
        parents = draw(st.sets(st.integers(0, n - 1), max_size=4)) if n else set()
        ids = sorted(f"j{p}" for p in parents)
        jobs.append(a_job(f"j{n}", ids, **draw(rules(ids))))
    return jobs


def naive(jobs, fails):
    """Final states by going through the jobs in order, reading the rules as plain sentences."""
    states = {}
    for job in jobs:
        forgiven = dict.fromkeys(job.allow_failure, J.SUCCEEDED)
        up = [
            forgiven.get(parent, states[parent]) if states[parent].is_failure else states[parent]
            for parent in job.upstream
        ]
        bad = [s for s in up if s in (J.FAILED, J.UPSTREAM_FAILED)]
        good = [s for s in up if s is J.SUCCEEDED]
        if not up:
            run = True
        elif job.teardown_of:
            bad = [p for p in job.teardown_of if states[p] in (J.FAILED, J.UPSTREAM_FAILED)]
            run = any(states[parent] is J.SUCCEEDED for parent in job.teardown_of)
        elif job.min_success is not None:
            run = len(good) >= job.min_success
        else:
            run = {
                TriggerRule.ALL_SUCCESS: len(good) == len(up),
                TriggerRule.ALL_FAILED: len(bad) == len(up),
                TriggerRule.ALL_DONE: True,
                TriggerRule.ALL_DONE_MIN_ONE_SUCCESS: bool(good),
                TriggerRule.ALL_SKIPPED: not good and not bad,
                TriggerRule.ONE_SUCCESS: bool(good),
                TriggerRule.ONE_FAILED: bool(bad),
                TriggerRule.ONE_DONE: bool(good) or J.FAILED in up,
                TriggerRule.NONE_FAILED: not bad,
                TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS: bool(good) and not bad,
                TriggerRule.NONE_SKIPPED: J.SKIPPED not in up,
                TriggerRule.ALWAYS: True,
            }[job.trigger_rule]
        if run:
            states[job.id] = J.FAILED if job.id in fails else J.SUCCEEDED
        elif bad and (job.min_success or job.teardown_of or job.trigger_rule not in ONLY_SKIPPED):
            states[job.id] = J.UPSTREAM_FAILED
        else:
            states[job.id] = J.SKIPPED
    return {job: str(state) for job, state in states.items()}


def play(jobs, fails, choose):
    """Run to the end, ending one live job at a time as `choose` picks it."""
    engine = Engine(a_version(jobs=jobs))
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    return play_on(engine, fails, choose)


def play_on(engine, fails, choose):
    while True:
        engine.offer()
        run = engine.view.runs.get(engine.only_run().id)
        if run is None:
            return engine.jobs()
        assert resolve_fully(run) == [], "looking at every job found more than looking at some"
        live = sorted(engine.view.live.items())
        assert live, f"nothing runs and yet {engine.jobs()}"
        task, key = live[choose(len(live))]
        ending = ReportedState.FAILED if key.job_id in fails else ReportedState.FINISHED
        engine.report(task, ending)


def amended(jobs, job_runs, wish):
    """States after an amendment, from the definition: all jobs anew in order, all counts from nothing."""
    new = {}
    for job, row in zip(jobs, job_runs, strict=True):
        if job.id == wish.job_id:
            new[job.id] = wish.state if isinstance(wish, MarkJob) else J.QUEUED
            continue
        new[job.id] = row.state
        if row.state is not J.WAITING and (row.cause is None or row.mark is not None):
            continue
        up = [(parent, new[parent]) for parent in job.upstream]
        kinds = [
            K.SUCCEEDED if p in job.allow_failure and s.is_failure else kind_of(s) for p, s in up
        ]
        if job.teardown_of:
            edges = {other.id: other.upstream for other in jobs}
            scope = between(edges, job.teardown_of, job.id) | set(job.upstream)
            kinds = [kind_of(new[setup]) for setup in job.teardown_of]
            others = [new[other] for other in scope - set(job.teardown_of)]
            kinds += [K.OPEN for state in others if not state.is_terminal]
        tally = Tally(*(kinds.count(kind) for kind in COUNTED))
        verdict = judge_of(job)(tally) if up else V.RUN
        new[job.id] = {
            V.RUN: J.QUEUED,
            V.WAIT: J.WAITING,
            V.SKIP: J.SKIPPED,
            V.UPSTREAM_FAILED: J.UPSTREAM_FAILED,
        }[verdict]
    return {job: str(state) for job, state in new.items()}


@settings(max_examples=200, deadline=None)
@given(graphs(), st.data())
def test_an_amendment_does_what_its_preview_says_and_that_is_what_the_rules_say(jobs, data):
    version = a_version(jobs=jobs)
    engine = Engine(version)
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    run_id = engine.only_run().id
    for _ in range(data.draw(st.integers(0, len(jobs)))):
        engine.offer()
        if live := sorted(engine.view.live):
            task = live[data.draw(st.integers(0, len(live) - 1))]
            engine.report(task, data.draw(st.sampled_from([R.FAILED, R.FINISHED])))
    for _ in range(2):
        job_id = data.draw(st.sampled_from([job.id for job in jobs]))
        marks = [MarkJob(run_id, job_id, state) for state in sorted(MARKS)]
        wish = data.draw(st.sampled_from([*marks, RetryJob(run_id, job_id)]))
        before = engine.job_runs()
        foreseen = preview(engine.only_run(), version, before, wish)
        answer = engine.ask(wish)
        assert (answer.outcome is Outcome.REFUSED) == (foreseen.refused is not None)
        if foreseen.refused is not None or foreseen.ends_attempt:
            continue
        said = {row.job_id: str(row.state) for row in before}
        said |= {move.job_id: str(move.after) for move in (foreseen.job, *foreseen.follows)}
        assert said == amended(jobs, before, wish)
        done = {job: s.replace("launching", "queued") for job, s in engine.jobs().items()}
        was = {job: s.replace("launching", "queued") for job, s in said.items()}
        assert done == was
        causes = {move.job_id: move.cause for move in foreseen.follows}
        assert {job.job_id: job.cause for job in engine.job_runs()}.items() >= causes.items()


@settings(max_examples=150, deadline=None)
@given(graphs(), st.data())
def test_final_states_equal_the_oracle_whatever_the_order_of_arrival(jobs, data):
    fails = data.draw(st.sets(st.sampled_from([job.id for job in jobs])))
    expected = naive(jobs, fails)
    for _ in range(2):
        choose = lambda n: data.draw(st.integers(0, n - 1))  # noqa: E731
        assert play(jobs, fails, choose) == expected


@settings(max_examples=150, deadline=None)
@given(graphs(), st.data())
def test_what_is_left_out_is_to_the_others_as_if_it_were_not_there(jobs, data):
    digits = data.draw(st.sets(st.sampled_from("0123456789"[: len(jobs)]), min_size=1))
    chosen = {f"j{digit}" for digit in digits}
    only = lambda ids: tuple(id for id in ids if id in chosen)  # noqa: E731
    smaller = [
        replace(
            job,
            upstream=only(job.upstream),
            allow_failure=only(job.allow_failure),
            teardown_of=only(job.teardown_of),
        )
        for job in jobs
        if job.id in chosen
    ]
    # without any of its setups a teardown is skipped: there is nothing to clean up
    setups = [job.teardown_of for job in jobs if job.id in chosen and job.teardown_of]
    assume(all(only(of_one) for of_one in setups))
    fails = data.draw(st.sets(st.sampled_from(sorted(chosen))))
    engine = Engine(a_version(jobs=jobs, schedule=Every(86400)))
    engine.subscribe()
    day = timedelta(days=1)
    pattern = f"j[{''.join(sorted(digits))}]"
    engine.ask(CreateBackfill("d", EPOCH - day, EPOCH, jobs=pattern))
    engine.pass_time(1)
    found = play_on(engine, fails, lambda n: data.draw(st.integers(0, n - 1)))
    left_out = {job.id: "not_selected" for job in jobs if job.id not in chosen}
    assert found == naive(smaller, fails) | left_out


@settings(max_examples=150, deadline=None)
@given(graphs(), st.data())
def test_running_again_does_what_its_preview_says_and_comes_to_the_same_end(jobs, data):
    version = a_version(jobs=jobs)
    engine = Engine(version)
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    run_id = engine.only_run().id
    ids = [job.id for job in jobs]
    choose = lambda n: data.draw(st.integers(0, n - 1))  # noqa: E731
    play_on(engine, data.draw(st.sets(st.sampled_from(ids))), choose)
    pattern = f"j[{''.join(sorted(data.draw(st.sets(st.sampled_from('0123456789'), min_size=1))))}]"
    scope = data.draw(st.sampled_from(Rerun))
    wish = RetryRun(run_id, scope, pattern, downstream=data.draw(st.booleans()))
    before = engine.job_runs()
    foreseen = preview_rerun(engine.only_run(), version, version, before, wish)
    answer = engine.ask(wish)
    assert (answer.outcome is Outcome.REFUSED) == (foreseen.refused is not None)
    if foreseen.refused is not None:
        return
    said = {row.job_id: str(row.state) for row in before}
    said |= {move.job_id: str(move.after) for move in foreseen.moves}
    done = {job: s.replace("launching", "queued") for job, s in engine.jobs().items()}
    assert done == said
    fails = data.draw(st.sets(st.sampled_from(ids)))
    found = play_on(engine, fails, choose)
    if scope is Rerun.ALL:
        assert found == naive(jobs, fails)
