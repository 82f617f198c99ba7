"""The resolver against a naive oracle, on random graphs, outcomes and orders of arrival."""

from hypothesis import given, settings
from hypothesis import strategies as st

from moroccron.core.resolver import resolve_fully
from moroccron.model.command import TriggerRun
from moroccron.model.dag_version import TriggerRule
from moroccron.model.states import JobRunState, ReportedState
from moroccron.testing import a_job, a_version
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
        elif bad and (job.min_success is not None or job.trigger_rule not in ONLY_SKIPPED):
            states[job.id] = J.UPSTREAM_FAILED
        else:
            states[job.id] = J.SKIPPED
    return {job: str(state) for job, state in states.items()}


def play(jobs, fails, choose):
    """Run to the end, ending one live job at a time as `choose` picks it."""
    engine = Engine(a_version(jobs=jobs))
    engine.subscribe()
    engine.ask(TriggerRun("d"))
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


@settings(max_examples=150, deadline=None)
@given(graphs(), st.data())
def test_final_states_equal_the_oracle_whatever_the_order_of_arrival(jobs, data):
    fails = data.draw(st.sets(st.sampled_from([job.id for job in jobs])))
    expected = naive(jobs, fails)
    for _ in range(2):
        choose = lambda n: data.draw(st.integers(0, n - 1))  # noqa: E731
        assert play(jobs, fails, choose) == expected
