"""A store whose framework id is mirrored in ZooKeeper: compared as it is loaded, copied once committed."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from moroccron.adapters.zookeeper.framework_id import FrameworkIdMirror
from moroccron.adapters.zookeeper.session import ZooKeeperUnavailable
from moroccron.model.backfill import Backfill
from moroccron.model.changes import Change, FrameworkChanged
from moroccron.model.command import Command
from moroccron.model.errors import StoreUnavailable
from moroccron.model.events import RunRecalled
from moroccron.model.run import PreviousRun
from moroccron.model.snapshot import Snapshot
from moroccron.model.states import RunState
from moroccron.ports import Store, idle

log = logging.getLogger(__name__)


class MirroredStore:
    """Fulfils `ports.Store` by another one."""

    def __init__(self, store: Store, mirror: FrameworkIdMirror) -> None:
        self._store = store
        self._mirror = mirror

    def begin_term(self, holder: str, waiting: Callable[[], None] = idle) -> int:
        return self._store.begin_term(holder, waiting)

    def load(self, waiting: Callable[[], None] = idle) -> Snapshot:
        """Raises `FrameworkMismatch` when this is not the database of the framework that was led before."""
        snapshot = self._store.load(waiting)
        try:
            self._mirror.check(snapshot.framework_id)
        except ZooKeeperUnavailable as error:
            raise StoreUnavailable(f"the framework id cannot be compared: {error}") from error
        return snapshot

    def recall(self, run_id: str) -> RunRecalled | None:
        return self._store.recall(run_id)

    def previous(self, dag_id: str, before: datetime) -> PreviousRun | None:
        return self._store.previous(dag_id, before)

    def run_states(self, run_ids: Sequence[str]) -> Mapping[str, RunState]:
        return self._store.run_states(run_ids)

    def recall_backfill(self, backfill_id: int) -> Backfill | None:
        return self._store.recall_backfill(backfill_id)

    def failed_runs(self, backfill_id: int, before: datetime, limit: int) -> Sequence[str]:
        return self._store.failed_runs(backfill_id, before, limit)

    def commit(
        self, term: int, changes: Sequence[Change], waiting: Callable[[], None] = idle
    ) -> None:
        self._store.commit(term, changes, waiting)
        for change in changes:
            if isinstance(change, FrameworkChanged):
                self._copy(change.framework_id)

    def unanswered_commands(self, after: int, limit: int) -> Sequence[Command]:
        return self._store.unanswered_commands(after, limit)

    def _copy(self, framework_id: str) -> None:
        try:
            self._mirror.keep(framework_id)
        except ZooKeeperUnavailable as error:
            log.warning("the framework id is not mirrored until the next leader starts: %s", error)
