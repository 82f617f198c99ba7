"""On a real Mesos: a retry goes to another agent, failures have classes, and what takes too long is ended."""

from collections.abc import Callable

import pytest

from moroccron.model.failure import FailureClass
from moroccron.model.states import AttemptState, JobRunState, KillReason, RunState
from tests.cluster.mesos import Agent
from tests.e2e.cluster.conftest import NewSite
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

NewAgent = Callable[..., Agent]

DAGS = """
from moroccron import DAG, Job

small = dict(cpus=0.1, mem=16)

# The delay outlasts all offers that are held, so that every agent is offered anew at once.
with DAG("again", defaults=small):
    Job("moves", '''test "$MOROCCRON_ATTEMPT" = 3''', retries=2, retry_delay=3)

with DAG("unfetched", defaults=small):
    Job("unfetched", "true", uris=["file:///no/such/file"], retry_on={"fetch": 1})

with DAG("waits", defaults=small):
    Job("giant", "true", cpus=64, start_within=3) >> Job("after", "true")
    Job("slow", '''<BEGIN>; sleep 300''', job_timeout=3, retries=5)

with DAG("long", defaults=small, run_timeout=4):
    Job("first", '''<BEGIN>; sleep 300''') >> Job("second", "true")
"""


def test_a_retry_goes_to_another_agent(new_site: NewSite, mesos_agent: NewAgent) -> None:
    for _ in range(3):
        mesos_agent()
    site = new_site(DAGS)
    site.candidate()
    again = site.trigger("again")
    assert site.await_end(again).state is RunState.SUCCEEDED
    moved = site.attempts(again, "moves")
    assert [a.failure for a in moved] == [FailureClass.JOB, FailureClass.JOB, None]
    assert len({a.agent_id for a in moved}) == 3, "each time another agent"


def test_what_takes_too_long_is_ended(new_site: NewSite, mesos_agent: NewAgent) -> None:
    mesos_agent()
    site = new_site(DAGS)
    site.candidate()
    unfetched, waits, long = [site.trigger(dag_id) for dag_id in ("unfetched", "waits", "long")]

    assert site.await_end(unfetched).state is RunState.FAILED
    tried = site.attempts(unfetched)
    assert [a.failure for a in tried] == [FailureClass.FETCH] * 2, tried

    assert site.await_end(waits).state is RunState.FAILED
    (giant,) = site.attempts(waits, "giant")
    assert giant.kill is KillReason.QUEUE_WAIT
    assert "start_within" in (giant.message or "")
    (slow,) = site.attempts(waits, "slow")
    assert (slow.state, slow.kill) == (AttemptState.KILLED, KillReason.JOB_TIMEOUT)
    states = {job.job_id: job.state for job in site.queries.job_runs(waits)}
    assert states == {
        "giant": JobRunState.KILLED,
        "after": JobRunState.UPSTREAM_FAILED,
        "slow": JobRunState.KILLED,
    }

    ended = site.await_end(long)
    assert (ended.state, ended.kill) == (RunState.FAILED, KillReason.RUN_TIMEOUT)
    (first,) = site.attempts(long, "first")
    assert first.message == "the run took longer than 4 s (run_timeout)"
    assert not site.attempts(long, "second")
    until(lambda: not site.master.records.frameworks()[0]["tasks"], "the master knows of no task")
    assert site.lines("end") == []
