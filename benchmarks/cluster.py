"""A real Mesos on this machine for a benchmark, by the test cluster's classes.

ZooKeeper, PostgreSQL, master, agents and sites of moroccron: each is begun in a folder of the benchmark's own and
ended with it. Where the programs are not to be had, the benchmark says so and measures nothing.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from moroccron.adapters.sql.schema import upgrade
from moroccron.adapters.sql.store import SqlStore
from tests.cluster import postgres, zookeeper
from tests.cluster.mesos import Agent, Master
from tests.cluster.postgres import MortalPostgres
from tests.cluster.site import Site
from tests.cluster.zookeeper import ZooKeeper
from tests.mesos import build
from tests.mesos.kit import lay_out
from tests.waiting import until

#: What a master does by itself when nobody sets anything: offers once a second, patient with agents.
MESOS_DEFAULTS = {
    "allocation_interval": "1secs",
    "agent_ping_timeout": "15secs",
    "max_agent_ping_timeouts": "5",
}


class Cluster:
    """What was begun, and how to begin more."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self._kit = lay_out(build.home(), folder / "helpers")
        self._sites = 0

    def master(self, **flags: str) -> Master:
        """A master with Mesos' own pace, or with other flags."""
        made = Master(self._kit, self.folder / "master", flags=MESOS_DEFAULTS | flags)
        self._stack.callback(made.end)
        made.start()
        return made

    def agent(self, master: Master, number: int, resources: str) -> Agent:
        folder = self.folder / f"agent-{number}"
        made = Agent(self._kit, folder, master, number=number, resources=resources)
        self._stack.callback(made.end)
        made.start()
        return made

    def zookeeper(self) -> ZooKeeper:
        made = ZooKeeper(self.folder / "zookeeper")
        self._stack.callback(made.end)
        made.start()
        return made

    def postgres(self) -> MortalPostgres:
        made = postgres.server()
        self._stack.callback(made.remove)
        made.start()
        self._stack.callback(made.stop)
        return made

    def site(self, master: Master, dags: str, *, url: str = "", election: str = "sql") -> Site:
        """Database and DAGs for schedulers that are begun later; SQLite when no database is named."""
        self._sites += 1
        folder = self.folder / f"site-{self._sites}"
        folder.mkdir()
        url = url or f"sqlite:///{folder}/moroccron.db"
        upgrade(url)
        made = Site(folder, master, url, dags, election=election)
        self._stack.callback(made.close)
        return made


def framework_of(site: Site) -> str:
    """The id under which a site's schedulers are subscribed; waits for the first of them."""
    return str(until(SqlStore(site.engine).framework_id, "it is subscribed"))


def metrics_of(master: Master, framework_id: str) -> dict[str, float]:
    """What the master counts of one framework, by the part of the name that tells what."""
    parts = [(n.partition(f"/{framework_id}/")[2], v) for n, v in master.records.metrics().items()]
    return {name: value for name, value in parts if name}


@contextmanager
def cluster() -> Iterator[Cluster | None]:
    """None, after saying why, where no such cluster can run."""
    if reason := why_not():
        print(f"  not measured: {reason}")
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="moroccron-bench-"))
    try:
        with ExitStack() as stack:
            yield Cluster(folder, stack)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def why_not() -> str | None:
    """Why the cluster cannot run here; None when it can."""
    return build.why_not(build.home()) or zookeeper.why_not() or postgres.why_not()
