"""The whole cluster for a person: `make cluster`, `make cluster-down`.

All of it lies in one folder and begins empty. What starts is in PARTS, in this order.
"""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster import postgres, zookeeper
from tests.cluster.engine import PROGRAM, Moroccron
from tests.cluster.ledger import Ledger
from tests.cluster.mesos import Agent, Master
from tests.cluster.process import ClusterProcess
from tests.cluster.zookeeper import ZooKeeper
from tests.mesos import build
from tests.mesos.kit import Kit, lay_out

ROOT = Path(__file__).parents[2]
AGENTS = ("rack:a;zone:z1", "rack:b;zone:z1", "rack:c;zone:z2")
SCHEDULERS = 2


@dataclass(frozen=True)
class Ports:
    """Those that everybody expects."""

    zookeeper: int = 2181
    master: int = 5050
    agents: tuple[int, ...] = (5051, 5052, 5053)
    web: int = 8650


class Unable(Exception):
    """The cluster cannot be had; says why."""


@dataclass
class Cluster:
    """What has been started so far, and the addresses that later parts need."""

    folder: Path
    ip: str
    ports: Ports
    kit: Kit
    ledger: Ledger
    addresses: dict[str, str] = field(default_factory=dict)

    def start(
        self, process: ClusterProcess, farewell: int = signal.SIGTERM, mark: str = ""
    ) -> None:
        """Written down before it is waited for: what never gets healthy is ended, too."""
        process.start(wait=False)
        self.ledger.add(process.name, process.pid, farewell, mark)
        process.wait_healthy()

    def free(self, wanted: int) -> int:
        """The port, when nobody has it."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.ip, wanted))
            except OSError as error:
                raise Unable(f"{self.ip}:{wanted}: {error.strerror}") from error
        return wanted


def start_zookeeper(cluster: Cluster) -> None:
    if reason := zookeeper.why_not():
        raise Unable(reason)
    port = cluster.free(cluster.ports.zookeeper)
    server = ZooKeeper(cluster.folder / "zookeeper", ip=cluster.ip, port=port, tied=False)
    cluster.start(server)
    cluster.addresses["ZooKeeper"] = server.url()


def start_mesos(cluster: Cluster) -> None:
    port = cluster.free(cluster.ports.master)
    folder = cluster.folder / "master"
    master = Master(cluster.kit, folder, ip=cluster.ip, port=port, tied=False)
    cluster.start(master, signal.SIGKILL)
    cluster.addresses["Mesos master"] = master.address
    for number, attributes in enumerate(AGENTS, start=1):
        agent = Agent(
            cluster.kit,
            cluster.folder / f"agent-{number}",
            master,
            number=number,
            attributes=attributes,
            ip=cluster.ip,
            port=cluster.free(cluster.ports.agents[number - 1]),
            tied=False,
        )
        cluster.start(agent, signal.SIGKILL, agent.mark)
        cluster.addresses[f"agent {number}"] = f"{agent.address} {attributes}"


def start_postgres(cluster: Cluster) -> None:
    if reason := postgres.why_not():
        raise Unable(reason)
    server = postgres.server(tied=False)
    (cluster.folder / "postgresql").symlink_to(server.process.folder)
    server.initialise()
    cluster.start(server.process, signal.SIGINT)
    cluster.addresses["PostgreSQL"] = server.create()
    database = {"MOROCCRON_DATABASE": cluster.addresses["PostgreSQL"]}
    subprocess.run([PROGRAM, "db", "upgrade"], env=os.environ | database, check=True)


def election_of(cluster: Cluster) -> str:
    return f"{cluster.addresses['ZooKeeper']}/moroccron"


def start_schedulers(cluster: Cluster) -> None:
    where = ["--master", cluster.addresses["Mesos master"], "--election", election_of(cluster)]
    where += ["--webui-url", f"http://{cluster.ip}:{cluster.ports.web}/"]
    for number in range(1, SCHEDULERS + 1):
        start_moroccron(
            cluster, f"scheduler-{number}", ["scheduler", *where, "--dags", str(ROOT / "dags")]
        )


def start_web(cluster: Cluster) -> None:
    port = cluster.free(cluster.ports.web)
    page = f"http://{cluster.ip}:{port}/"
    start_moroccron(cluster, "web", ["web", "--host", cluster.ip, "--port", str(port)], page)
    cluster.addresses["pages"] = page


def start_moroccron(cluster: Cluster, name: str, words: list[str], page: str | None = None) -> None:
    folder = cluster.folder / name
    place = ["--database", cluster.addresses["PostgreSQL"], "--work-dir", str(folder)]
    cluster.start(Moroccron(name, folder, [*words, *place], page=page, tied=False))


PARTS: tuple[Callable[[Cluster], None], ...] = (
    start_zookeeper,
    start_mesos,
    start_postgres,
    start_schedulers,
    start_web,
)


def up(folder: Path, ip: str, ports: Ports) -> None:
    ledger = Ledger(folder / "processes.json")
    if running := [entry.name for entry in ledger.entries() if entry.running]:
        raise Unable(f"it runs already ({', '.join(running)}): make cluster-down")
    if reason := build.why_not(build.home()):
        raise Unable(reason)
    clear(folder)
    kit = lay_out(build.home(), folder / "helpers")
    cluster = Cluster(folder, ip, ports, kit, ledger)
    try:
        for part in PARTS:
            part(cluster)
    except BaseException:
        down(folder)
        raise
    for name, address in cluster.addresses.items():
        print(f"{name:<13} {address}")
    shown = os.path.relpath(write_environment(cluster))
    print(f"After `. {shown}` the program `moroccron` speaks with it: moroccron runs list")
    print(f"Logs are in {os.path.relpath(folder)}. `make cluster-down` ends it.")


def write_environment(cluster: Cluster) -> Path:
    """What a shell reads so that `moroccron` is this checkout's, and its settings are this cluster's."""
    settings = {
        "MOROCCRON_DATABASE": cluster.addresses["PostgreSQL"],
        "MOROCCRON_MASTER": cluster.addresses["Mesos master"],
        "MOROCCRON_ELECTION": election_of(cluster),
        "MOROCCRON_DAGS": str(ROOT / "dags"),
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in settings.items()]
    lines.append(f'export PATH={shlex.quote(str(PROGRAM.parent))}:"$PATH"')
    file = cluster.folder / "environment"
    file.write_text("\n".join(lines) + "\n")
    return file


def down(folder: Path) -> None:
    ended = 0
    for entry in Ledger(folder / "processes.json").end_all():
        print(f"ended {entry.name} ({entry.pid})")
        ended += 1
    remove_database(folder)
    (folder / "environment").unlink(missing_ok=True)
    if ended:
        print(
            f"The cluster is ended. Its logs stay in {os.path.relpath(folder)} until the next one."
        )
    else:
        print("There is nothing to end: no process of a cluster is running.")


def clear(folder: Path) -> None:
    """Remove what an earlier cluster left."""
    remove_database(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def remove_database(folder: Path) -> None:
    """It lies elsewhere, where a user who is not root can reach it."""
    if (data := folder / "postgresql").is_symlink():
        shutil.rmtree(data.resolve(), ignore_errors=True)


def main(
    word: str, folder: str = ".cluster", ip: str = "127.0.0.1", *, ports: Ports | None = None
) -> None:
    where = (ROOT / folder).resolve()
    try:
        up(where, ip, ports or Ports()) if word == "up" else down(where)
    except (Unable, AssertionError) as failure:
        sys.exit(f"No cluster: {failure}")
