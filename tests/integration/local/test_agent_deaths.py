"""kill -9 of whatever there is, with tasks under way: nothing is lost, nothing runs twice, nothing is made up."""

import os
import signal
from pathlib import Path

import pytest

from moroccron.adapters.local.records import Records
from moroccron.model.effects import Kill, Reconcile
from moroccron.model.events import Subscribed
from moroccron.model.states import ReportedState
from tests.local_agent import environ_of
from tests.waiting import until


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Tasks run until it is there."""
    return tmp_path / "gate"


def gated(gate: Path, then: str = "true") -> str:
    return f"until [ -e {gate} ]; do sleep 0.01; done; {then}"


def over(agent, task_id):
    """Nothing of the task runs any more, and its record says how it ended."""
    lines = Records(agent.work_dir).find(task_id)
    return any(line["what"] == "ended" for line in lines)


def no_process(agent):
    return not agent.tasks()


class TestScheduler:
    def test_its_death_leaves_tasks_running_and_updates_waiting(self, agent, connect, gate):
        first = connect()
        task_id = first.launch(gated(gate, "exit 5"))
        first.running(task_id)
        first.driver.stop()
        gate.touch()
        until(lambda: over(agent, task_id), "the task ended without a scheduler")
        second = connect()
        assert second.end(task_id).exit_code == 5

    def test_a_second_one_takes_over_and_the_first_stays_away(self, connect):
        first = connect()
        second = connect()
        assert "failed over" in first.disconnected().reason
        assert second.run("true").state is ReportedState.FINISHED
        assert len(first.of(Subscribed)) == 1
        assert not second.of(type(first.disconnected()))


class TestAgent:
    def test_what_ended_while_it_was_dead_is_known_with_exit_codes(self, agent, scheduler, gate):
        codes = {scheduler.launch(gated(gate, f"exit {code}")): code for code in (0, 3, 4)}
        for task_id in codes:
            scheduler.running(task_id)
        agent.kill()
        scheduler.disconnected()
        gate.touch()
        until(lambda: all(over(agent, task_id) for task_id in codes), "all ended")
        agent.start()
        assert {task_id: scheduler.end(task_id).exit_code for task_id in codes} == codes

    def test_what_still_runs_is_taken_up(self, agent, scheduler, gate):
        task_id = scheduler.launch(gated(gate, "exit 6"))
        scheduler.running(task_id)
        executors = agent.executors()
        agent.kill()
        agent.start()
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "back")
        scheduler.wait(lambda: scheduler.free_cpus() == 3000, "what the task leaves")
        assert agent.executors() == executors
        gate.touch()
        assert scheduler.end(task_id).exit_code == 6
        scheduler.wait(lambda: scheduler.free_cpus() == 4000, "everything")

    def test_a_timeout_passes_although_it_was_dead(self, agent, scheduler):
        task_id = scheduler.launch("sleep 1000", timeout=0.5)
        scheduler.running(task_id)
        agent.kill()
        agent.start()
        assert scheduler.end(task_id).reason == "max_completion_time_reached"

    def test_a_kill_is_finished_by_its_successor(self, agent, scheduler):
        task_id = scheduler.launch("trap '' TERM; echo ready; while :; do sleep 0.01; done")
        status = scheduler.running(task_id)
        out = agent.sandbox(task_id) / "stdout"
        until(lambda: out.read_text() == "ready\n", "the trap is set")
        scheduler.do(Kill(task_id, status.agent_id, grace=1.0), Reconcile())
        scheduler.wait(
            lambda: [s for s in scheduler.statuses(task_id) if s.reconciled], "the kill arrived"
        )
        agent.kill()
        agent.start()
        assert scheduler.end(task_id).state is ReportedState.KILLED

    def test_it_keeps_its_id_and_updates_keep_their_uuids(self, agent, scheduler):
        task_id = scheduler.launch("exit 1")
        before = scheduler.end(task_id)
        agent.kill()
        agent.start()
        scheduler.wait(lambda: len(scheduler.statuses(task_id)) == 4, "both updates again")
        assert scheduler.statuses(task_id)[3] == before

    def test_an_id_stays_used(self, agent, scheduler, tmp_path):
        witness = tmp_path / "witness"
        scheduler.run(f"echo >> {witness}", task_id="once")
        agent.kill()
        agent.start()
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "back")
        scheduler.launch(f"echo >> {witness}", task_id="once")
        assert scheduler.status("once", ReportedState.ERROR)
        assert witness.read_text() == "\n"


class TestExecutor:
    def test_its_tasks_run_on_and_are_lost_at_their_end(self, agent, scheduler, gate, tmp_path):
        witness = tmp_path / "witness"
        task_id = scheduler.launch(gated(gate, f"touch {witness}"))
        scheduler.running(task_id)
        agent.kill_executor()
        scheduler.do(Reconcile())
        scheduler.wait(
            lambda: [s for s in scheduler.statuses(task_id) if s.reconciled], "it runs on"
        )
        gate.touch()
        end = scheduler.end(task_id)
        assert (end.state, end.reason) == (ReportedState.LOST, "executor_terminated")
        assert end.exit_code is None
        assert witness.exists()

    def test_new_tasks_get_a_new_one(self, agent, scheduler):
        scheduler.run("true")
        agent.kill_executor()
        assert scheduler.run("exit 9").exit_code == 9
        assert len(agent.executors()) == 1

    def test_an_end_it_wrote_but_never_told_is_no_loss(self, agent, scheduler, gate):
        task_id = scheduler.launch(gated(gate, "exit 8"))
        scheduler.running(task_id)
        os.kill(agent.pid, signal.SIGSTOP)
        gate.touch()
        until(lambda: over(agent, task_id), "the end is recorded")
        agent.kill_executor()
        os.kill(agent.pid, signal.SIGCONT)
        assert scheduler.end(task_id).exit_code == 8

    def test_a_task_without_it_can_be_killed(self, agent, scheduler):
        task_id = scheduler.launch("sleep 1000 & sleep 1000")
        status = scheduler.running(task_id)
        until(lambda: len(agent.tasks()) == 3, "the shell and both sleeps")
        agent.kill_executor()
        scheduler.do(Kill(task_id, status.agent_id, grace=5.0))
        assert scheduler.end(task_id).state is ReportedState.KILLED
        until(lambda: no_process(agent), "nothing of it is left")

    def test_a_task_without_it_times_out(self, agent, scheduler):
        task_id = scheduler.launch("sleep 1000", timeout=1.0)
        scheduler.running(task_id)
        agent.kill_executor()
        assert scheduler.end(task_id).reason == "max_completion_time_reached"

    def test_a_process_that_it_started_but_never_recorded_is_found(self, agent, scheduler, gate):
        task_id = scheduler.launch(gated(gate))
        scheduler.running(task_id)
        agent.kill()
        agent.kill_executor()
        record = Path(Records(agent.work_dir).path(task_id))
        record.write_bytes(record.read_bytes().splitlines(keepends=True)[0])
        agent.start()
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "back")
        scheduler.wait(lambda: len(scheduler.statuses(task_id)) == 2, "RUNNING again")
        gate.touch()
        assert scheduler.end(task_id).state is ReportedState.LOST

    def test_a_task_that_it_never_started_is_dropped(self, agent, scheduler):
        scheduler.run("true")
        (executor,) = agent.executors()
        os.kill(executor, signal.SIGSTOP)
        task_id = scheduler.launch("true")
        until(lambda: Records(agent.work_dir).find(task_id), "the launch is recorded")
        os.kill(executor, signal.SIGKILL)
        assert scheduler.end(task_id).state is ReportedState.DROPPED


class TestBoth:
    def test_what_ran_is_followed_and_lost_at_its_end(self, agent, scheduler, gate):
        task_id = scheduler.launch(gated(gate))
        scheduler.running(task_id)
        agent.kill()
        agent.kill_executor()
        agent.start()
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "back")
        scheduler.wait(lambda: scheduler.free_cpus() == 3000, "what the task leaves")
        gate.touch()
        assert scheduler.end(task_id).reason == "executor_terminated"

    def test_what_ended_unseen_is_lost(self, agent, scheduler, gate):
        task_id = scheduler.launch(gated(gate))
        scheduler.running(task_id)
        agent.kill()
        agent.kill_executor()
        gate.touch()
        until(lambda: no_process(agent), "the task ended")
        agent.start()
        end = scheduler.end(task_id)
        assert (end.state, end.exit_code) == (ReportedState.LOST, None)

    def test_what_had_ended_before_is_known(self, agent, scheduler, gate):
        task_id = scheduler.launch(gated(gate, "exit 2"))
        scheduler.running(task_id)
        agent.kill()
        gate.touch()
        until(lambda: over(agent, task_id), "the end is recorded")
        agent.kill_executor()
        agent.start()
        assert scheduler.end(task_id).exit_code == 2

    def test_a_stranger_with_the_same_pid_is_not_taken_for_the_task(self, agent, scheduler, gate):
        """The record names this test's own process, with the start time of another."""
        task_id = scheduler.launch(gated(gate))
        status = scheduler.running(task_id)
        (pid,) = [pid for pid in agent.tasks() if os.getsid(pid) == pid]
        agent.kill()
        agent.kill_executor()
        gate.touch()
        until(lambda: no_process(agent), "the task ended")
        record = Path(Records(agent.work_dir).path(task_id))
        forged = record.read_text().replace(f'"pid": {pid}', f'"pid": {os.getpid()}')
        assert forged != record.read_text()
        record.write_text(forged)
        agent.start()
        scheduler.do(Kill(task_id, status.agent_id, grace=0.0))
        assert scheduler.end(task_id).state is ReportedState.LOST
        assert environ_of(os.getpid())

    def test_another_boot_of_the_machine_is_told_apart(self, agent, scheduler, gate):
        task_id = scheduler.launch(gated(gate))
        scheduler.running(task_id)
        agent.kill()
        agent.kill_executor()
        record = Path(Records(agent.work_dir).path(task_id))
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        record.write_text(record.read_text().replace(boot, "another-boot"))
        agent.start()
        end = scheduler.end(task_id)
        assert (end.state, end.reason) == (ReportedState.LOST, "machine_restarted")
