"""Which master leads: told by the master that does not, or by ZooKeeper when one has died.

The masters of the test cluster are real, but each leads by itself: Mesos' part of finding the leader is not
among what they are built from. The test plays that part: it redirects as a master that does not lead would, and
writes into ZooKeeper what a leading master writes.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from tests.cluster.mesos import Agent, Master
from tests.cluster.zookeeper import ZooKeeper
from tests.e2e.cluster.conftest import NewSite
from tests.e2e.cluster.test_failover import LAYERED
from tests.mesos.kit import Kit
from tests.scripted_master import Reply, scripted_master
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

NewAgent = Callable[..., Agent]


@contextmanager
def leading(zookeeper: ZooKeeper, master: Master) -> Iterator[None]:
    """The master leads, as ZooKeeper has it."""
    client = KazooClient(zookeeper.address)
    client.start()
    try:
        client.ensure_path("/mesos")
        info = {
            "address": {"hostname": "localhost", "ip": master.ip, "port": master.port},
            "hostname": "localhost",
            "id": master.name,
            "ip": 16777343,
            "port": master.port,
            "version": "1.11.0",
        }
        value = json.dumps(info).encode()
        client.create("/mesos/json.info_", value, ephemeral=True, sequence=True)
        yield
    finally:
        client.stop()
        client.close()


def test_one_that_does_not_lead_sends_us_on(
    new_site: NewSite, mesos_master: Master, mesos_agent: NewAgent
) -> None:
    mesos_agent()
    where = {"Location": f"//{mesos_master.address}"}
    with scripted_master() as other:
        other.on_subscribe = lambda _: Reply(307, headers=where)
        site = new_site(LAYERED)
        site.candidate(master=other.address)
        run_id = site.trigger("quick")
        site.await_success(run_id)
        assert other.subscribes == 1
        assert not other.kinds()
    site.assert_each_once(1)


def test_one_dies_and_another_leads(
    new_site: NewSite,
    new_mesos_master: Callable[..., Master],
    new_mesos_agent: NewAgent,
    mesos_kit: Kit,
    zookeeper: ZooKeeper,
    tmp_path: Path,
) -> None:
    first = new_mesos_master()
    second = Master(mesos_kit, tmp_path / "second", name="second")
    agent = new_mesos_agent(first)
    site = new_site(LAYERED, election=zookeeper.url("/moroccron"))
    scheduler = site.candidate(master=zookeeper.url("/mesos"))
    with leading(zookeeper, first):
        run_id = site.trigger("layered")
        until(lambda: len(site.lines()) >= 15, "15 jobs have begun", 90)
        framework = first.records.frameworks()[0]["id"]
        first.kill()
    # What masters agree on by their replicated log; tasks and frameworks are not in it.
    shutil.copytree(first.work_dir, second.work_dir)
    try:
        second.start()
        agent.master = second
        agent.restart()
        with leading(zookeeper, second):
            site.await_success(run_id, 120)
        assert [record["id"] for record in second.records.frameworks()] == [framework]
    finally:
        agent.end()
        second.end()
    assert scheduler.running
    site.assert_each_once(60)
    assert len(site.attempts(run_id)) == 60
