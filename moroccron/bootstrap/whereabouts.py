"""A store whose attempts are of our own cluster: a database may move between the embedded agent and Mesos.

It keeps its history and its framework id, which each of the two takes from the other. But what still runs on the
one is unknown to the other, who would believe it lost and repeat it: so nothing may run while it moves.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from moroccron.adapters.local.identity import is_embedded
from moroccron.model.backfill import Backfill
from moroccron.model.changes import Change
from moroccron.model.command import Command
from moroccron.model.errors import FrameworkMismatch
from moroccron.model.events import RunRecalled
from moroccron.model.run import Attempt, PreviousRun
from moroccron.model.snapshot import Snapshot
from moroccron.model.states import RunState
from moroccron.ports import Store, idle


class SettledStore:
    """Fulfils `ports.Store` by another one. `on_mesos`: where its attempts may be alive."""

    def __init__(self, store: Store, *, on_mesos: bool) -> None:
        self._store = store
        self._on_mesos = on_mesos

    def begin_term(self, holder: str, waiting: Callable[[], None] = idle) -> int:
        return self._store.begin_term(holder, waiting)

    def load(self, waiting: Callable[[], None] = idle) -> Snapshot:
        """Raises `FrameworkMismatch` when something runs where we are not."""
        snapshot = self._store.load(waiting)
        elsewhere = [attempt for attempt in snapshot.attempts if self._is_elsewhere(attempt)]
        if elsewhere:
            raise FrameworkMismatch(_advice(elsewhere, self._on_mesos))
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

    def unanswered_commands(self, after: int, limit: int) -> Sequence[Command]:
        return self._store.unanswered_commands(after, limit)

    def _is_elsewhere(self, attempt: Attempt) -> bool:
        if attempt.state.is_terminal or attempt.agent_id is None:
            return False
        # Not by its URL: one that was adopted on another agent than it was sent to has none.
        return is_embedded(attempt.agent_id) == self._on_mesos


def _advice(elsewhere: Sequence[Attempt], on_mesos: bool) -> str:
    here, there = "a Mesos cluster", "the embedded agent"
    if not on_mesos:
        here, there = there, here
    first = elsewhere[0].key
    return (
        f"{len(elsewhere)} attempts of this database run on {there} (one is of {first.job_id} in {first.run_id}), "
        f"and the setting `master` stands for {here}, which would repeat them. Start the scheduler as it was "
        "before and let them end, or kill their runs; then move"
    )
