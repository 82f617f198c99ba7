"""The agent as a process: how it starts, refuses to start, stops, and what it costs when nothing happens."""

import json
import os
import signal
import socket
from pathlib import Path

import pytest

from moroccron.adapters.local import agent as agent_module
from moroccron.adapters.local import paths
from moroccron.adapters.local.agent import AgentConfig, AgentRuns, agent_is_running, run_agent
from moroccron.model.effects import Accept
from moroccron.model.events import OfferRescinded, StatusReceived, Subscribed
from moroccron.model.offer import Launch
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey
from moroccron.model.states import ReportedState
from tests.local_agent import AgentProcess, environ_of, scheduler_of
from tests.waiting import PATIENCE, until


def wait_exit(agent):
    assert agent.process is not None
    return agent.process.wait(PATIENCE)


class TestStarting:
    def test_one_agent_per_work_directory(self, agent, scheduler):
        assert agent_is_running(agent.work_dir.root)
        with pytest.raises(AgentRuns, match="already runs"):
            run_agent(AgentConfig(agent.work_dir.root))

    def test_nobody_runs_where_nobody_ran(self, tmp_path):
        assert not agent_is_running(tmp_path)

    def test_a_dead_agent_does_not_run(self, agent, scheduler):
        agent.kill()
        assert not agent_is_running(agent.work_dir.root)

    def test_it_says_that_it_does_not_isolate(self, tmp_path, capfd):
        agent = AgentProcess(tmp_path / "work")
        agent.start()
        until(agent.work_dir.agent_socket.exists, "it listens")
        agent.clean_up()
        assert "does not isolate" in capfd.readouterr().err

    @pytest.mark.parametrize(
        ("options", "named"),
        [
            (["--resources", "cpus=4"], "cpus=4"),
            (["--resources", "cups:4"], "cups"),
            (["--attributes", "rack"], "rack"),
        ],
    )
    def test_options_that_make_no_sense_are_named(self, tmp_path, capsys, options, named):
        assert agent_module.main(["--work-dir", str(tmp_path / "work"), *options]) == 1
        assert named in capsys.readouterr().err

    def test_offers_carry_attributes_and_hostname(self, tmp_path):
        options = ("--attributes", "rack:a;zone:z1", "--hostname", "machine-7")
        agent = AgentProcess(tmp_path / "work", *options)
        agent.start()
        scheduler = scheduler_of(agent).start()
        offer = scheduler.offer()
        scheduler.driver.stop()
        agent.clean_up()
        assert offer.attributes == {"rack": "a", "zone": "z1"}
        assert offer.hostname == "machine-7"

    def test_a_work_directory_with_a_long_path(self, tmp_path):
        agent = AgentProcess(tmp_path / ("long" * 20) / ("longer" * 20))
        agent.start()
        scheduler = scheduler_of(agent).start()
        try:
            assert scheduler.run("true").state is ReportedState.FINISHED
        finally:
            scheduler.driver.stop()
            agent.clean_up()

    def test_its_socket_is_for_its_owner_alone(self, agent, scheduler):
        for path in (agent.work_dir.agent_socket, agent.work_dir.executor_socket):
            assert path.stat().st_mode & 0o077 == 0


class TestStopping:
    def test_at_once_when_nothing_runs(self, agent, scheduler):
        scheduler.offer()
        assert agent.kill(signal.SIGTERM) == 0
        until(lambda: not agent.executors(), "the executor left as well")

    def test_waits_for_its_tasks_and_takes_no_new_ones(self, agent, scheduler, tmp_path):
        gate = tmp_path / "gate"
        task_id = scheduler.launch(f"until [ -e {gate} ]; do sleep 0.01; done")
        scheduler.running(task_id)
        rest = scheduler.offer()
        os.kill(agent.pid, signal.SIGTERM)
        scheduler.wait(lambda: OfferRescinded(rest.id) in scheduler.events, "the offer is void")
        key = AttemptKey("r", "j", 1)
        late = Launch("late", key, rest.agent_id, "true", Resources(cpus=1000, mem=10))
        scheduler.do(Accept((rest.id,), (late,), 0.0))
        assert scheduler.end("late").state is ReportedState.DROPPED
        gate.touch()
        assert scheduler.end(task_id).state is ReportedState.FINISHED
        assert wait_exit(agent) == 0
        until(lambda: not agent.executors(), "the executor left as well")

    def test_a_second_time_ends_its_tasks(self, agent, scheduler):
        task_id = scheduler.launch("sleep 1000", kill_grace=5.0)
        scheduler.running(task_id)
        rest = scheduler.offer()
        os.kill(agent.pid, signal.SIGTERM)
        scheduler.wait(lambda: OfferRescinded(rest.id) in scheduler.events, "the first was heeded")
        os.kill(agent.pid, signal.SIGTERM)
        end = scheduler.end(task_id)
        assert (end.state, end.reason) == (ReportedState.KILLED, "agent_stopped")
        assert wait_exit(agent) == 0

    def test_an_interrupt_ends_its_tasks(self, agent, scheduler):
        task_id = scheduler.launch("sleep 1000")
        scheduler.running(task_id)
        os.kill(agent.pid, signal.SIGINT)
        assert scheduler.end(task_id).state is ReportedState.KILLED
        assert wait_exit(agent) == 0

    def test_unheard_updates_wait_for_the_next_agent(self, agent, scheduler):
        task_id = scheduler.launch("exit 3")
        scheduler.end(task_id)
        agent.kill(signal.SIGTERM)
        agent.start()
        scheduler.wait(lambda: len(scheduler.statuses(task_id)) == 4, "both updates again")

    def test_an_executor_leaves_when_told_to_by_a_signal(self, agent, scheduler):
        task_id = scheduler.launch("sleep 0.1")
        scheduler.running(task_id)
        (executor,) = agent.executors()
        os.kill(executor, signal.SIGTERM)
        assert scheduler.end(task_id).state is ReportedState.FINISHED
        until(lambda: not agent.executors(), "it left after its task")


class TestIdling:
    def test_wakes_nobody(self, agent, scheduler):
        """No voluntary switch of any process while a while passes: measured over another agent's start."""
        scheduler.run("true")
        scheduler.wait(lambda: scheduler.free_cpus() == 4000, "the last offer")
        until(lambda: not list(agent.work_dir.live.iterdir()), "the last acknowledgement")
        pids = [agent.pid, *agent.executors()]
        until(lambda: all(is_asleep(pid) for pid in pids), "they have nothing to do")
        before = [switches(pid) for pid in pids]
        other = AgentProcess(agent.work_dir.root.parent / "other")
        other.start()
        until(other.work_dir.agent_socket.exists, "some time has passed")
        other.clean_up()
        assert [switches(pid) for pid in pids] == before


class TestNonsense:
    def test_of_a_connection_ends_that_connection_alone(self, agent, scheduler):
        for text in (b"no json\n", b"[]\n", b'{"type": "kill"}\n', b'{"no": "type"}\n'):
            connection = paths.connect(agent.work_dir.agent_socket)
            with connection:
                connection.settimeout(PATIENCE)
                connection.sendall(text)
                answer = read_all(connection)
                assert not answer or json.loads(answer)["type"] == "error"
        assert scheduler.run("true").state is ReportedState.FINISHED
        assert len(scheduler.of(Subscribed)) == 1

    @pytest.mark.parametrize(
        "bad",
        [
            {},
            {"task_id": "t", "agent_id": "a", "command": "true", "resources": {"cups": 1}},
            {"task_id": "t", "agent_id": "a", "command": "true", "resources": {"cpus": "1"}},
            {"task_id": "t", "command": "true", "resources": {"cpus": 1}},
        ],
    )
    def test_of_the_scheduler_costs_no_resources(self, agent, bad):
        with paths.connect(agent_socket(agent)) as connection:
            connection.settimeout(PATIENCE)
            connection.sendall(b'{"type": "subscribe"}\n')
            lines = connection.makefile("rb")
            messages = [json.loads(lines.readline()) for _ in range(2)]
            offer = messages[1]["offers"][0]
            accept = {"type": "accept", "offer_ids": [offer["id"]], "refuse_seconds": 0}
            connection.sendall(json.dumps(accept | {"launches": [bad]}).encode() + b"\n")
            assert json.loads(lines.readline())["type"] == "error"
        scheduler = scheduler_of(agent).start()
        assert scheduler.offer().resources.cpus == offer["resources"]["cpus"]
        scheduler.driver.stop()


class TestLongOutput:
    def test_many_updates_wait_for_a_slow_reader(self, agent, scheduler):
        """More unacknowledged updates than a socket holds arrive all the same, in order."""
        tasks = [scheduler.launch(("/bin/true",), task_id=f"{'x' * 200}-{n}") for n in range(200)]
        for task_id in tasks:
            scheduler.end(task_id)
        scheduler.driver.stop()
        second = scheduler_of(agent).start()
        for task_id in tasks:
            second.end(task_id)
        heard = [event.task_id for event in second.of(StatusReceived)]
        assert heard == [task_id for task_id in tasks for _ in range(2)]
        second.driver.stop()


def agent_socket(agent) -> Path:
    until(agent.work_dir.agent_socket.exists, "it listens")
    return agent.work_dir.agent_socket


def read_all(connection: socket.socket) -> bytes:
    data = b""
    while chunk := connection.recv(4096):
        data += chunk
    return data


def switches(pid: int) -> list[str]:
    assert environ_of(pid)
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return [line for line in status if line.startswith("voluntary")]


def is_asleep(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return "State:\tS (sleeping)" in status
