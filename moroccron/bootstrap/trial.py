"""One run of one DAG, for real: the engine over a store in memory, joined to the agent of a work directory."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from moroccron.adapters.clock import SystemClock
from moroccron.adapters.local.driver import LocalDriver
from moroccron.adapters.local.logs import SandboxLogs
from moroccron.adapters.local.notation import of_this_machine
from moroccron.adapters.local.paths import WorkDir
from moroccron.bootstrap.scheduler import build_policy
from moroccron.lifecycle import ExitCode, Lifecycle, Outside
from moroccron.model.changes import DagChanged, DagState, PoolChanged, VersionAdded
from moroccron.model.dag_version import DagVersion
from moroccron.model.events import FilesLoaded
from moroccron.model.pool import roomy_pools
from moroccron.ports import Logs
from moroccron.settings import Settings
from moroccron.testing.memory_store import MemoryStore

_HOLDER = "a trial"


class Trial:
    """The engine in a thread of its own. What is asked of it goes through the store, as always."""

    def __init__(self, settings: Settings, version: DagVersion, file: str) -> None:
        self.store = MemoryStore()
        self.logs: Logs = SandboxLogs(settings.work_dir)
        self.death: ExitCode | None = None  #: why the engine has ended, once it has
        self._put(version, file)
        outside = Outside(
            store=self.store,
            driver=LocalDriver(WorkDir(settings.work_dir.absolute()).agent_socket),
            election=_NoRival(),
            files=_NoFiles(),
            clock=SystemClock(),
        )
        self._lifecycle = Lifecycle(outside, holder=_HOLDER, policy=build_policy(settings))
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def _put(self, version: DagVersion, file: str) -> None:
        """The DAG is known from the beginning, and paused: its schedule makes no run. Its pools are free."""
        state = DagState(version.dag_id, version.id, file, paused=True)
        term = self.store.begin_term(_HOLDER)
        added = VersionAdded(version, file, datetime.now(UTC))
        pools = [PoolChanged(pool) for pool in roomy_pools(version)]
        self.store.commit(term, (added, DagChanged(state), *pools))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the engine. What runs is the agent's."""
        self._lifecycle.stop()
        self._thread.join()

    def _run(self) -> None:
        self.death = self._lifecycle.run()


def resources_for(version: DagVersion, folder: Path) -> str:
    """This machine's resources, and where a single job asks for more than that, as much, as an agent is told it.

    They are counted and not enforced: on a small machine a big job is tried out, too.
    """
    holding = of_this_machine(folder)
    has = holding.resources
    asked = [job.resources for job in version.jobs]
    most = {
        "cpus": max(has.cpus, *(each.cpus for each in asked)) / 1000,
        "mem": max(has.mem, *(each.mem for each in asked)),
        "disk": max(has.disk, *(each.disk for each in asked)),
    }
    return ";".join(f"{name}:{amount:.15g}" for name, amount in most.items())


class _NoRival:
    """Fulfils `ports.Election` where nobody else can lead."""

    def wait(self, on_loss: Callable[[str], None]) -> None: ...

    def trusted(self) -> bool:
        return True

    def resign(self) -> None: ...


class _NoFiles:
    """Fulfils `lifecycle.Files` where all that is to be known is stored already."""

    def load_all(self) -> FilesLoaded:
        return FilesLoaded(())

    def watch(self, emit: Callable[[FilesLoaded], None], stop: threading.Event) -> None:
        stop.wait()
