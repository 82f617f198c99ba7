"""The leader dies, or its connection does, at the very moment between a word and its answer."""

import signal
from collections.abc import Callable

import pytest

from moroccron.model.states import AttemptState
from tests.cluster.mesos import Agent
from tests.cluster.proxy import Proxy
from tests.cluster.site import Candidate, Site
from tests.e2e.cluster.conftest import NewSite
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

NewAgent = Callable[..., Agent]

PAIR = """
from moroccron import DAG, Job

with DAG("pair"):
    first = Job("first", '''<BEGIN>; sleep 1; <END>''', cpus=0.1, mem=16)
    second = Job("second", '''<BEGIN>; <END>''', cpus=0.1, mem=16)
    first >> second
"""
ACCEPT, ACKNOWLEDGE = b'"type":"ACCEPT"', b'"type":"ACKNOWLEDGE"'


def beside_a_standby(site: Site, leader: Candidate) -> Candidate:
    until(site.queries.leader, "it leads")
    site.candidate()
    return leader


def assert_each_once_and_quiet(site: Site, run_id: str) -> None:
    site.await_success(run_id)
    site.assert_each_once(2)
    site.await_quiet()


def assert_lost_for_free(site: Site, run_id: str) -> None:
    """The first launch never was: another attempt took its place, and no retry."""
    lost, done = site.attempts(run_id, "first")
    assert (lost.state, done.state) == (AttemptState.LOST, AttemptState.SUCCEEDED)
    first = next(job for job in site.queries.job_runs(run_id) if job.job_id == "first")
    assert (first.failures, first.losses) == (0, 1)
    assert site.master.records.task(lost.task_id or "") is None


def accepts(site: Site) -> int:
    return len([line for line in site.master.log_lines("ACCEPT call") if "Processing" in line])


def test_killed_when_a_launch_is_committed_and_not_sent(
    new_site: NewSite, mesos_agent: NewAgent
) -> None:
    mesos_agent()
    site = new_site(PAIR)
    doomed = beside_a_standby(site, site.doomed("before ACCEPT", 1))
    run_id = site.trigger("pair")
    assert doomed.code(60) == -signal.SIGKILL
    (attempt,) = site.attempts(run_id, "first")
    assert attempt.state is AttemptState.LAUNCHING
    assert accepts(site) == 0
    assert_each_once_and_quiet(site, run_id)
    assert_lost_for_free(site, run_id)


def test_killed_when_the_launch_is_taken_and_not_answered(
    new_site: NewSite, mesos_agent: NewAgent, proxy: Proxy
) -> None:
    mesos_agent()
    site = new_site(PAIR)
    doomed = beside_a_standby(site, site.candidate(master=proxy.address))
    trap = proxy.lose_answer(ACCEPT, doomed.kill)
    run_id = site.trigger("pair")
    assert doomed.code(60) == -signal.SIGKILL
    assert trap.sprung.wait(10)
    assert_each_once_and_quiet(site, run_id)
    assert len(site.attempts(run_id)) == 2, "what the master had taken is adopted"


def test_killed_when_an_end_is_committed_and_not_acknowledged(
    new_site: NewSite, mesos_agent: NewAgent
) -> None:
    mesos_agent()
    site = new_site(PAIR)
    doomed = beside_a_standby(site, site.doomed("before ACKNOWLEDGE", 1))
    run_id = site.trigger("pair")
    assert doomed.code(60) == -signal.SIGKILL
    (first,) = site.attempts(run_id, "first")
    assert first.state is AttemptState.SUCCEEDED
    until(site.master.records.unacknowledged, "the master keeps what nobody acknowledged")
    assert_each_once_and_quiet(site, run_id)
    assert len(site.attempts(run_id, "first")) == 1
    # The batch that died may have committed a launch of the second job as well, which never left.
    *lost, done = site.attempts(run_id, "second")
    assert {attempt.state for attempt in lost} <= {AttemptState.LOST}
    assert done.state is AttemptState.SUCCEEDED


def test_a_launch_whose_answer_is_lost_is_not_sent_again(
    new_site: NewSite, mesos_agent: NewAgent, proxy: Proxy
) -> None:
    mesos_agent()
    site = new_site(PAIR)
    scheduler = site.candidate(master=proxy.address)
    trap = proxy.lose_answer(ACCEPT)
    run_id = site.trigger("pair")
    assert_each_once_and_quiet(site, run_id)
    assert trap.sprung.is_set()
    assert len(site.attempts(run_id)) == 2
    assert accepts(site) == 2, "one for each job"
    assert scheduler.running
    scheduler.says("no answer to ACCEPT")


def test_a_launch_that_is_lost_on_its_way(
    new_site: NewSite, mesos_agent: NewAgent, proxy: Proxy
) -> None:
    mesos_agent()
    site = new_site(PAIR)
    scheduler = site.candidate(master=proxy.address)
    trap = proxy.lose_request(ACCEPT)
    run_id = site.trigger("pair")
    assert_each_once_and_quiet(site, run_id)
    assert trap.sprung.is_set()
    assert_lost_for_free(site, run_id)
    assert scheduler.running


def test_an_acknowledgement_that_is_lost_on_its_way(
    new_site: NewSite, mesos_agent: NewAgent, proxy: Proxy
) -> None:
    mesos_agent()
    site = new_site(PAIR)
    site.candidate(master=proxy.address)
    trap = proxy.lose_request(ACKNOWLEDGE)
    run_id = site.trigger("pair")
    assert_each_once_and_quiet(site, run_id)
    assert trap.sprung.is_set()
    assert len(site.attempts(run_id)) == 2
