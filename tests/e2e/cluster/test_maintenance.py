"""A window of maintenance, posted to a real master: what is still launched there, and what we answer."""

import time
from collections.abc import Callable

import pytest

from tests.cluster.mesos import LOCAL, Agent, Master
from tests.cluster.site import Site
from tests.e2e.cluster.conftest import NewSite
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

NewAgent = Callable[..., Agent]

HOSTNAME = "to-be-maintained"  #: a machine is named by it; the agents of a test share all else
HOUR = 3600

DAGS = """
from moroccron import DAG, Job

with DAG("short"):
    Job("short", '''<BEGIN>; <END>''', cpus=0.1, mem=16, timeout=20)

with DAG("open"):
    Job("open", '''<BEGIN>; <END>''', cpus=0.1, mem=16)

with DAG("running"):
    Job("running", '''<BEGIN>; sleep 200''', cpus=0.1, mem=16)

with DAG("giant"):
    Job("giant", "true", cpus=64, mem=16)
"""


def plan(master: Master, seconds: float) -> None:
    """Maintain the machine in so many seconds, for ten minutes."""
    start = time.time() + seconds
    window = {
        "machine_ids": [{"hostname": HOSTNAME, "ip": LOCAL}],
        "unavailability": {
            "start": {"nanoseconds": int(start * 1e9)},
            "duration": {"nanoseconds": 600 * 10**9},
        },
    }
    schedule = {"schedule": {"windows": [window]}}
    master.records.call("UPDATE_MAINTENANCE_SCHEDULE", update_maintenance_schedule=schedule)


def answer(site: Site) -> str | None:
    """What the master has of us about the machine: ACCEPT, DECLINE, or nothing yet."""
    status = site.master.records.call("GET_MAINTENANCE_STATUS")["get_maintenance_status"]["status"]
    for machine in status.get("draining_machines", []):
        for one in machine.get("statuses", []):
            if one["framework_id"]["value"] == site.framework_id():
                return str(one["status"])
    return None


def test_only_what_will_be_over_is_launched(
    new_site: NewSite, mesos_agent: NewAgent, mesos_master: Master
) -> None:
    maintained = mesos_agent(flags={"hostname": HOSTNAME})
    plan(mesos_master, 600)
    site = new_site(DAGS)
    site.candidate()
    waiting = site.trigger("open")
    until(lambda: "maintenance" in (site.attempts(waiting)[-1].message or ""), "why it waits")
    message = site.attempts(waiting)[-1].message or ""
    assert message.startswith("maintenance: counted as lasting 1 h, too long for the only agent")
    short = site.trigger("short")
    site.await_success(short)
    assert site.attempts(short)[-1].agent_id == maintained.id
    assert site.lines() == ["short"]
    other = mesos_agent()
    site.await_success(waiting)
    assert [a.agent_id for a in site.attempts(waiting)] == [other.id]


def test_the_assumption_is_a_setting(
    new_site: NewSite, mesos_agent: NewAgent, mesos_master: Master
) -> None:
    mesos_agent(flags={"hostname": HOSTNAME})
    plan(mesos_master, 600)
    site = new_site(DAGS)
    site.candidate(assumed_runtime="60")
    site.await_success(site.trigger("open"))


def test_who_will_not_have_left_says_so_and_who_will_too(
    new_site: NewSite, mesos_agent: NewAgent, mesos_master: Master
) -> None:
    mesos_agent(flags={"hostname": HOSTNAME})
    site = new_site(DAGS)
    site.candidate()
    run_id = site.trigger("running")
    until(lambda: site.lines() == ["running"], "it runs")
    until(lambda: site.attempts(run_id)[-1].started, "and that is known")
    plan(mesos_master, 600)
    until(lambda: answer(site) == "DECLINE", "it may last for longer")
    plan(mesos_master, 2 * HOUR)
    until(lambda: answer(site) == "ACCEPT", "by then it is taken to be over")


def test_who_runs_nothing_there_accepts(
    new_site: NewSite, mesos_agent: NewAgent, mesos_master: Master
) -> None:
    """Mesos asks those to whom it has offered the agent, too: here for a job that it cannot hold."""
    mesos_agent(flags={"hostname": HOSTNAME})
    site = new_site(DAGS)
    site.candidate()
    site.trigger("giant")
    plan(mesos_master, 60)
    until(lambda: answer(site) == "ACCEPT", "nothing of ours is there")
