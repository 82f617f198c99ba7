"""A process of the test cluster: begun, killed, frozen and begun again over the same folder.

What it is (a master, an agent, ZooKeeper) is a subclass's to know: its command, environment and when
it is healthy. It ends with the thread that began it unless told otherwise, so that nothing outlives
a test run that dies itself.
"""

import os
import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from tests.waiting import PATIENCE, until

#: What a test's environment must not decide for a process of the cluster.
FOREIGN = ("MESOS_", "LIBPROCESS_", "AGENT_OF", "GLOG_")
TAIL = 4000  #: characters of a log that a failure shows


class ClusterProcess(ABC):
    def __init__(
        self, name: str, folder: Path, *, tied: bool = True, user: str | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.folder = folder
        self.log = folder / f"{name}.log"
        self._tied = tied
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]: ...

    @abstractmethod
    def healthy(self) -> bool:
        """Whether it does its work; asked again and again while it starts."""

    def environ(self) -> Mapping[str, str]:
        return {}

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was never begun"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, *, wait: bool = True) -> None:
        """Begin it, again if it has ended; return when it is healthy, if to be waited for."""
        assert not self.running, f"{self.name} runs already"
        tie = ["setpriv", "--pdeathsig", "KILL", "--"] if self._tied else []
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*tie, *self.command()],
                env=inherited | dict(self.environ()),
                cwd=self.folder,
                user=self._user,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if wait:
            self.wait_healthy()

    def wait_healthy(self, patience: float = PATIENCE) -> None:
        try:
            until(self._healthy_or_dead, f"{self.name} is healthy", patience)
        except AssertionError as failure:
            raise AssertionError(f"{failure}\n{self.tail()}") from None

    def _healthy_or_dead(self) -> bool:
        if not self.running:
            raise AssertionError(f"{self.name} ended by itself")
        return self.healthy()

    def kill(self, number: int = signal.SIGKILL) -> int:
        """Signal it and wait for its end; its exit code."""
        assert self._process is not None, f"{self.name} was never begun"
        self._process.send_signal(number)
        if number != signal.SIGKILL:
            self._process.send_signal(signal.SIGCONT)
        return self._process.wait(PATIENCE)

    def pause(self) -> None:
        """Freeze it: to others it is there and says nothing."""
        os.kill(self.pid, signal.SIGSTOP)
        until(lambda: state_of(self.pid) == "T", f"{self.name} is frozen")

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def restart(self, *, wait: bool = True) -> None:
        """kill -9, and begun again over the same folder and port."""
        self.kill()
        self.start(wait=wait)

    def end(self) -> None:
        """For good: nothing of it runs afterwards. Harmless when it has ended."""
        if self.running:
            self.kill()

    def remove(self) -> None:
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-TAIL:] if self.log.exists() else "no log"


def state_of(pid: int) -> str | None:
    """A process's state as the kernel's letter: T is stopped, Z ended; None when it is gone."""
    fields = stat_of(pid)
    return fields[0] if fields else None


def started_at(pid: int) -> int | None:
    """When a process began, in ticks since the machine did: with its pid, its name for ever."""
    fields = stat_of(pid)
    return int(fields[19]) if fields else None


def stat_of(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the program's name."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def with_variable(mark: str) -> list[int]:
    """The processes in whose environment these characters are."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found
