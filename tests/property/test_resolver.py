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


@st.composite
def graphs(draw):
    """Up to twelve jobs in topological order, each with some of the earlier ones upstream."""
    size = draw(st.integers(1, 12))
    jobs = []
    for n in range(size):
        parents = draw(st.sets(st.integers(0, n - 1), max_size=4)) if n else set()
        rule = draw(st.sampled_from(list(TriggerRule)))
        jobs.append(a_job(f"j{n}", [f"j{p}" for p in parents], trigger_rule=rule))
    return jobs


def naive(jobs, fails):
    """Final states by going through the jobs in order, reading the rules as plain sentences."""
    states = {}
    for job in jobs:
        up = [states[parent] for parent in job.upstream]
        bad = [s for s in up if s in (J.FAILED, J.UPSTREAM_FAILED)]
        good = [s for s in up if s is J.SUCCEEDED]
        if not up or job.trigger_rule is TriggerRule.ALL_DONE:
            run = True
        elif job.trigger_rule is TriggerRule.ALL_SUCCESS:
            run = len(good) == len(up)
        elif job.trigger_rule is TriggerRule.ONE_FAILED:
            run = bool(bad)
        else:
            run = bool(good) and not bad
        if run:
            states[job.id] = J.FAILED if job.id in fails else J.SUCCEEDED
        elif bad:
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
