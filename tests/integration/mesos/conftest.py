"""A scripted master, and drivers that are stopped whatever a test did."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from moroccron.adapters.mesos.credentials import Authorization, anonymous
from moroccron.adapters.mesos.driver import MesosDriver
from moroccron.adapters.mesos.framework import Framework
from moroccron.adapters.mesos.masters import StaticMasters
from moroccron.adapters.mesos.patience import Patience
from moroccron.ports import DriverEnd
from tests.local_agent import Scheduler
from tests.scripted_master import ScriptedMaster, scripted_master

#: a master is given up quickly, and a new one tried soon
HASTY = Patience(connect=1.0, answer=1.0, first_pause=0.01, longest_pause=0.1, steady=60.0)


class Connected(Scheduler):
    """A scheduler on a MesosDriver, with the ends that it was told."""

    def __init__(
        self, masters: str, framework: Framework, patience: Patience, **options: Any
    ) -> None:
        self.ends: list[tuple[DriverEnd, str]] = []
        self.refusals: list[str] = []
        self.mesos = MesosDriver(
            StaticMasters.parse(masters),
            framework,
            on_end=lambda end, message: self.ends.append((end, message)),
            on_refused=self.refusals.append,
            patience=patience,
            **options,
        )
        super().__init__(self.mesos)


@pytest.fixture
def master() -> Iterator[ScriptedMaster]:
    with scripted_master() as master:
        yield master


Connect = Callable[..., Connected]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes schedulers, not started: connect("HOST:PORT", patience=..., tls=..., roles=...)."""
    with ExitStack() as stack:

        def made(
            masters: str,
            *,
            patience: Patience = HASTY,
            authorization: Authorization = anonymous,
            tls: ssl.SSLContext | None = None,
            **fields: Any,
        ) -> Connected:
            scheduler = Connected(
                masters, Framework(**fields), patience, authorization=authorization, tls=tls
            )
            stack.callback(scheduler.driver.stop)
            return scheduler

        yield made
