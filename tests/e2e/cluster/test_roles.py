"""Jobs of two roles on a real Mesos: whose offers they use, what is reserved for them, and who is silent."""

from collections.abc import Callable
from typing import Any

import pytest

from moroccron.model.command import KillRun
from moroccron.model.states import AttemptState
from tests.cluster.mesos import Agent
from tests.cluster.site import Site
from tests.e2e.cluster.conftest import NewSite
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

NewAgent = Callable[..., Agent]

DAGS = """
from moroccron import DAG, Job

with DAG("both"):
    Job("by_day", '''<BEGIN>; sleep 4; <END>''', cpus=0.5, mem=64)
    Job("by_night", '''<BEGIN>; sleep 4; <END>''', cpus=1.5, mem=64, role="night")

with DAG("giant"):
    Job("giant", "true", cpus=64, mem=16, role="night")

with DAG("foreign"):
    Job("foreign", "true", cpus=0.1, mem=16, role="etl")
"""


def cpus_of(site: Site, task_id: str) -> dict[str | None, float]:
    """A task's cpus by what they are reserved for, by the master's word."""
    answer = site.master.records.call("GET_TASKS")["get_tasks"]
    tasks: list[dict[str, Any]] = answer.get("tasks", []) + answer.get("completed_tasks", [])
    (task,) = [t for t in tasks if t["task_id"]["value"] == task_id]
    return {
        entry.get("reservations", [{}])[0].get("role"): entry["scalar"]["value"]
        for entry in task["resources"]
        if entry["name"] == "cpus"
    }


def silent(site: Site) -> dict[str, bool]:
    """Which of our roles are suppressed, by the master's word."""
    metrics = site.master.records.metrics()
    return {
        name.split("/roles/")[1].removesuffix("/suppressed"): bool(value)
        for name, value in metrics.items()
        if name.endswith("/suppressed")
    }


def test_two_roles_and_what_is_reserved(new_site: NewSite, mesos_agent: NewAgent) -> None:
    mesos_agent(resources="cpus(night):1;cpus:3")
    site = new_site(DAGS)
    site.candidate(role="day,night")
    run_id = site.trigger("both")
    until(lambda: len(site.lines()) == 2, "both run")
    on = {a.job_id: a.task_id or "" for a in site.attempts(run_id)}
    assert cpus_of(site, on["by_night"]) == {"night": 1.0, None: 0.5}
    assert cpus_of(site, on["by_day"]) == {None: 0.5}
    site.await_success(run_id)
    site.assert_each_once(2)


def test_silence_is_by_role(new_site: NewSite, mesos_agent: NewAgent) -> None:
    mesos_agent()
    site = new_site(DAGS)
    scheduler = site.candidate(role="day,night")
    both = {"day": True, "night": True}
    until(lambda: silent(site) == both, "nothing to run: both are silent")
    run_id = site.trigger("giant")
    one = {"day": True, "night": False}
    until(lambda: silent(site) == one, "the one with a job is not")
    until(lambda: "64" in (site.attempts(run_id)[-1].message or ""), "its offers are too small")
    assert silent(site) == one
    scheduler.kill()
    site.candidate(role="day,night")
    until(lambda: silent(site) == one, "so does the next scheduler")
    site.ask(KillRun(run_id))
    until(lambda: silent(site) == both, "again nothing to run")


def test_a_role_that_is_not_ours_is_told(new_site: NewSite, mesos_agent: NewAgent) -> None:
    mesos_agent()
    site = new_site(DAGS)
    scheduler = site.candidate(role="day,night")
    run_id = site.trigger("foreign")
    until(lambda: site.attempts(run_id)[-1].message, "why it waits")
    (attempt,) = site.attempts(run_id)
    assert "role etl" in (attempt.message or "")
    assert "add etl to its setting role" in (attempt.message or "")
    scheduler.kill()
    site.candidate(role="day,night,etl")
    site.await_success(run_id)
    (attempt,) = site.attempts(run_id)
    assert attempt.state is AttemptState.SUCCEEDED
    assert "etl" not in (attempt.message or "")
