"""`moroccron framework teardown`: ends everything or refuses, and never leaves what cannot be mended."""

import json
from collections.abc import Callable

import pytest
from kazoo.client import KazooClient

from moroccron.adapters.sql.store import SqlStore
from moroccron.bootstrap.framework import FrameworkDesk
from moroccron.lifecycle import ExitCode
from moroccron.settings import Settings
from tests.cluster.mesos import Agent, Master
from tests.cluster.site import Site
from tests.cluster.zookeeper import ZooKeeper
from tests.e2e.cluster.conftest import NewSite
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

NewAgent = Callable[..., Agent]
REFUSED = 4

DAGS = """
from moroccron import DAG, Job

with DAG("quick"):
    Job("one", '''<BEGIN>; <END>''', cpus=0.1, mem=16)

with DAG("slow"):
    Job("long", '''<BEGIN>; sleep 300; <END>''', cpus=0.1, mem=16)
"""


def test_by_name_and_a_new_beginning(
    new_site: NewSite, mesos_agent: NewAgent, zookeeper: ZooKeeper
) -> None:
    """With ZooKeeper there is a copy of the id, which would refuse the new beginning if it stayed."""
    agent = mesos_agent()
    site = new_site(DAGS, election=zookeeper.url("/moroccron"))
    scheduler = site.candidate()
    site.trigger("slow")
    until(lambda: site.lines() == ["long"], "it runs")
    framework_id = site.framework_id()
    shown = json.loads(site.cli("framework", "show", "--json").stdout)
    assert (shown["framework_id"], shown["id_in_zookeeper"]) == (framework_id, framework_id)
    assert (shown["connected"], shown["live_tasks"], shown["live_attempts"]) == (True, 1, 1)
    assert site.cli("framework", "teardown", "another").returncode == 2
    refused = site.cli("framework", "teardown", "moroccron")
    assert refused.returncode == REFUSED
    assert "1 attempts may be running" in refused.stderr
    kept = site.cli("framework", "teardown", "moroccron", "--forget")
    assert kept.returncode == REFUSED
    assert "its cluster is still there" in kept.stderr
    assert scheduler.running, "what is refused harms nobody"
    done = site.cli("framework", "teardown", "moroccron", "--kill-jobs")
    assert done.returncode == 0, done.stderr
    assert scheduler.code() in (ExitCode.FRAMEWORK_REMOVED, ExitCode.FENCED)
    until(lambda: not agent.tasks(), "its jobs are killed")
    (removed,) = site.master.records.removed_frameworks()
    assert removed["id"] == framework_id
    begins_anew(site, framework_id)


def begins_anew(site: Site, old: str) -> None:
    site.candidate()
    site.await_success(site.trigger("quick"))
    assert site.framework_id() != old


def test_a_master_that_began_anew_may_not_know_it_yet(
    new_site: NewSite, mesos_agent: NewAgent
) -> None:
    agent = mesos_agent()
    site = new_site(DAGS)
    scheduler = site.candidate()
    site.trigger("slow")
    until(lambda: site.lines() == ["long"], "it runs")
    scheduler.end()
    agent.pause()
    site.master.restart()
    assert not site.master.records.frameworks()
    teardown = ("framework", "teardown", "moroccron", "--kill-jobs")
    for words in (teardown, (*teardown, "--forget")):
        refused = site.cli(*words)
        assert refused.returncode == REFUSED, refused.stderr
        assert "has not heard of all its agents" in refused.stderr
    shown = site.cli("framework", "show").stdout
    assert "unknown to the master" in shown
    assert "not heard of" in shown
    assert agent.tasks(), "it runs on"
    agent.resume()
    until(site.master.records.agents, "the agent is back")
    done = site.cli(*teardown)
    assert "its jobs are killed" in done.stdout, done.stderr
    until(lambda: not agent.tasks(), "killed")


def test_one_that_was_interrupted_is_called_again(
    new_site: NewSite,
    mesos_agent: NewAgent,
    zookeeper: ZooKeeper,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mesos_agent()
    site = new_site(DAGS, election=zookeeper.url("/moroccron"))
    scheduler = site.candidate()
    until(lambda: mirrored(zookeeper), "there is a copy")
    old = site.framework_id()
    scheduler.end()
    desk = FrameworkDesk(
        Settings(
            database=site.settings["MOROCCRON_DATABASE"],
            master=site.settings["MOROCCRON_MASTER"],
            election=site.settings["MOROCCRON_ELECTION"],
        )
    )
    monkeypatch.setattr(SqlStore, "forget_framework", _die)
    with pytest.raises(KeyboardInterrupt):
        desk.end(old, "test")
    assert mirrored(zookeeper) is None
    again = site.candidate()
    assert again.code() == ExitCode.FRAMEWORK_REMOVED, "not 83, of which nobody could help it"
    done = site.cli("framework", "teardown", "moroccron")
    assert "any more; its id is forgotten here" in done.stdout, done.stderr
    begins_anew(site, old)


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def mirrored(zookeeper: ZooKeeper) -> str | None:
    client = KazooClient(zookeeper.address)
    client.start()
    path = "/moroccron/framework_id"
    try:
        return client.get(path)[0].decode() if client.exists(path) else None
    finally:
        client.stop()
        client.close()


def test_a_copy_that_is_left_alone_in_zookeeper(
    new_site: NewSite, zookeeper: ZooKeeper, mesos_agent: NewAgent
) -> None:
    """Of a framework that lives it shows that this is the wrong database; of one that is no more it is removed."""
    mesos_agent()
    election = zookeeper.url("/moroccron")
    right, wrong = new_site(DAGS, election=election), new_site(DAGS, election=election)
    right.candidate()
    right.await_success(right.trigger("quick"))
    refused = wrong.cli("framework", "teardown", "moroccron", "--kill-jobs")
    assert refused.returncode == REFUSED
    assert "look at the setting database" in refused.stderr
    right.candidates[0].end()
    right.master.records.teardown(right.framework_id())
    assert wrong.candidate().code() == ExitCode.FRAMEWORK_MISMATCH
    done = wrong.cli("framework", "teardown", "moroccron")
    assert done.returncode == 0, done.stderr
    assert mirrored(zookeeper) is None
    wrong.candidate()
    wrong.await_success(wrong.trigger("quick"))


def test_of_a_cluster_that_is_no_more(
    new_site: NewSite, new_mesos_master: Callable[..., Master], zookeeper: ZooKeeper
) -> None:
    site = new_site(DAGS, election=zookeeper.url("/moroccron"))
    lost = new_mesos_master()
    here = {"MOROCCRON_MASTER": lost.address}
    fresh = site.settings["MOROCCRON_MASTER"]
    site.settings |= here
    scheduler = site.candidate()
    until(lambda: mirrored(zookeeper), "there is a copy")
    scheduler.end()
    lost.kill()
    unheard = site.cli("framework", "teardown", "moroccron")
    assert unheard.returncode == 1
    assert "no answer from the master" in unheard.stderr
    assert mirrored(zookeeper), "nothing was done"
    done = site.cli("framework", "teardown", "moroccron", "--forget")
    assert done.returncode == 0, done.stderr
    assert mirrored(zookeeper) is None
    nothing = site.cli("framework", "teardown", "moroccron", "--forget")
    assert nothing.returncode == 3
    site.settings["MOROCCRON_MASTER"] = fresh
    site.candidate().says("subscribed to")
