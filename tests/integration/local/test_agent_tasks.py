"""How the agent runs one task: its environment, its limits, its files, and the ways it can end."""

import os
import signal
import socket
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from moroccron.model.effects import Kill
from moroccron.model.events import Subscribed
from moroccron.model.files import Uri, Volume
from moroccron.model.offer import Launch
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey
from moroccron.model.states import ReportedState
from tests.local_agent import AgentProcess, descriptors, scheduler_of
from tests.waiting import until

FAILED, KILLED, ERROR = ReportedState.FAILED, ReportedState.KILLED, ReportedState.ERROR


def output(agent, end, name="stdout"):
    assert end.sandbox == str(agent.sandbox(end.task_id))
    return (Path(end.sandbox) / name).read_text()


class TestCommands:
    def test_an_argument_list_meets_no_shell(self, agent, scheduler):
        end = scheduler.run(("/bin/echo", "$HOME", "a b"))
        assert output(agent, end) == "$HOME a b\n"

    def test_a_program_is_found_by_the_jobs_own_path(self, agent, scheduler, tmp_path):
        (tmp_path / "mine").write_text("#!/bin/sh\necho mine\n")
        (tmp_path / "mine").chmod(0o755)
        end = scheduler.run(("mine",), env=(("PATH", f"{tmp_path}:/bin"),))
        assert output(agent, end) == "mine\n"

    def test_very_many_bytes_of_them_in_one_accept(self, scheduler):
        """More than a line of the connection may hold."""
        offers = [scheduler.offer()]
        env = tuple((f"PART_{n}", "x" * 100_000) for n in range(5))
        launches = [
            Launch(
                f"d@r@j{n}@1.1",
                AttemptKey("d@r", f"j{n}", 1),
                offers[0].agent_id,
                ("true",),
                Resources(cpus=10, mem=1),
                env=env,
            )
            for n in range(50)
        ]
        scheduler.use(offers, *launches)
        ends = [scheduler.end(launch.task_id) for launch in launches]
        assert {end.state for end in ends} == {ReportedState.FINISHED}
        assert len(scheduler.of(Subscribed)) == 1

    def test_outputs_are_kept_apart(self, agent, scheduler):
        end = scheduler.run("echo out; echo err >&2")
        assert (output(agent, end), output(agent, end, "stderr")) == ("out\n", "err\n")

    def test_it_begins_in_its_sandbox_with_nothing_to_read(self, agent, scheduler):
        end = scheduler.run("pwd; cat")
        assert output(agent, end) == f"{agent.sandbox(end.task_id)}\n"

    @pytest.mark.parametrize(
        ("command", "code"), [(("no-such-program",), 127), (("/no/such",), 127), (("/etc",), 126)]
    )
    def test_one_that_cannot_be_started_says_so(self, scheduler, command, code):
        end = scheduler.run(command)
        assert (end.state, end.exit_code, end.reason) == (FAILED, code, "command_not_started")
        assert command[0] in end.message

    def test_one_ended_by_a_signal_names_it(self, scheduler):
        end = scheduler.run("kill -SEGV $$")
        assert (end.state, end.exit_code) == (FAILED, 128 + signal.SIGSEGV)
        assert "SIGSEGV" in end.message

    def test_signals_have_their_usual_effect(self, agent, scheduler):
        """Python ignores SIGPIPE, and whoever started the agent may ignore more; tasks ignore nothing."""
        end = scheduler.run(("/bin/grep", "SigIgn", "/proc/self/status"))
        glibcs_own = (
            1 << 31 | 1 << 32
        )  # its posix_spawn ignores 32 and 33, which no program may use
        assert int(output(agent, end).split()[1], 16) & ~glibcs_own == 0

    def test_times_are_those_of_the_process(self, scheduler):
        task_id = scheduler.launch("sleep 0.2")
        end = scheduler.end(task_id)
        assert 0.2 <= (end.at - scheduler.running(task_id).at).total_seconds() < 10


class TestEnvironment:
    def test_holds_what_the_job_says_and_what_the_agent_knows(self, agent, scheduler):
        task_id = scheduler.launch(
            ("/usr/bin/env",),
            env=(("GREETING", "hello"), ("LANG", "C.UTF-8")),
            ports=(31003, 31001),
            resources=Resources(cpus=1000, mem=10, ports=2),
        )
        end = scheduler.end(task_id)
        environ = dict(line.split("=", 1) for line in output(agent, end).splitlines())
        assert environ["GREETING"] == "hello"
        assert environ["LANG"] == "C.UTF-8"
        assert (environ["PORT0"], environ["PORT1"], environ["PORTS"]) == (
            "31003",
            "31001",
            "31003,31001",
        )
        assert environ["MESOS_SANDBOX"] == str(agent.sandbox(task_id))
        assert environ["MESOS_TASK_ID"] == task_id
        assert environ["PATH"]

    def test_holds_nothing_else_of_the_agents(self, tmp_path):
        agent = AgentProcess(tmp_path / "work")
        agent.start(environ={"DATABASE_PASSWORD": "secret", "LC_ALL": "C"})
        scheduler = scheduler_of(agent).start()
        try:
            environ = output(agent, scheduler.run(("/usr/bin/env",)))
        finally:
            scheduler.driver.stop()
            agent.clean_up()
        assert "secret" not in environ
        assert "LC_ALL=C\n" in environ
        allowed = {"PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "LC_ALL"}
        names = {line.split("=")[0] for line in environ.splitlines()}
        assert {n for n in names if not n.startswith(("MESOS_", "LC_"))} <= allowed

    def test_no_file_of_the_agent_or_the_executor_is_open(self, agent, scheduler):
        end = scheduler.run((sys.executable, "-c", "import os; print(os.listdir('/proc/self/fd'))"))
        assert output(agent, end) == "['0', '1', '2', '3']\n"  # 3: the listing's own

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
    @pytest.mark.may_skip("only root may become another user")
    def test_another_user(self, agent, scheduler):
        end = scheduler.run("id -un; echo $USER; touch mine", user="nobody")
        assert output(agent, end) == "nobody\nnobody\n"
        assert (agent.sandbox(end.task_id) / "mine").owner() == "nobody"

    def test_a_user_that_is_not_there(self, scheduler):
        end = scheduler.run("true", user="nobody-of-that-name")
        assert (end.state, end.reason) == (FAILED, "command_not_started")
        assert "nobody-of-that-name" in end.message


class TestLimits:
    def test_a_timeout_fails_the_task(self, agent, scheduler):
        end = scheduler.run("sleep 1000", timeout=0.1)
        assert (end.state, end.reason) == (FAILED, "max_completion_time_reached")
        assert "0.1 s" in end.message
        until(lambda: not agent.tasks(), "nothing runs")

    def test_a_kill_leaves_time_to_clean_up(self, agent, scheduler):
        task_id = scheduler.launch(
            "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.01; done"
        )
        out = agent.sandbox(task_id) / "stdout"
        scheduler.running(task_id)
        until(lambda: out.read_text() == "ready\n", "the trap is set")
        scheduler.do(Kill(task_id, scheduler.agent_id(), grace=1000.0))
        end = scheduler.end(task_id)
        assert (end.state, end.exit_code) == (KILLED, 3)
        assert out.read_text() == "ready\nbye\n"

    def test_a_kill_is_final_after_its_grace(self, agent, scheduler):
        task_id = scheduler.launch("trap '' TERM; echo ready; while :; do sleep 0.01; done")
        out = agent.sandbox(task_id) / "stdout"
        scheduler.running(task_id)
        until(lambda: out.read_text() == "ready\n", "the trap is set")
        scheduler.do(Kill(task_id, scheduler.agent_id(), grace=0.2))
        end = scheduler.end(task_id)
        assert (end.state, end.exit_code) == (KILLED, 128 + signal.SIGKILL)

    def test_a_repeated_kill_may_shorten_the_grace(self, agent, scheduler):
        task_id = scheduler.launch("trap '' TERM; echo ready; while :; do sleep 0.01; done")
        scheduler.running(task_id)
        until(lambda: (agent.sandbox(task_id) / "stdout").read_text(), "the trap is set")
        scheduler.do(Kill(task_id, scheduler.agent_id(), grace=1000.0))
        scheduler.do(Kill(task_id, scheduler.agent_id(), grace=0.0))
        assert scheduler.end(task_id).state is KILLED

    @pytest.mark.parametrize(
        "command",
        [
            "sleep 1000 & sleep 1000",
            "timeout 1000 sleep 1000; true",  # goes into a process group of its own
        ],
    )
    def test_a_kill_reaches_everything_that_the_task_started(self, agent, scheduler, command):
        task_id = scheduler.launch(command)
        scheduler.running(task_id)
        until(lambda: len(agent.tasks()) == 3, "the shell and two more")
        scheduler.do(Kill(task_id, scheduler.agent_id(), grace=5.0))
        assert scheduler.end(task_id).state is KILLED
        until(lambda: not agent.tasks(), "nothing runs")

    def test_what_a_task_leaves_in_its_group_ends_with_it(self, agent, scheduler):
        end = scheduler.run("sleep 1000 & exit 0")
        assert end.exit_code == 0
        until(lambda: not agent.tasks(), "nothing runs")

    def test_a_kill_of_a_task_that_is_over_tells_its_state(self, scheduler):
        end = scheduler.run("exit 4")
        scheduler.do(Kill(end.task_id, end.agent_id, grace=1.0))
        scheduler.wait(lambda: len(scheduler.statuses(end.task_id)) == 3, "an answer")
        answer = scheduler.statuses(end.task_id)[-1]
        assert (answer.state, answer.exit_code, answer.reconciled) == (FAILED, 4, True)


class TestRefusals:
    def test_an_image(self, scheduler):
        task_id = scheduler.launch("true", image="debian:12")
        end = scheduler.end(task_id)
        assert (end.state, end.reason) == (ERROR, "image_not_supported")
        assert "debian:12" in end.message
        assert scheduler.run("true").exit_code == 0

    def test_volumes(self, scheduler):
        task_id = scheduler.launch("true", volumes=(Volume("/data", "/in"),))
        end = scheduler.end(task_id)
        assert (end.state, end.reason) == (ERROR, "volumes_not_supported")
        assert "cannot mount /data at /in" in end.message
        assert "use a Mesos cluster" in end.message

    @pytest.mark.parametrize("task_id", ["../../escape", "a/b", "..", "x" * 256])
    def test_a_task_id_that_is_no_files_name(self, agent, scheduler, task_id):
        scheduler.launch("true", task_id=task_id)
        assert scheduler.end(task_id).state is ERROR
        assert not list(agent.work_dir.sandboxes.iterdir())


class TestUris:
    def test_files_are_there_before_the_command_begins(self, agent, scheduler, tmp_path):
        (tmp_path / "one.txt").write_text("one\n")
        (tmp_path / "two words.txt").write_text("two\n")
        uris = (Uri(str(tmp_path / "one.txt")), Uri(f"file://{tmp_path}/two%20words.txt"))
        end = scheduler.run("cat one.txt 'two words.txt'", uris=uris)
        assert output(agent, end) == "one\ntwo\n"

    def test_archives_are_unpacked(self, agent, scheduler, tmp_path):
        (tmp_path / "inside").write_text("packed\n")
        with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
            tar.add(tmp_path / "inside", "from-tar")
        with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
            archive.write(tmp_path / "inside", "from-zip")
        uris = (Uri(str(tmp_path / "a.tar.gz")), Uri(str(tmp_path / "b.zip")))
        assert (
            output(agent, scheduler.run("cat from-tar from-zip", uris=uris)) == "packed\npacked\n"
        )

    def test_as_their_options_say(self, agent, scheduler, tmp_path):
        script = tmp_path / "script.tar.gz"  # executable goes before unpacking, as on Mesos
        script.write_text("#!/bin/sh\necho ran\n")
        (tmp_path / "inside").write_text("packed\n")
        with tarfile.open(tmp_path / "a.tar", "w") as tar:
            tar.add(tmp_path / "inside", "unpacked")
        uris = (
            Uri(str(script), executable=True, output="bin/run"),
            Uri(str(tmp_path / "a.tar"), extract=False, cache=True),
        )
        end = scheduler.run("bin/run; test -f a.tar && test ! -e unpacked", uris=uris)
        assert (end.exit_code, output(agent, end)) == (0, "ran\n")

    def test_over_http(self, agent, scheduler, served):
        end = scheduler.run("cat page.txt", uris=(Uri(f"{served}/page.txt"),))
        assert output(agent, end) == "from afar\n"

    @pytest.mark.parametrize(
        "uri", ["/no/such/file", "relative/file", "gopher://x/y", "file:///tmp/"]
    )
    def test_one_that_fails_fails_the_task(self, agent, scheduler, tmp_path, uri):
        witness = tmp_path / "witness"
        end = scheduler.run(f"touch {witness}", uris=(Uri(uri),))
        assert (end.state, end.reason) == (FAILED, "fetch_failed")
        assert uri in output(agent, end, "stderr")
        assert not witness.exists()
        assert [s.state for s in scheduler.statuses(end.task_id)] == [FAILED]

    def test_a_fetch_can_be_killed(self, agent, scheduler):
        with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, says nothing
            uri = f"http://127.0.0.1:{silent.getsockname()[1]}/never"
            task_id = scheduler.launch("true", uris=(Uri(uri),))
            until(lambda: agent.tasks(), "the fetcher runs")
            scheduler.do(Kill(task_id, scheduler.agent_id(), grace=5.0))
            assert scheduler.end(task_id).state is KILLED


class TestLeaks:
    def test_descriptors_do_not_grow_with_tasks(self, agent, scheduler):
        scheduler.run("true")
        pids = [agent.pid, *agent.executors()]
        before = [descriptors(pid) for pid in pids]
        for _ in range(20):
            scheduler.run("true", timeout=100.0)
        assert [descriptors(pid) for pid in pids] == before

    def test_a_task_that_is_over_leaves_no_live_record(self, agent, scheduler):
        end = scheduler.run("true")
        until(lambda: not list(agent.work_dir.live.iterdir()), "the record moved")
        assert (agent.sandbox(end.task_id) / "task.jsonl").exists()
