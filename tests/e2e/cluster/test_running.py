"""DAGs on a real Mesos: placed where they may run, many at once, and ended in every way that a job can end."""

import re
from collections import Counter
from collections.abc import Callable

import pytest

from moroccron.bootstrap.logs import open_logs
from moroccron.model.command import KillRun
from moroccron.model.states import AttemptState, JobRunState, KillReason, RunState
from moroccron.ports import Stream
from moroccron.settings import Settings
from tests.cluster.mesos import Agent
from tests.cluster.site import Site
from tests.e2e.cluster.conftest import NewSite
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

NewAgent = Callable[..., Agent]

THREE_HUNDRED = """
from moroccron import DAG, Job

WHERE = {
    "is": ["rack IS a"],
    "like": ["zone LIKE z1"],
    "unlike": ["rack UNLIKE a"],
    "any": [],
}
with DAG("many"):
    for kind, constraints in WHERE.items():
        for n in range(74):
            Job(f"{kind}{n}", '''<BEGIN>; <END>''', cpus=0.1, mem=16, constraints=constraints)
    for n in range(2):
        Job(f"unique{n}", '''<BEGIN>; sleep 1; <END>''', cpus=0.1, mem=16, constraints=["rack UNIQUE"])
        Job(f"together{n}", '''<BEGIN>; sleep 1; <END>''', cpus=0.1, mem=16, constraints=["rack CLUSTER"])
"""


def test_three_hundred_jobs_where_they_may_run(new_site: NewSite, mesos_agent: NewAgent) -> None:
    attributes = {}
    for rack, zone in (("a", "z1"), ("b", "z1"), ("c", "z2")):
        agent = mesos_agent(attributes=f"rack:{rack};zone:{zone}", resources="cpus:4;mem:2000")
        attributes[agent.id] = {"rack": rack, "zone": zone}
    site = new_site(THREE_HUNDRED)
    site.candidate()
    run_id = site.trigger("many")
    site.await_success(run_id, 200)
    site.assert_each_once(300)
    attempts = site.attempts(run_id)
    assert len(attempts) == 300
    place = {a.job_id: attributes[a.agent_id or ""] for a in attempts}
    on = {t["id"]: t["slave_id"] for t in site.master.records.tasks()}
    assert all(on[a.task_id] == a.agent_id for a in attempts), "the master says so, too"
    for job_id, where in place.items():
        match re.sub(r"\d+$", "", job_id):
            case "is":
                assert where["rack"] == "a"
            case "like":
                assert where["zone"] == "z1"
            case "unlike":
                assert where["rack"] != "a"
    assert place["unique0"]["rack"] != place["unique1"]["rack"]
    assert place["together0"]["rack"] == place["together1"]["rack"]
    assert {where["rack"] for where in place.values()} == {"a", "b", "c"}
    accepts = [line for line in site.master.log_lines("ACCEPT call") if "Processing" in line]
    assert 0 < len(accepts) <= 150, "several tasks in one ACCEPT"


ENDS = """
from moroccron import DAG, Job

with DAG("ends"):
    Job("fails", '''<BEGIN>; echo why >&2; exit 3''', cpus=0.1, mem=16)
    Job("retried", '''<BEGIN>; test "$MOROCCRON_ATTEMPT" = 2''', cpus=0.1, mem=16, retries=2, retry_delay=0.1)
    Job("too_long", '''<BEGIN>; sleep 300''', cpus=0.1, mem=16, timeout=2)
    Job("missing", ["/no/such/program"], cpus=0.1, mem=16)

with DAG("killed"):
    Job("polite", '''trap '<END>; exit 0' TERM; <BEGIN>
while true; do sleep 0.1; done''', cpus=0.1, mem=16, kill_grace=10)
    Job("deaf", '''trap '' TERM; <BEGIN>
while true; do sleep 0.1; done''', cpus=0.1, mem=16, kill_grace=1)

with DAG("nowhere"):
    Job("giant", "true", cpus=64, mem=16)
    Job("far", "true", cpus=0.1, mem=16, constraints=["rack IS z"])
"""


def test_every_way_to_end(new_site: NewSite, mesos_agent: NewAgent) -> None:
    mesos_agent(attributes="rack:a")
    site = new_site(ENDS)
    site.candidate()
    run_id = site.trigger("ends")
    assert site.await_end(run_id).state is RunState.FAILED
    states = {job.job_id: job.state for job in site.queries.job_runs(run_id)}
    assert states["retried"] is JobRunState.SUCCEEDED
    assert [states[name].is_failure for name in ("fails", "too_long", "missing")] == [True] * 3
    (fails,) = site.attempts(run_id, "fails")
    assert (fails.state, fails.exit_code) == (AttemptState.FAILED, 3)
    assert [a.state for a in site.attempts(run_id, "retried")] == [
        AttemptState.FAILED,
        AttemptState.SUCCEEDED,
    ]
    (late,) = site.attempts(run_id, "too_long")
    assert late.ended is not None
    assert late.started is not None
    assert (late.ended - late.started).total_seconds() < 15
    (missing,) = site.attempts(run_id, "missing")
    assert missing.state is AttemptState.FAILED
    assert Counter(site.lines()) == {"fails": 1, "retried": 2, "too_long": 1}
    logs = open_logs(Settings(work_dir=site.folder))
    assert logs.read(fails, Stream.STDERR, 0, 1000).data.endswith(b"why\n")
    shown = site.cli("logs", run_id, "fails", "--stderr")
    assert shown.stdout.endswith("why\n"), shown.stderr


def test_kill_with_grace(new_site: NewSite, mesos_agent: NewAgent) -> None:
    mesos_agent()
    site = new_site(ENDS)
    site.candidate()
    run_id = site.trigger("killed")
    until(lambda: len(site.lines()) == 2, "both run")
    site.ask(KillRun(run_id))
    assert site.await_end(run_id).state is not RunState.SUCCEEDED
    assert [a.kill for a in site.attempts(run_id)] == [KillReason.REQUESTED] * 2
    assert site.lines("end") == ["polite"]


def test_a_job_that_no_agent_can_hold_says_why(new_site: NewSite, mesos_agent: NewAgent) -> None:
    mesos_agent(attributes="rack:a")
    site = new_site(ENDS)
    site.candidate()
    run_id = site.trigger("nowhere")
    until(lambda: all(a.message for a in site.attempts(run_id)), "reasons")
    told = {a.job_id: a.message or "" for a in site.attempts(run_id)}
    assert "cpus" in told["giant"]
    assert "rack IS z" in told["far"]
    assert {a.state for a in site.attempts(run_id)} == {AttemptState.QUEUED}


def test_it_is_silent_until_there_is_work(new_site: NewSite, mesos_agent: NewAgent) -> None:
    """docs/adr/0008: as the master counts it."""
    mesos_agent()
    site = new_site(ENDS)
    site.candidate()
    until(site.master.records.frameworks, "it is subscribed")
    until(lambda: count(site, "suppressed") == 1, "it wants no offers")
    offered = count(site, "offers/sent")
    run_id = site.trigger("killed")
    until(lambda: len(site.lines()) == 2, "both run")
    assert count(site, "calls/revive") == 1
    site.ask(KillRun(run_id))
    site.await_end(run_id)
    until(lambda: count(site, "suppressed") == 1, "it wants no offers again")
    assert count(site, "offers/sent") > offered


def count(site: Site, name: str) -> float:
    """What the master counts of the framework."""
    mine = f"/{site.framework_id()}/"
    metrics = site.master.records.metrics().items()
    return sum(value for key, value in metrics if mine in key and key.endswith(f"/{name}"))
