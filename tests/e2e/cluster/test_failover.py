"""The leader dies, or is told to die, and nothing is lost and nothing runs twice."""

import signal
from collections.abc import Callable

import pytest

from moroccron.lifecycle import ExitCode
from moroccron.model.states import AttemptState
from tests.cluster.mesos import Agent, Master
from tests.cluster.postgres import MortalPostgres
from tests.cluster.zookeeper import ZooKeeper
from tests.e2e.cluster.conftest import NewSite
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

NewAgent = Callable[..., Agent]

#: layers of six, each job after three of the layer before
LAYERED = """
import random
from moroccron import DAG, Job

chance = random.Random(1)
with DAG("layered"):
    layers = []
    for layer in range(10):
        layers.append([
            Job(f"j{layer}{n}", f'''<BEGIN>; sleep 0.{n}; <END>''', cpus=0.5, mem=16) for n in range(6)
        ])
        if layer:
            for job in layers[-1]:
                chance.sample(layers[-2], 3) >> job

with DAG("slow"):
    Job("long", '''<BEGIN>; sleep 15; <END>''', cpus=0.1, mem=16)

with DAG("quick"):
    Job("one", '''<BEGIN>; <END>''', cpus=0.1, mem=16)
"""


@pytest.mark.parametrize("keeper", ["sql", "zookeeper"])
def test_the_leader_is_killed_in_mid_run(
    request: pytest.FixtureRequest, keeper: str, new_site: NewSite, mesos_agent: NewAgent
) -> None:
    mesos_agent()
    if keeper == "zookeeper":
        zookeeper: ZooKeeper = request.getfixturevalue("zookeeper")
        postgres: MortalPostgres = request.getfixturevalue("own_postgres")
        election = zookeeper.url("/moroccron")
        site = new_site(LAYERED, url=postgres.create(), election=election)
    else:
        site = new_site(LAYERED)
    site.candidate()
    site.candidate()
    run_id = site.trigger("layered")
    for enough in (15, 35):
        until(lambda n=enough: len(site.lines()) >= n, f"{enough} jobs have begun", 90)
        leader = site.leader()
        leader.kill()
        site.candidate()
    site.await_success(run_id, 120)
    site.assert_each_once(60)
    assert len(site.attempts(run_id)) == 60
    assert len({a.task_id for a in site.attempts(run_id)}) == 60
    leader_row = site.queries.leader()
    assert leader_row is not None
    assert leader_row.holder.endswith(f":{site.leader().pid}")
    assert len({a.task_id.rpartition(".")[2] for a in site.attempts(run_id) if a.task_id}) == 3, (
        "terms"
    )
    (framework,) = site.master.records.frameworks()
    assert framework["active"]


def test_killed_at_every_crash_point(new_site: NewSite, mesos_agent: NewAgent) -> None:
    """After a commit and before the ACCEPT; after the ACCEPT and before its answer; before an update's ack."""
    mesos_agent()
    site = new_site(LAYERED)
    deaths = [
        ("after commit", 3),
        ("after effects", 4),
        ("before commit", 8),
        ("after commit", 9),
        ("after effects", 10),
    ]
    doomed = [site.doomed(point, times) for point, times in deaths[:1]]
    run_id = site.trigger("layered")
    for point, times in deaths[1:]:
        assert doomed[-1].code(60) == -signal.SIGKILL
        doomed.append(site.doomed(point, times))
    assert doomed[-1].code(60) == -signal.SIGKILL
    assert not site.run(run_id).state.is_terminal
    site.candidate()
    site.await_success(run_id, 120)
    site.assert_each_once(60)


def test_an_agent_that_never_comes_back(new_site: NewSite, mesos_agent: NewAgent) -> None:
    lost = mesos_agent()
    site = new_site(LAYERED)
    site.candidate(replace_after="3")
    run_id = site.trigger("slow")
    until(lambda: site.lines() == ["long"], "it runs")
    lost.forget()
    mesos_agent()
    site.await_success(run_id, 90)
    first, second = site.attempts(run_id)
    assert (first.state, second.state) == (AttemptState.LOST, AttemptState.SUCCEEDED)
    (job_run,) = site.queries.job_runs(run_id)
    assert (job_run.failures, job_run.losses) == (0, 1), "a loss uses no retry"


def test_an_agent_is_drained(
    new_site: NewSite, mesos_agent: NewAgent, mesos_master: Master
) -> None:
    drained = mesos_agent()
    site = new_site(LAYERED)
    site.candidate()
    run_id = site.trigger("slow")
    until(lambda: site.lines() == ["long"], "it runs")
    other = mesos_agent()
    mesos_master.records.call("DRAIN_AGENT", drain_agent={"agent_id": {"value": drained.id}})
    site.await_success(run_id, 90)
    _, second = site.attempts(run_id)
    assert second.agent_id == other.id
    (job_run,) = site.queries.job_runs(run_id)
    assert (job_run.failures, job_run.losses) == (0, 0), "it costs nothing at all"


def test_the_master_dies_and_comes_back(
    new_site: NewSite, mesos_agent: NewAgent, mesos_master: Master
) -> None:
    agent = mesos_agent()
    site = new_site(LAYERED)
    scheduler = site.candidate()
    run_id = site.trigger("layered")
    until(lambda: len(site.lines()) >= 20, "a third has begun", 90)
    mesos_master.restart()
    agent.wait_registered()
    site.await_success(run_id, 120)
    site.assert_each_once(60)
    assert scheduler.running


def test_an_agent_dies_and_comes_back(new_site: NewSite, mesos_agent: NewAgent) -> None:
    agent = mesos_agent()
    site = new_site(LAYERED)
    site.candidate()
    run_id = site.trigger("slow")
    until(lambda: site.lines() == ["long"], "it runs")
    agent.restart()
    site.await_success(run_id)
    site.assert_each_once(1)


def test_an_agent_cut_off_and_back(new_site: NewSite, mesos_agent: NewAgent) -> None:
    agent = mesos_agent()
    site = new_site(LAYERED)
    site.candidate()
    run_id = site.trigger("slow")
    until(lambda: site.lines() == ["long"], "it runs")
    agent.pause()
    until(lambda: site.attempts(run_id)[-1].state == "unreachable", "cut off", 30)
    agent.resume()
    site.await_success(run_id)
    site.assert_each_once(1)
    assert len(site.attempts(run_id)) == 1
    lines = [entry.line for entry in site.queries.history(run_id=run_id)]
    moves = [(line.from_state, line.to_state) for line in lines if line.subject == "attempt"]
    assert ("unreachable", "running") in moves


def test_a_master_that_is_silent(
    new_site: NewSite, mesos_agent: NewAgent, mesos_master: Master
) -> None:
    mesos_agent()
    site = new_site(LAYERED)
    scheduler = site.candidate()
    site.await_success(site.trigger("quick"))
    mesos_master.pause()
    scheduler.says("no word from the master", 90)
    mesos_master.resume()
    site.await_success(site.trigger("quick"))
    assert scheduler.running
    assert site.lines() == ["one", "one"]


def test_a_leader_that_is_told_to_stop_leaves_its_jobs(
    new_site: NewSite, mesos_agent: NewAgent
) -> None:
    mesos_agent()
    site = new_site(LAYERED)
    scheduler = site.candidate()
    run_id = site.trigger("slow")
    until(lambda: site.lines() == ["long"], "it runs")
    assert scheduler.kill(signal.SIGTERM) == ExitCode.STOPPED
    site.candidate()
    site.await_success(run_id)
    site.assert_each_once(1)
