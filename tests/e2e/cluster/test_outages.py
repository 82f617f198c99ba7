"""What moroccron leans on goes away, or the leader stands still: who may not launch does not, and all goes on."""

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence

import pytest

from moroccron.lifecycle import ExitCode
from tests.cluster.mesos import Agent
from tests.cluster.postgres import MortalPostgres
from tests.cluster.process import state_of
from tests.cluster.site import Candidate, Site
from tests.cluster.zookeeper import ZooKeeper
from tests.e2e.cluster.conftest import NewSite
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

NewAgent = Callable[..., Agent]

DAGS = """
from moroccron import DAG, Job

with DAG("chains"):
    for chain in range(4):
        jobs = [Job(f"j{chain}{n}", '''<BEGIN>; sleep 0.5; <END>''', cpus=0.5, mem=16) for n in range(6)]
        for one, next in zip(jobs, jobs[1:]):
            one >> next

with DAG("slow"):
    Job("long", '''<BEGIN>; sleep 15; <END>''', cpus=0.1, mem=16)

with DAG("quick"):
    Job("one", '''<BEGIN>; <END>''', cpus=0.1, mem=16)
"""
CHAINED = 24  #: jobs of `chains`
ENDS = (ExitCode.LEADERSHIP_LOST, ExitCode.FENCED, ExitCode.DEPOSED)


def beside_a_standby(site: Site, leader: Candidate) -> tuple[Candidate, Candidate]:
    until(site.queries.leader, "it leads")
    standby = site.candidate()
    standby.says(f":{leader.pid} leads")
    return leader, standby


def pass_seconds(seconds: float) -> None:
    """Not to hope for something: an outage has a length."""
    threading.Event().wait(seconds)


def test_zookeeper_away_for_a_minute(
    new_site: NewSite, mesos_agent: NewAgent, zookeeper: ZooKeeper
) -> None:
    mesos_agent()
    site = new_site(DAGS, election=zookeeper.url("/moroccron"))
    leader, standby = beside_a_standby(site, site.candidate())
    slow = site.trigger("slow")
    until(lambda: site.lines() == ["long"], "it runs")
    leading = site.queries.leader()
    zookeeper.kill()
    back = time.monotonic() + 60
    leader.says("not sure to lead")
    quick = site.trigger("quick")
    site.await_success(slow)
    site.await_quiet()
    pass_seconds(back - time.monotonic())
    assert [a.task_id for a in site.attempts(quick)] == [None], "nothing is launched"
    assert site.lines() == ["long"]
    assert leader.running
    assert standby.running
    zookeeper.start()
    site.await_success(quick)
    site.assert_each_once(2)
    # ZooKeeper, back again, may have found the leader's session too old: then the standby leads, and it has ended.
    if site.queries.leader() == leading:
        assert leader.running
    else:
        assert leader.code() == ExitCode.LEADERSHIP_LOST
    assert standby.running


@pytest.mark.parametrize(
    ("keeper", "fault", "seconds"),
    [("sql", "killed", 20.0), ("zookeeper", "killed", 5.0), ("sql", "frozen", 20.0)],
)
def test_postgresql_away_for_a_while(
    request: pytest.FixtureRequest,
    new_site: NewSite,
    mesos_agent: NewAgent,
    own_postgres: MortalPostgres,
    keeper: str,
    fault: str,
    seconds: float,
) -> None:
    mesos_agent()
    election = "sql"
    if keeper == "zookeeper":
        election = request.getfixturevalue("zookeeper").url("/moroccron")
    site = new_site(DAGS, url=own_postgres.create(), election=election)
    scheduler = site.candidate()
    run_id = site.trigger("chains")
    until(lambda: len(site.lines()) >= 5, "it is on its way", 60)
    away, back = {
        "killed": (own_postgres.kill, own_postgres.begin),
        "frozen": (own_postgres.pause, own_postgres.resume),
    }[fault]
    away()
    pass_seconds(2)  # what was launched a moment before begins
    until(lambda: len(site.lines()) == len(site.lines("end")), "what runs ends")
    until(site.master.records.unacknowledged, "its ends are not acknowledged")
    waiting, begun = _ids(site.master.records.unacknowledged()), site.lines()
    pass_seconds(seconds)
    assert set(waiting) <= set(_ids(site.master.records.unacknowledged()))
    assert site.lines() == begun, "nothing is launched"
    (framework,) = site.master.records.frameworks()
    assert framework["connected"]
    assert scheduler.running
    back()
    site.await_success(run_id)
    site.assert_each_once(CHAINED)
    site.await_quiet()
    assert scheduler.running
    assert len(site.attempts(run_id)) == CHAINED


def _ids(tasks: Sequence[dict[str, object]]) -> list[object]:
    return [task["id"] for task in tasks]


def test_offers_are_not_held_while_postgresql_is_away(
    new_site: NewSite, mesos_agent: NewAgent, own_postgres: MortalPostgres
) -> None:
    mesos_agent()
    site = new_site(DAGS, url=own_postgres.create())
    site.candidate()
    run_id = site.trigger("chains")
    until(lambda: len(site.lines()) >= 5, "it is on its way", 60)
    own_postgres.kill()
    until(site.master.records.unacknowledged, "its ends are not acknowledged")
    mesos_agent()
    declines = len(site.master.log_lines("DECLINE call"))
    until(
        lambda: len(site.master.log_lines("DECLINE call")) > declines, "the new agent is declined"
    )
    own_postgres.begin()
    site.await_success(run_id)
    site.assert_each_once(CHAINED)


def test_postgresql_away_for_longer_than_we_wait(
    new_site: NewSite, mesos_agent: NewAgent, own_postgres: MortalPostgres
) -> None:
    mesos_agent()
    site = new_site(DAGS, url=own_postgres.create())
    scheduler = site.candidate(store_patience="2")
    run_id = site.trigger("chains")
    until(lambda: len(site.lines()) >= 5, "it is on its way", 60)
    own_postgres.kill()
    assert scheduler.code(60) == ExitCode.STORE_UNAVAILABLE
    own_postgres.begin()
    site.candidate()
    site.await_success(run_id)
    site.assert_each_once(CHAINED)


def test_told_to_stop_while_postgresql_is_away(
    new_site: NewSite, mesos_agent: NewAgent, own_postgres: MortalPostgres
) -> None:
    mesos_agent()
    site = new_site(DAGS, url=own_postgres.create())
    scheduler = site.candidate()
    run_id = site.trigger("chains")
    until(lambda: len(site.lines()) >= 5, "it is on its way", 60)
    own_postgres.kill()
    scheduler.says("the database failed, trying again")
    assert scheduler.kill(signal.SIGTERM) == ExitCode.STOPPED
    own_postgres.begin()
    site.candidate()
    site.await_success(run_id)
    site.assert_each_once(CHAINED)


@pytest.mark.parametrize("keeper", ["sql", "zookeeper"])
def test_a_leader_that_was_stopped_wakes_up_deposed(
    request: pytest.FixtureRequest, keeper: str, new_site: NewSite, mesos_agent: NewAgent
) -> None:
    mesos_agent()
    election = "sql"
    if keeper == "zookeeper":
        election = request.getfixturevalue("zookeeper").url("/moroccron")
    postgres: MortalPostgres = request.getfixturevalue("own_postgres")
    site = new_site(DAGS, url=postgres.create(), election=election)
    old, _ = beside_a_standby(site, site.candidate())
    chains = site.trigger("chains")
    until(lambda: len(site.lines()) >= 5, "it is on its way", 60)
    old.pause()
    until(lambda: site.leader() is not old, "another leads", 30)
    site.await_success(chains)
    site.await_quiet()
    before = _all_that_is_known(site)
    old.resume()
    assert old.code() in ENDS
    assert _all_that_is_known(site) == before, "it wrote nothing and sent nothing"
    site.await_success(site.trigger("quick"))
    site.assert_each_once(CHAINED + 1)


def _all_that_is_known(site: Site) -> tuple[object, ...]:
    """Nobody but a deposed leader would change it: nothing is to be done."""
    row = site.queries.leader()
    assert row is not None
    tasks = sorted(str(task["id"]) for task in site.master.records.tasks())
    calls = [line for kind in ("ACCEPT", "KILL") for line in site.master.log_lines(f"{kind} call")]
    return row.term, row.holder, site.queries.last_history_id(), tasks, len(calls)


def test_a_leader_that_stands_still_in_the_middle_of_a_commit(
    new_site: NewSite, mesos_agent: NewAgent, own_postgres: MortalPostgres
) -> None:
    mesos_agent()
    site = new_site(DAGS, url=own_postgres.create())
    frozen, _ = beside_a_standby(site, site.doomed("amid commit", 6))
    run_id = site.trigger("chains")
    until(lambda: state_of(frozen.pid) == "T", "it stands still")
    site.await_success(run_id)
    site.await_quiet()
    before = _all_that_is_known(site)
    os.kill(frozen.pid, signal.SIGCONT)
    assert frozen.code() in ENDS
    assert _all_that_is_known(site) == before, "it wrote nothing and sent nothing"
    site.assert_each_once(CHAINED)
