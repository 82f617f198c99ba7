"""The framework as an operator handles it: looked at, and ended."""

from collections.abc import Mapping
from typing import Any

from moroccron.adapters.mesos.operator import Operator
from moroccron.bootstrap import extras
from moroccron.bootstrap.elections import ZOOKEEPER
from moroccron.bootstrap.secrets import authorization
from moroccron.bootstrap.store import open_store
from moroccron.bootstrap.tls import build_tls
from moroccron.settings import Settings, SettingsInvalid


class FrameworkDesk:
    """What the database and the master know of us. Needs the setting `master`."""

    def __init__(self, settings: Settings) -> None:
        if not settings.master:
            raise SettingsInvalid(
                "no Mesos master is set",
                source="the setting master",
                name="master",
                remedy="name it with --master",
            )
        self._settings = settings
        self._store = open_store(settings)

    def framework_id(self) -> str | None:
        """As the database has it."""
        return self._store.framework_id()

    def record(self, framework_id: str) -> Mapping[str, Any] | None:
        """As the master has it; None when it knows nothing."""
        return self._operator().framework(framework_id)

    def end(self, framework_id: str, holder: str) -> bool:
        """Fence whoever leads, tear down, and forget the id everywhere. Whether the master had it still.

        In this order: a leader that went on would only see its jobs lost and repeat them, and an id is
        forgotten only once nothing runs under it.
        """
        term = self._store.begin_term(holder)
        record = self.record(framework_id)
        alive = record is not None and not record.get("unregistered_time")
        if alive:
            self._operator().teardown(framework_id)
        self._store.forget_framework(term)
        where = self._settings.election
        if where.startswith(ZOOKEEPER):
            extras.load("moroccron.bootstrap.zookeeper", "election").build_mirror(where).forget()
        return alive

    def _operator(self) -> Operator:
        """A new one for each question: a detector is used once."""
        mesos = extras.load("moroccron.bootstrap.mesos", "master")
        detector = mesos.build_detector(self._settings)
        return Operator(detector, authorization(self._settings), tls=build_tls(self._settings))
