"""What the core needs of the store: for a batch before it is decided, and for what was decided before.

Ended runs that commands speak of, what backfills come upon, the runs before others.

Reads only. Must not decide: which rows are wanted is the core's to say.
"""

from collections.abc import Iterable, Sequence

from moroccron.core.backfilling import to_recall, wanted, wanted_backfill
from moroccron.core.commands import wanted_run
from moroccron.core.view import View
from moroccron.model.command import Command
from moroccron.model.events import (
    BackfillRecalled,
    CommandReceived,
    Event,
    IntervalsSeen,
    PreviousFound,
)
from moroccron.ports import Store


def with_recalled(view: View, store: Store, events: Iterable[Event]) -> list[Event]:
    """The events, with what backfills wait for before them, and before a command about an ended run that run."""
    found = _seen_by_backfills(view, store)
    for event in events:
        if isinstance(event, CommandReceived):
            run_id = wanted_run(view, event.command)
            recalled = store.recall(run_id) if run_id is not None else None
            if recalled is not None:
                found.append(recalled)
            found += _backfill_of(view, store, event.command)
        found.append(event)
    return found


def _backfill_of(view: View, store: Store, command: Command) -> list[Event]:
    number = wanted_backfill(view, command)
    backfill = None if number is None else store.recall_backfill(number)
    return [] if backfill is None else [BackfillRecalled(backfill)]


def _seen_by_backfills(view: View, store: Store) -> list[Event]:
    found: list[Event] = []
    for wish in wanted(view):
        states = store.run_states(wish.run_ids)
        runs = {run_id: states.get(run_id) for run_id in wish.run_ids}
        failed: Sequence[str] = ()
        if wish.failed_before is not None:
            failed = store.failed_runs(wish.backfill.id, wish.failed_before, wish.room)
        for run_id in to_recall(wish, runs, failed):
            recalled = store.recall(run_id)
            found += [recalled] if recalled is not None else []
        found.append(IntervalsSeen(wish.backfill.id, runs, tuple(failed)))
    return found


def looked_up(view: View, store: Store) -> list[Event]:
    """The run before each run that was created without knowing it: it may be long over."""
    return [
        PreviousFound(run.id, store.previous(run.dag_id, run.logical_date))
        for run in view.take_sought()
    ]
