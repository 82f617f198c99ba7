"""A Mesos master and its agents, as processes of the test cluster."""

import http.client
import os
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.cluster.ports import claim_port
from tests.cluster.process import ClusterProcess, with_variable
from tests.cluster.records import Record, Records, Refused
from tests.mesos.kit import Kit
from tests.waiting import PATIENCE, until

LOCAL = "127.0.0.1"
DEFAULTS = {"cpus": "4", "mem": "4096", "disk": "10000"}
PORTS = 31000  #: the first agent's first; each agent has a hundred, for they share one machine
#: Quicker than Mesos' own, that tests need not wait: an agent is missed after 5 s (75), and offers
#: come ten times a second (1).
MASTER_FLAGS = {
    "allocation_interval": "100ms",
    "agent_ping_timeout": "1secs",
    "max_agent_ping_timeouts": "5",
}
AGENT_FLAGS = {
    "launcher": "posix",
    "systemd_enable_support": "false",
    "recovery_timeout": "5mins",  # of tasks without their agent (Mesos: 15)
}


class MesosProcess(ClusterProcess):
    """What both have: flags, as MESOS_* variables, and an address that stays the same."""

    def __init__(
        self,
        kit: Kit,
        name: str,
        folder: Path,
        flags: Mapping[str, str],
        *,
        ip: str = LOCAL,
        port: int | None = None,
        tied: bool = True,
    ) -> None:
        super().__init__(name, folder, tied=tied)
        self._kit = kit
        self.flags = dict(flags)  #: may be changed before it is begun again
        self.ip = ip
        self.port = port or claim_port()
        self.address = f"{ip}:{self.port}"
        self.work_dir = folder / "work"

    def command(self) -> list[str]:
        return [str(self._kit.program)]

    def environ(self) -> Mapping[str, str]:
        flags = {"work_dir": str(self.work_dir)} | self.flags
        ours = {f"MESOS_{name.upper()}": value for name, value in flags.items()}
        listen = {"LIBPROCESS_IP": self.ip, "LIBPROCESS_PORT": str(self.port)}
        return self._kit.environ() | listen | ours

    def log_lines(self, part: str) -> list[str]:
        """The lines of its log, of all its lives, in which this is."""
        return [line for line in self.log.read_text(errors="replace").splitlines() if part in line]


class Master(MesosProcess):
    """Restarted, it plays a master that failed over: its registry is on disk, the rest it forgot.

    Any flag of Mesos is given by its name: Master(..., flags={"offer_timeout": "5secs"}).
    """

    def __init__(
        self,
        kit: Kit,
        folder: Path,
        *,
        name: str = "master",
        flags: Mapping[str, str] | None = None,
        credential: str | None = None,
        ip: str = LOCAL,
        port: int | None = None,
        tied: bool = True,
    ) -> None:
        given = MASTER_FLAGS | dict(flags or {})
        super().__init__(kit, name, folder, given, ip=ip, port=port, tied=tied)
        self.records = Records(self.address, credential=credential)

    def environ(self) -> Mapping[str, str]:
        own = {"MESOS_IP": self.ip, "MESOS_PORT": str(self.port), "MESOS_NUM_SLAVES": "0"}
        return {**super().environ(), **own}

    def healthy(self) -> bool:
        return self.records.answers()

    def agent(self, agent_id: str) -> Record | None:
        return next((agent for agent in self.records.agents() if agent["id"] == agent_id), None)


class Agent(MesosProcess):
    """Its tasks outlive it, as they do on a real machine; `end` ends them too.

    What `resources` does not name is as DEFAULTS say. `number` tells agents of one machine apart.
    """

    def __init__(
        self,
        kit: Kit,
        folder: Path,
        master: Master,
        *,
        number: int = 1,
        attributes: str = "",
        resources: str = "",
        flags: Mapping[str, str] | None = None,
        ip: str = LOCAL,
        port: int | None = None,
        tied: bool = True,
    ) -> None:
        given = dict(AGENT_FLAGS)
        given["resources"] = _completed(resources, number)
        if attributes:
            given["attributes"] = attributes
        given |= flags or {}
        super().__init__(kit, f"agent-{number}", folder, given, ip=ip, port=port, tied=tied)
        self.master = master
        self.records = Records(self.address, prefix="/slave(1)")
        self._before: Record | None = None

    def environ(self) -> Mapping[str, str]:
        return {**super().environ(), "MESOS_NUM_SLAVES": "1", "AGENT_OF": self.master.address}

    @property
    def id(self) -> str:
        """The id that the master gave it."""
        record = self.record()
        assert record is not None, f"{self.name} is not registered"
        return str(record["id"])

    def record(self) -> Record | None:
        """What the master has of it; None when it does not know it or does not answer."""
        try:
            agents = self.master.records.agents()
        except (OSError, http.client.HTTPException, Refused):
            return None
        mine = [agent for agent in agents if agent["port"] == self.port]
        return max(mine, key=_registered) if mine else None

    def start(self, *, wait: bool = True) -> None:
        self._before = self.record()
        super().start(wait=wait)

    def healthy(self) -> bool:
        """Whether the master counts on it, and has heard of it since it was begun last."""
        now = self.record()
        if now is None or not now["active"]:
            return False
        return self._before is None or _registered(now) > _registered(self._before)

    def wait_registered(self, patience: float = PATIENCE) -> None:
        """Until the master counts on it, after a restart of the master, say."""
        registered = "the master knows it"
        until(lambda: (self.record() or {}).get("active"), f"{registered}: {self.name}", patience)

    def sandboxes(self) -> list[Path]:
        """The folders of all its tasks' runs."""
        frameworks = self.work_dir / "agents" / "0" / "work" / "slaves"
        runs = frameworks.glob("*/frameworks/*/executors/*/runs/*")
        return sorted(run for run in runs if not run.is_symlink())

    @property
    def mark(self) -> str:
        """In the environment of its executors and their tasks, not in its own."""
        return f"{self.work_dir}/agents/0/"

    def tasks(self) -> list[int]:
        """The processes of its executors and their tasks."""
        return with_variable(self.mark)

    def forget(self) -> None:
        """As a machine that burned down: begun again, it is another agent."""
        self.end()
        shutil.rmtree(self.work_dir)

    def end(self) -> None:
        super().end()
        # Again and again: what is killed may have been about to begin another.
        until(self._ended_tasks, f"nothing of {self.name} runs")

    def _ended_tasks(self) -> bool:
        """Kill what runs; whether there was nothing."""
        tasks = self.tasks()
        for pid in tasks:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not tasks


def _completed(resources: str, number: int) -> str:
    """With what is not named: Mesos would take it from the machine."""
    first = PORTS + 100 * (number - 1)
    named = [entry.partition(":")[0].partition("(")[0] for entry in resources.split(";")]
    defaults = DEFAULTS | {"ports": f"[{first}-{first + 99}]"}
    missing = [f"{name}:{value}" for name, value in defaults.items() if name not in named]
    return ";".join([*filter(None, [resources]), *missing])


def _registered(agent: Record) -> float:
    return float(max(agent["registered_time"], agent.get("reregistered_time", 0)))
