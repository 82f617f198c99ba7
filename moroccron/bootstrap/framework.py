"""The framework as an operator handles it: looked at, ended, forgotten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moroccron.adapters.mesos.operator import MasterUnavailable, Operator
from moroccron.bootstrap import extras
from moroccron.bootstrap.elections import ZOOKEEPER
from moroccron.bootstrap.secrets import authorization
from moroccron.bootstrap.store import open_store
from moroccron.bootstrap.tls import build_tls
from moroccron.settings import Settings, SettingsInvalid


@dataclass(frozen=True, slots=True)
class Standing:
    """Under which id the cluster knows us, and how much may live under it: by our own memory alone."""

    stored: str | None  #: in the database
    mirrored: str | None  #: in ZooKeeper; None also where it keeps no copy for us
    live: int  #: attempts that may run


@dataclass(frozen=True, slots=True)
class Sight:
    """What a master knows of a framework, and whether it knows all that there is to know."""

    record: Mapping[str, Any] | None  #: in Mesos' words; None: it never heard of it, or forgot
    awaited: Sequence[str]  #: hosts of agents not heard of since the master began

    @property
    def removed(self) -> bool:
        """Ended, with all its tasks, as far as the master could reach them."""
        return self.record is not None and bool(self.record.get("unregistered_time"))

    @property
    def alive(self) -> bool:
        return self.record is not None and not self.removed


class FrameworkDesk:
    """What the database, ZooKeeper and the master know of us, and how to undo it. Asks anew each time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = open_store(settings)

    def standing(self) -> Standing:
        snapshot = self._store.load()
        placed = [attempt for attempt in snapshot.attempts if attempt.agent_id is not None]
        return Standing(
            stored=snapshot.framework_id,
            mirrored=self._mirror().read() if self._mirrors() else None,
            live=sum(not attempt.state.is_terminal for attempt in placed),
        )

    def sight(self, framework_id: str) -> Sight:
        """What the master says. Raises `MasterUnavailable`."""
        return Sight(self._operator().framework(framework_id), self._operator().awaited_agents())

    def sight_if_any(self, framework_id: str) -> Sight | None:
        """None: no master is set, or none answers."""
        try:
            return self.sight(framework_id) if self._settings.master else None
        except MasterUnavailable:
            return None

    def end(self, framework_id: str, holder: str) -> bool:
        """Fence whoever leads, tear down, and forget the id everywhere. Whether the master had it still.

        The master is told whatever its record says: of a framework whose agents are about to come back it has none.
        First of all the leader is fenced, who would see his jobs lost and repeat them.
        """
        term = self._store.begin_term(holder)
        alive = self._operator().teardown(framework_id)
        self._forget(term)
        return alive

    def forget(self, holder: str) -> None:
        """Fence whoever leads, and forget the id everywhere. No master hears of it."""
        self._forget(self._store.begin_term(holder))

    def _forget(self, term: int) -> None:
        """The copy first: without it the next call, or leader, goes by the database. Without the other one nobody
        would go on."""
        if self._mirrors():
            self._mirror().forget()
        self._store.forget_framework(term)

    def _mirrors(self) -> bool:
        return self._settings.election.startswith(ZOOKEEPER)

    def _mirror(self) -> Any:
        zookeeper = extras.load("moroccron.bootstrap.zookeeper", "election")
        return zookeeper.build_mirror(self._settings.election)

    def _operator(self) -> Operator:
        """A new one for each question: a detector is used once."""
        if not self._settings.master:
            raise SettingsInvalid(
                "no Mesos master is set",
                source="the setting master",
                name="master",
                remedy="name it with --master",
            )
        mesos = extras.load("moroccron.bootstrap.mesos", "master")
        detector = mesos.build_detector(self._settings)
        return Operator(detector, authorization(self._settings), tls=build_tls(self._settings))
