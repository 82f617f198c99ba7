"""The test cluster's own promises: what later tests build on when they kill and freeze a Mesos."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.mesos import Agent, Master
from tests.cluster.process import started_at, state_of
from tests.cluster.records import Refused
from tests.cluster.smoke import BareFramework
from tests.waiting import until

pytestmark = pytest.mark.cluster

MORTAL = 3600.0  #: a failover_timeout that no test outlives
QUICK = {"agent_ping_timeout": "1secs", "max_agent_ping_timeouts": "2"}

NewMaster = Callable[..., Master]
NewAgent = Callable[..., Agent]
Subscribe = Callable[..., BareFramework]


@pytest.fixture
def subscribed() -> Iterator[Subscribe]:
    """Frameworks that heard their id: subscribed(master, framework_id=...)."""
    with ExitStack() as stack:

        def subscribe(master: Master, **info: Any) -> BareFramework:
            framework = BareFramework(master.address, failover_timeout=MORTAL, **info)
            framework.subscribe()
            stack.callback(framework.disconnect)
            return framework

        yield subscribe


def pid_in(agent: Agent) -> int:
    """The number that the only task wrote of itself."""
    (sandbox,) = agent.sandboxes()
    file = sandbox / "pid"
    return int(until(lambda: file.exists() and file.read_text().strip(), "the task has begun"))


def test_agents_have_the_attributes_and_resources_they_were_given(
    mesos_master: Master, mesos_agent: NewAgent
) -> None:
    first = mesos_agent(attributes="rack:a;zone:z1", resources="cpus:2;mem:512;gpus:0")
    second = mesos_agent(attributes="rack:b;zone:z1")
    mine, other = first.record(), second.record()
    assert mine is not None
    assert other is not None
    assert mine["attributes"] == {"rack": "a", "zone": "z1"}
    assert other["attributes"] == {"rack": "b", "zone": "z1"}
    assert (mine["resources"]["cpus"], mine["resources"]["mem"]) == (2, 512)
    assert mine["resources"]["ports"] == "[31000-31099]"
    assert other["resources"]["ports"] == "[31100-31199]", "they share one machine"
    assert {agent["id"] for agent in mesos_master.records.agents()} == {first.id, second.id}


def test_tasks_run_to_their_ends_and_the_master_remembers_them(
    mesos_master: Master, mesos_agent: NewAgent, subscribed: Subscribe
) -> None:
    agent = mesos_agent()
    framework = subscribed(mesos_master)
    framework.launch("good", "echo out; echo err >&2; echo $MESOS_TASK_ID")
    framework.launch("argv", ["/bin/echo", "a b", "$HOME"])
    framework.launch("bad", "exit 3")
    framework.launch("signal", "kill -9 $$")
    framework.launch("absent", ["/no/such/program"])
    framework.launch("slow", "exec sleep 1000", max_completion_time={"nanoseconds": 200_000_000})
    last = {
        name: framework.until(name, "TASK_FINISHED", "TASK_FAILED")
        for name in ("good", "argv", "bad", "signal", "absent", "slow")
    }
    assert framework.states["good"] == ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]
    assert last["argv"]["state"] == "TASK_FINISHED"
    assert "status 3" in last["bad"]["message"]
    assert "SIGKILL" in last["signal"]["message"]
    assert last["absent"]["state"] == "TASK_FAILED"
    assert last["slow"]["reason"] == "REASON_MAX_COMPLETION_TIME_REACHED"
    wrote = {(folder / "stdout").read_text() for folder in agent.sandboxes()}
    assert "a b $HOME\n" in wrote
    assert any(text.startswith("out\n") for text in wrote)
    ends = {name: status["state"] for name, status in last.items()}
    records = mesos_master.records
    until(lambda: {t["id"]: t["state"] for t in records.tasks()} == ends, "the master says so")
    assert records.metrics()["master/slaves_active"] == 1
    until(lambda: not agent.tasks(), "executors leave when the last update is acknowledged")


def test_a_kill_waits_for_the_grace_of_the_task(
    mesos_master: Master, mesos_agent: NewAgent, subscribed: Subscribe
) -> None:
    agent = mesos_agent()
    framework = subscribed(mesos_master)
    framework.launch(
        "tidy", "trap 'echo tidied; exit 0' TERM; echo $$ >pid; while :; do sleep 0.1; done"
    )
    framework.until("tidy", "TASK_RUNNING")
    pid_in(agent)
    framework.kill("tidy", agent.id)
    assert framework.until("tidy", "TASK_KILLED")["state"] == "TASK_KILLED"
    (sandbox,) = agent.sandboxes()
    assert "tidied" in (sandbox / "stdout").read_text()


def test_a_killed_master_comes_back_and_its_agents_find_it(
    mesos_master: Master, mesos_agent: NewAgent, subscribed: Subscribe
) -> None:
    agents = [mesos_agent(), mesos_agent()]
    ids = [agent.id for agent in agents]
    framework = subscribed(mesos_master)
    framework.launch("long", "exec sleep 1000")
    framework.until("long", "TASK_RUNNING")
    mesos_master.kill()
    assert not mesos_master.running
    assert not mesos_master.records.answers()
    mesos_master.start()
    for agent in agents:
        agent.wait_registered()
    assert [agent.id for agent in agents] == ids
    assert framework.id is not None
    again = subscribed(mesos_master, framework_id=framework.id["value"])
    assert not again.last
    again.call("RECONCILE", reconcile={"tasks": []})
    assert again.until("long", "TASK_RUNNING")["reason"] == "REASON_RECONCILIATION"


def test_a_killed_agent_comes_back_to_a_task_that_never_stopped(
    mesos_master: Master, mesos_agent: NewAgent, tmp_path: Path, subscribed: Subscribe
) -> None:
    agent = mesos_agent()
    agent_id, go = agent.id, tmp_path / "go"
    framework = subscribed(mesos_master)
    framework.launch("long", f"echo $$ >pid; while [ ! -e {go} ]; do sleep 0.05; done; echo done")
    framework.until("long", "TASK_RUNNING")
    task = pid_in(agent)
    began = started_at(task)
    agent.kill()
    assert started_at(task) == began, "the task survives its agent"
    agent.start()
    assert agent.id == agent_id
    assert started_at(task) == began
    go.touch()
    assert framework.until("long", "TASK_FINISHED")["state"] == "TASK_FINISHED"
    assert framework.states["long"].count("TASK_FINISHED") == 1


def test_an_agent_frozen_beyond_the_ping_timeout_is_unreachable_then_back(
    new_mesos_master: NewMaster, new_mesos_agent: NewAgent, subscribed: Subscribe
) -> None:
    master = new_mesos_master(flags=QUICK)
    agent = new_mesos_agent(master)
    framework = subscribed(master)
    framework.launch("long", "echo $$ >pid; exec sleep 1000")
    framework.until("long", "TASK_RUNNING")
    task = pid_in(agent)
    agent.pause()
    assert framework.until("long", "TASK_UNREACHABLE")["state"] == "TASK_UNREACHABLE"
    assert state_of(task) not in (None, "Z"), "only the agent is frozen"
    agent.resume()
    framework.until("long", "TASK_RUNNING")
    agent.wait_registered()


def test_a_frozen_master_is_silent_until_it_goes_on(
    mesos_master: Master, mesos_agent: NewAgent
) -> None:
    mesos_agent()
    mesos_master.pause()
    assert mesos_master.running
    assert state_of(mesos_master.pid) == "T"
    mesos_master.resume()
    mesos_master.wait_healthy()
    assert len(mesos_master.records.agents()) == 1


def test_an_agent_lost_for_good_comes_back_as_another(
    mesos_master: Master, mesos_agent: NewAgent
) -> None:
    agent = mesos_agent()
    before = agent.id
    agent.forget()
    agent.start()
    assert agent.id != before


def test_tasks_end_when_their_agent_stays_away(
    mesos_master: Master, mesos_agent: NewAgent, subscribed: Subscribe
) -> None:
    agent = mesos_agent(flags={"recovery_timeout": "500ms"})
    framework = subscribed(mesos_master)
    framework.launch("long", "echo $$ >pid; exec sleep 1000")
    framework.until("long", "TASK_RUNNING")
    task = pid_in(agent)
    agent.kill()
    until(lambda: state_of(task) in (None, "Z") and not agent.tasks(), "they gave up")


def test_the_end_of_an_agent_leaves_nothing_running(
    mesos_master: Master, mesos_agent: NewAgent, subscribed: Subscribe
) -> None:
    agent = mesos_agent()
    framework = subscribed(mesos_master)
    framework.launch("stubborn", "trap '' TERM; echo $$ >pid; while :; do sleep 0.1; done")
    framework.until("stubborn", "TASK_RUNNING")
    task = pid_in(agent)
    assert len(agent.tasks()) >= 3, "containerizer, executor, task"
    agent.end()
    assert state_of(task) in (None, "Z")
    assert not agent.tasks()


def test_a_master_can_ask_for_credentials(
    new_mesos_master: NewMaster, tmp_path: Path, subscribed: Subscribe
) -> None:
    file = tmp_path / "credentials"
    file.write_text(json.dumps({"credentials": [{"principal": "me", "secret": "secret"}]}))
    flags = {
        "authenticate_http_frameworks": "true",
        "authenticate_http_readonly": "true",
        "http_framework_authenticators": "basic",
        "credentials": str(file),
    }
    master = new_mesos_master(flags=flags, credential="me:secret")
    assert master.records.state()["version"] == "1.11.0"
    with pytest.raises(ConnectionError, match="401"):
        subscribed(master)
    stranger = type(master.records)(master.address)
    with pytest.raises(Refused) as refusal:
        stranger.state()
    assert refusal.value.code == 401


def test_a_process_that_cannot_start_says_why(new_mesos_master: NewMaster) -> None:
    with pytest.raises(AssertionError, match="nonsense"):
        new_mesos_master(flags={"allocation_interval": "nonsense"})


def test_a_task_does_not_inherit_what_the_agent_is_made_of(
    mesos_master: Master, mesos_agent: NewAgent, subscribed: Subscribe
) -> None:
    agent = mesos_agent()
    framework = subscribed(mesos_master)
    framework.launch("look", 'echo "[$LD_LIBRARY_PATH]"')
    framework.until("look", "TASK_FINISHED")
    (sandbox,) = agent.sandboxes()
    assert (sandbox / "stdout").read_text() == f"[{os.environ.get('LD_LIBRARY_PATH', '')}]\n"
