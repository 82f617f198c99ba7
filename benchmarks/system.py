"""A whole moroccron on this machine for a benchmark: database, embedded agent and scheduler as processes."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from moroccron.bootstrap.readers import open_commands, open_queries
from moroccron.model.command import TriggerRun
from moroccron.model.run import Run
from moroccron.ports import Commands, Queries
from moroccron.settings import Settings, read

TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 120.0  #: seconds until a benchmark that does not get on is given up


class System:
    """Speaks to the running processes as people do: commands in, queries out."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.dags = folder / "dags"
        self.queries: Queries = open_queries(settings)
        self.commands: Commands = open_commands(settings)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def pids(self, *names: str) -> list[int]:
        """The named processes with all that descends from them."""
        return _family([self.processes[name].pid for name in names])

    def cpu(self, *names: str) -> float:
        """CPU seconds of the named processes, of all when none is named, the jobs they waited for included."""
        return sum(cpu_of(pid) for pid in self.pids(*(names or self.processes)))

    def wait(self, what: str, condition: Callable[[], bool], pause: float = 0.01) -> None:
        """Poll until the condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} did not happen within {PATIENCE} s; see {self.folder}")
            time.sleep(pause)

    def know(self, dag_id: str) -> None:
        """Wait until the DAG is stored."""
        self.wait(dag_id, lambda: any(d.state.dag_id == dag_id for d in self.queries.dags()))

    def trigger(self, dag_id: str) -> str:
        """Begin a run and wait for its id."""
        number = self.commands.submit(TriggerRun(dag_id), "benchmark")
        self.wait("an answer", lambda: self.queries.answer(number) is not None)
        answer = self.queries.answer(number)
        assert answer is not None
        return answer.detail

    def finish(self, run_id: str) -> Run:
        """Wait until the run is over."""
        self.wait(run_id, lambda: self.queries.run(run_id).state.is_terminal, pause=0.05)
        return self.queries.run(run_id)


@contextmanager
def running(resources: str, *, write: Callable[[Path], None]) -> Iterator[System]:
    """Start everything over a fresh database and the DAG files that `write` makes."""
    with tempfile.TemporaryDirectory(prefix="moroccron-bench-") as name:
        folder = Path(name)
        (folder / "dags").mkdir()
        write(folder / "dags")
        environment = os.environ | {
            "MOROCCRON_WORK_DIR": str(folder / "work"),
            "MOROCCRON_DAGS": str(folder / "dags"),
            "MOROCCRON_RESOURCES": resources,
        }
        _moroccron(environment, "db", "upgrade").wait()
        system = System(folder, read(flags={}, environ=environment, folder=folder).settings)
        try:
            for part in ("agent", "scheduler"):
                system.processes[part] = _moroccron(environment, part)
            yield system
        finally:
            for process in reversed(system.processes.values()):
                process.terminate()
                process.wait(timeout=30)


def _moroccron(environment: dict[str, str], *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "moroccron.cli.main", *words], env=environment)


def _family(roots: list[int]) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, frontier = [], list(roots)
    while frontier:
        pid = frontier.pop()
        found.append(pid)
        frontier += children.get(pid, [])
    return found


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def cpu_of(pid: int) -> float:
    """CPU seconds of a process and of its children that it has waited for."""
    fields = _stat(pid)
    return sum(int(fields[n]) for n in (11, 12, 13, 14)) / TICKS if fields else 0.0


def resident(pid: int) -> float:
    """Resident memory in MB."""
    for text in Path(f"/proc/{pid}/status").read_text().splitlines():
        if text.startswith("VmRSS:"):
            return int(text.split()[1]) / 1000
    return 0.0
