"""moroccron as a person runs it: `moroccron standalone` in a folder, and the command line beside it."""

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

T = TypeVar("T")
PATIENCE = 30.0
MOROCCRON = [sys.executable, "-m", "moroccron.cli.main"]

DAGS = """
from moroccron import DAG, Job

with DAG("good", schedule=None, params={"who": "you"}):
    one = Job("one", "echo first; echo oops >&2")
    two = Job("two", "echo second")
    one >> two

with DAG("bad", schedule=None):
    breaks = Job("breaks", "echo broken; exit 3")
    never = Job("never", "echo never")
    breaks >> never

# Each job says on one line that it ran, and waits for the gate to open.
with DAG("gated", schedule=None):
    before = None
    for n in range(4):
        job = Job(f"j{n}", f"echo j{n} >> {FOLDER}/witness; while [ ! -e {FOLDER}/gate ]; do sleep 0.05; done")
        if before is not None:
            before >> job
        before = job
"""


def await_true(look: Callable[[], T | None], what: str) -> T:
    """The first true value of `look`; fails after a while."""
    deadline, pause = time.monotonic() + PATIENCE, threading.Event()
    while time.monotonic() < deadline:
        value = look()
        if value:
            return value
        pause.wait(0.05)
    raise AssertionError(f"waited in vain for {what}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children(pid: int) -> dict[str, int]:
    """Which of the supervisor's children is which process."""
    found = {}
    for line in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{line}/cmdline").read_bytes().split(b"\0")
        if b"moroccron.cli.main" in words:
            found[words[words.index(b"moroccron.cli.main") + 1].decode()] = int(line)
    return found


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that nobody has reaped yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def holds_open(pid: int, name: str) -> bool:
    """Whether the process has a file of this name open."""
    names = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed in the meantime
            names.append(os.path.basename(os.readlink(descriptor)))
    return name in names


class Place:
    """A folder in which moroccron is at home."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.started: list[subprocess.Popen[bytes]] = []
        self.environ = {
            name: value for name, value in os.environ.items() if not name.startswith("MOROCCRON_")
        } | {"MOROCCRON_PORT": str(self.port)}
        (folder / "dags").mkdir()
        (folder / "dags" / "all.py").write_text(DAGS.replace("{FOLDER}", str(folder)))

    def standalone(self) -> subprocess.Popen[bytes]:
        """Start it; returns once a scheduler has read the DAGs."""
        log = (self.folder / "console.log").open("ab")
        with log:
            process = subprocess.Popen(
                [*MOROCCRON, "standalone"],
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(process)
        await_true(lambda: self.is_healthy(process), "the pages")
        await_true(lambda: self.ask("dags/gated"), "the DAGs")
        return process

    def is_healthy(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None, self.console()
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/healthz", timeout=5
            ) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def ask(self, path: str) -> Any:
        """What the API says; None when it says no."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/api/v1/{path}", timeout=5
            ) as answer:
                return json.load(answer)
        except OSError:
            return None

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*MOROCCRON, *words],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
            check=False,
        )

    def json(self, *words: str) -> Any:
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def console(self) -> str:
        return (self.folder / "console.log").read_text()

    def witness(self) -> list[str]:
        file = self.folder / "witness"
        return file.read_text().split() if file.exists() else []

    def open_gate(self) -> None:
        (self.folder / "gate").touch()

    def clear(self) -> None:
        """End what a failed test left: standalone, then an agent with its jobs."""
        self.open_gate()
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(PATIENCE)
        await_true(lambda: not self.agent_listens(), "the agent's end")

    def agent_listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.folder / ".moroccron" / "agent.sock"))
            except OSError:
                return False
            return True


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.clear()


def test_a_run_from_the_command_line(place: Place) -> None:
    standalone = place.standalone()
    assert f"http://127.0.0.1:{place.port}/" in place.console()
    assert "does not isolate" in place.console()

    good = place.run("runs", "trigger", "good", "--wait", "--param", "who=me")
    assert good.returncode == 0, good.stderr
    assert "succeeded" in good.stdout
    assert place.run("logs", "good@latest", "one").stdout == "first\n"
    assert place.run("logs", "good@latest", "one", "--stderr").stdout == "oops\n"
    assert place.run("logs", "-f", "good@latest", "two").stdout == "second\n"
    shown = place.json("runs", "show", "good@latest")
    assert shown["params"] == {"who": "me"}
    assert [job["state"] for job in shown["jobs"]] == ["succeeded", "succeeded"]

    bad = place.run("runs", "trigger", "bad", "--wait")
    assert bad.returncode == 1
    assert "exit code 3" in bad.stdout
    assert place.run("logs", "bad@latest", "breaks").stdout == "broken\n"

    second = place.run("standalone")
    assert second.returncode == 7
    assert str(standalone.pid) in second.stderr
    assert f"http://127.0.0.1:{place.port}/" in second.stderr

    parts = children(standalone.pid)
    assert set(parts) == {"web", "scheduler", "agent"}
    standalone.send_signal(signal.SIGINT)
    assert standalone.wait(PATIENCE) == 0
    assert not any(map(is_alive, parts.values())), parts
    assert "Traceback" not in place.console()


def test_a_port_in_use_is_told_before_anything_starts(place: Place) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", place.port))
        other.listen()
        done = place.run("standalone")
    assert done.returncode == 8
    assert f"port {place.port} of 127.0.0.1 is taken" in done.stderr
    assert "--port" in done.stderr
    assert not (place.folder / ".moroccron" / "moroccron.db").exists()


def test_standalone_is_not_for_a_mesos(place: Place) -> None:
    place.environ["MOROCCRON_MASTER"] = "master:5050"
    done = place.run("standalone")
    assert done.returncode == 2
    assert "leave out the setting master" in done.stderr


def test_wrong_resources_end_it_with_the_reason(place: Place) -> None:
    done = place.run("standalone", "--resources", "cpus:many")
    assert done.returncode == 2
    assert "agent" in done.stderr


@pytest.mark.parametrize("victim", ["scheduler", "agent", "web"])
def test_a_part_that_dies_is_started_again_and_each_job_runs_once(
    place: Place, victim: str
) -> None:
    standalone = place.standalone()
    begun = place.json("runs", "trigger", "gated")
    await_true(lambda: place.witness() == ["j0"], "the first job")
    dead = children(standalone.pid)[victim]
    os.kill(dead, signal.SIGKILL)
    await_true(lambda: children(standalone.pid).get(victim) not in (None, dead), "another")
    assert f"{victim} (pid {dead}) was ended by SIGKILL" in place.console()
    place.open_gate()
    await_end(place, begun["run_id"], "succeeded")
    assert place.witness() == ["j0", "j1", "j2", "j3"]
    await_true(lambda: place.is_healthy(standalone), "the pages")
    attempts = place.json("jobs", "list", begun["run_id"])["attempts"]
    assert [attempt["number"] for attempt in attempts] == [1, 1, 1, 1]


def test_killing_the_supervisor_leaves_the_jobs_to_the_next_one(place: Place) -> None:
    first = place.standalone()
    begun = place.json("runs", "trigger", "gated")
    await_true(lambda: place.witness() == ["j0"], "the first job")
    parts = children(first.pid)
    first.kill()
    first.wait(PATIENCE)
    place.standalone()
    await_true(lambda: not is_alive(parts["web"]), "the old web process' end")
    await_true(lambda: not is_alive(parts["scheduler"]), "the old scheduler's end")
    place.open_gate()
    await_end(place, begun["run_id"], "succeeded")
    assert place.witness() == ["j0", "j1", "j2", "j3"]


def test_killing_the_supervisor_leaves_nothing_that_is_idle(place: Place) -> None:
    standalone = place.standalone()
    parts = children(standalone.pid)
    standalone.kill()
    standalone.wait(PATIENCE)
    for name, pid in parts.items():
        await_true(lambda pid=pid: not is_alive(pid), f"the end of {name}")


def test_a_second_scheduler_waits_and_ends_when_told(place: Place) -> None:
    place.standalone()
    second = subprocess.Popen([*MOROCCRON, "scheduler"], cwd=place.folder, env=place.environ)
    try:
        await_true(lambda: holds_open(second.pid, "moroccron.db"), "the second candidate")
        second.send_signal(signal.SIGTERM)
        assert second.wait(PATIENCE) == 0
    finally:
        second.kill()
        second.wait(PATIENCE)


def test_jobs_go_on_when_standalone_is_told_to_end(place: Place) -> None:
    first = place.standalone()
    begun = place.json("runs", "trigger", "gated")
    await_true(lambda: place.witness() == ["j0"], "the first job")
    agent = children(first.pid)["agent"]
    first.send_signal(signal.SIGTERM)
    assert first.wait(PATIENCE) == 0
    assert f"1 job still runs and goes on under the agent (pid {agent})" in place.console()
    assert is_alive(agent)
    place.standalone()
    place.open_gate()
    await_end(place, begun["run_id"], "succeeded")
    assert place.witness() == ["j0", "j1", "j2", "j3"]


def test_a_second_ctrl_c_ends_the_jobs(place: Place) -> None:
    standalone = place.standalone()
    begun = place.json("runs", "trigger", "gated")
    await_true(lambda: place.witness() == ["j0"], "the first job")
    agent = children(standalone.pid)["agent"]
    standalone.send_signal(signal.SIGINT)
    await_true(lambda: "press Ctrl-C again" in place.console(), "the question")
    standalone.send_signal(signal.SIGINT)
    assert standalone.wait(PATIENCE) == 0
    assert not is_alive(agent)
    place.standalone()
    assert place.json("runs", "show", begun["run_id"])["id"] == begun["run_id"]


def test_logs_follow_a_live_job(place: Place) -> None:
    place.standalone()
    (place.folder / "dags" / "live.py").write_text(
        "from moroccron import DAG, Job\n"
        'with DAG("live", schedule=None):\n'
        f'    Job("talks", "echo begun; while [ ! -e {place.folder}/gate ]; do sleep 0.05; done; echo done")\n'
    )
    await_true(lambda: place.ask("dags/live"), "the new file")
    begun = place.json("runs", "trigger", "live")
    with subprocess.Popen(
        [*MOROCCRON, "logs", "-f", begun["run_id"], "talks"],
        cwd=place.folder,
        env=place.environ,
        stdout=subprocess.PIPE,
    ) as following:
        assert following.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(following.stdout, selectors.EVENT_READ)
            assert selector.select(PATIENCE)
            assert following.stdout.readline() == b"begun\n"
        place.open_gate()
        assert following.stdout.read() == b"done\n"
        assert following.wait(PATIENCE) == 0


def await_end(place: Place, run_id: str, state: str) -> None:
    def look() -> bool:
        found = place.ask(f"runs/{run_id}")
        assert found is None or found["state"] in ("queued", "running", state), place.console()
        return found is not None and bool(found["state"] == state)

    await_true(look, f"{run_id} to be {state}")
