"""A scheduler that dies, or stands still, at a crash point: python -m tests.cluster.crashing POINT TIMES.

Its settings are those of its environment. POINT is one that the loop names, where it ends by kill -9 when it comes
there for the TIMESth time; or it is aimed:

    before ACCEPT         a launch is committed, and its ACCEPT has not left
    before ACKNOWLEDGE    the end of a task is committed, and its ACKNOWLEDGE has not left
    amid commit           in the middle of a transaction: does not die but stops itself (SIGSTOP)
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from moroccron.adapters.sql.store import SqlStore
from moroccron.bootstrap.scheduler import build_scheduler
from moroccron.lifecycle import Lifecycle
from moroccron.model.changes import AttemptChanged, Change
from moroccron.model.effects import Accept, Acknowledge, Effect
from moroccron.settings import read

Strike = Callable[[], None]


def main(point: str, times: int) -> int:
    reading = read(flags={}, environ=os.environ, folder=Path.cwd())
    lifecycle = build_scheduler(reading.settings)
    match point:
        case "before ACCEPT":
            before_accept(lifecycle, at(times, signal.SIGKILL))
        case "before ACKNOWLEDGE":
            before_acknowledge(lifecycle, at(times, signal.SIGKILL))
        case "amid commit":
            amid_commit(at(times, signal.SIGSTOP))
        case _:
            strike = at(times, signal.SIGKILL)
            lifecycle._pause = lambda name: strike() if name == point else None
    return lifecycle.run()


def at(times: int, number: signal.Signals) -> Strike:
    """Signal ourselves at the so many-th call."""
    calls = count(1)

    def strike() -> None:
        if next(calls) == times:
            os.kill(os.getpid(), number)

    return strike


def before_accept(lifecycle: Lifecycle, strike: Strike) -> None:
    def seen(effects: Sequence[Effect]) -> None:
        if any(isinstance(effect, Accept) for effect in effects):
            strike()

    _watch(lifecycle._outside.driver, "perform", seen)


def before_acknowledge(lifecycle: Lifecycle, strike: Strike) -> None:
    over: set[str | None] = set()

    def committed(term: int, changes: Sequence[Change], *_: object) -> None:
        attempts = [change.attempt for change in changes if isinstance(change, AttemptChanged)]
        over.update(attempt.task_id for attempt in attempts if attempt.state.is_terminal)

    def seen(effects: Sequence[Effect]) -> None:
        if any(isinstance(effect, Acknowledge) and effect.task_id in over for effect in effects):
            strike()

    _watch(lifecycle._outside.store, "commit", committed)
    _watch(lifecycle._outside.driver, "perform", seen)


def amid_commit(strike: Strike) -> None:
    """Between a commit's claim of its term and its rows, once something is launched."""
    write = SqlStore._write

    def striking(store: Any, cursor: Any, batch: Any, rows: Any) -> None:
        if batch.attempts:
            strike()
        write(store, cursor, batch, rows)

    SqlStore._write = striking  # type: ignore[method-assign]


def _watch(thing: Any, method: str, look: Callable[..., None]) -> None:
    """Look at a method's arguments before it is called."""
    real = getattr(thing, method)

    def watched(*words: Any) -> Any:
        look(*words)
        return real(*words)

    setattr(thing, method, watched)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
