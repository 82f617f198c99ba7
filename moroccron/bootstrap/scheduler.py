"""The scheduler: the engine joined to database, cluster, election and files."""

import os
import socket
from collections.abc import Callable
from dataclasses import replace

from moroccron.adapters.clock import SystemClock
from moroccron.adapters.local.driver import LocalDriver
from moroccron.adapters.local.paths import WorkDir
from moroccron.adapters.outputs import ReadingDriver
from moroccron.bootstrap import extras
from moroccron.bootstrap.elections import build_election, guard
from moroccron.bootstrap.files import build_loader
from moroccron.bootstrap.logs import open_outputs
from moroccron.bootstrap.roles import roles_of
from moroccron.bootstrap.store import open_store
from moroccron.bootstrap.whereabouts import SettledStore
from moroccron.core.policy import DEFAULT_POLICY, Policy
from moroccron.lifecycle import ExitCode, Lifecycle, Outside
from moroccron.ports import Driver, Election
from moroccron.settings import Settings


def build_scheduler(settings: Settings) -> Lifecycle:
    """One candidacy, ready to `run`: for a Mesos where a master is set, else for the embedded agent."""
    holder = f"{socket.gethostname()}:{os.getpid()}"
    election = _RevocableElection(build_election(settings, holder))

    def give_up(code: ExitCode, why: str) -> None:
        election.revoke()
        lifecycle.give_up(code, why)

    driver: Driver
    if settings.master:
        driver = extras.load("moroccron.bootstrap.mesos", "master").build_driver(settings, give_up)
    else:
        driver = LocalDriver(WorkDir(settings.work_dir).agent_socket, on_deposed=election.lose)
    driver = ReadingDriver(driver, open_outputs(settings))
    outside = Outside(
        store=SettledStore(guard(open_store(settings), settings), on_mesos=bool(settings.master)),
        driver=driver,
        election=election,
        files=build_loader(settings),
        clock=SystemClock(),
    )
    lifecycle = Lifecycle(outside, holder=holder, policy=build_policy(settings))
    return lifecycle


def build_policy(settings: Settings) -> Policy:
    """How patient the engine is to be, and for whom it takes offers."""
    return replace(
        DEFAULT_POLICY,
        launch_grace=settings.launch_grace,
        assumed_runtime=settings.assumed_runtime,
        aging=settings.aging,
        retry_elsewhere=settings.retry_elsewhere if settings.master else 0.0,
        roles=roles_of(settings) if settings.master else (),  # the embedded agent knows none
        gpus=settings.gpus == "on" or not settings.master,
        replace_after=settings.replace_after or None,
    )


class _RevocableElection:
    """An election that is also over when the cluster obeys another scheduler, or nobody of us any more."""

    def __init__(self, election: Election) -> None:
        self._election = election
        self._on_loss: Callable[[str], None] | None = None
        self._revoked = False

    def wait(self, on_loss: Callable[[str], None]) -> None:
        self._on_loss = on_loss
        self._election.wait(on_loss)

    def trusted(self) -> bool:
        return not self._revoked and self._election.trusted()

    def resign(self) -> None:
        self._election.resign()

    def revoke(self) -> None:
        """Trusted no more."""
        self._revoked = True

    def lose(self, why: str) -> None:
        """The agent obeys another scheduler."""
        self.revoke()
        if self._on_loss is not None:
            self._on_loss(why)
