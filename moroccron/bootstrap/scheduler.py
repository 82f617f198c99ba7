"""The scheduler: the engine joined to database, agent, lock and files of this machine."""

import os
import socket
from collections.abc import Callable
from dataclasses import replace

from moroccron.adapters.clock import SystemClock
from moroccron.adapters.local.driver import LocalDriver
from moroccron.adapters.local.election import FileElection
from moroccron.adapters.local.paths import WorkDir
from moroccron.bootstrap.files import build_loader
from moroccron.bootstrap.store import open_store
from moroccron.core.policy import DEFAULT_POLICY, Policy
from moroccron.lifecycle import Lifecycle, Outside
from moroccron.settings import Settings


def build_scheduler(settings: Settings) -> Lifecycle:
    """One candidacy, ready to `run`."""
    work_dir = WorkDir(settings.work_dir)
    election = _LocalElection(FileElection(work_dir.scheduler_lock))
    outside = Outside(
        store=open_store(settings),
        driver=LocalDriver(work_dir.agent_socket, on_deposed=election.lose),
        election=election,
        files=build_loader(settings),
        clock=SystemClock(),
    )
    return Lifecycle(
        outside, holder=f"{socket.gethostname()}:{os.getpid()}", policy=build_policy(settings)
    )


def build_policy(settings: Settings) -> Policy:
    """How patient the engine is to be."""
    return replace(
        DEFAULT_POLICY,
        launch_grace=settings.launch_grace,
        unreachable_patience=settings.unreachable_patience,
    )


class _LocalElection:
    """The lock's election, which is also lost when another scheduler takes the agent from us."""

    def __init__(self, lock: FileElection) -> None:
        self._lock = lock
        self._on_loss: Callable[[str], None] | None = None
        self._lost = False

    def wait(self, on_loss: Callable[[str], None]) -> None:
        self._on_loss = on_loss
        self._lock.wait(on_loss)

    def trusted(self) -> bool:
        return self._lock.trusted() and not self._lost

    def resign(self) -> None:
        self._lock.resign()

    def lose(self, why: str) -> None:
        """The agent obeys another scheduler."""
        self._lost = True
        if self._on_loss is not None:
            self._on_loss(why)
