"""`moroccron backfill watch`: how far a backfill is, until it is over. It goes on without anybody watching.

Owns pace and time left. On a terminal a bar that moves; elsewhere a verdict alone.
"""

import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime

import click
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from moroccron.bootstrap.readers import open_queries
from moroccron.cli import asking, finding, shapes, times, words
from moroccron.cli.backfill import print_backfill
from moroccron.cli.errors import Failure
from moroccron.cli.exit_codes import ExitCode
from moroccron.cli.finding import BACKFILL_ID
from moroccron.cli.options import STORE, json_option, with_settings
from moroccron.cli.output import diagnostics, emit_json
from moroccron.model.backfill import BackfillProgress, BackfillState
from moroccron.model.states import RunState
from moroccron.ports import Queries
from moroccron.settings import Settings

_LONGEST_PAUSE = 0.5
_UNSUCCESSFUL = (RunState.FAILED, RunState.KILLED)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast runs come to their end: of a backfill, between two looks at it."""

    runs: int
    seconds: float

    @classmethod
    def between(
        cls, first: BackfillProgress, seen: datetime, now: BackfillProgress, at: datetime
    ) -> "Pace":
        """Since it was first looked at, if a run has ended since then; else since it was created."""
        since = Pace(ended(now) - ended(first), (at - seen).total_seconds())
        if since.runs > 0:
            return since
        return Pace(ended(now), (at - now.backfill.created).total_seconds())

    def left(self, runs: int) -> float | None:
        """Seconds for so many more runs; None: nobody can tell."""
        return self.seconds / self.runs * runs if self.runs > 0 else None

    def __str__(self) -> str:
        if self.runs <= 0 or self.seconds <= 0:
            return ""
        rate = self.runs / self.seconds
        for unit, seconds in (("s", 1), ("min", 60), ("h", 3600)):
            if rate * seconds >= 1 or unit == "h":
                return f"{rate * seconds:.1f} runs/{unit}"
        raise AssertionError("the last unit takes all")


def ended(found: BackfillProgress) -> int:
    """Its runs that are over."""
    return sum(count for state, count in found.runs.items() if state.is_terminal)


def done(found: BackfillProgress) -> int:
    """Its intervals of which nothing is left to do."""
    return min(found.backfill.left + ended(found), found.backfill.total)


@click.command("watch")
@click.argument("backfill_id", metavar="BACKFILL", type=BACKFILL_ID)
@click.option(
    "--timeout",
    "patience",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Watch no longer than this. The backfill goes on.",
)
@with_settings(*STORE)
@json_option
def watch(backfill_id: int, patience: float | None, as_json: bool, settings: Settings) -> None:
    """Watch a BACKFILL until it is over; 0 when all its runs succeeded, else 1.

    The backfill does not need it: end it with Ctrl-C and watch again whenever you like.
    """
    queries = open_queries(settings)
    finding.backfill(queries, backfill_id)
    found = _await_end(queries, backfill_id, patience)
    if found is None:
        raise Failure(
            f"backfill {backfill_id} is not over after {patience:g} s; it goes on",
            code=ExitCode.NO_LEADER,
            remedy=f"moroccron backfill watch {backfill_id}",
        )
    if as_json:
        emit_json(shapes.backfill(found))
    else:
        print_backfill(found)
    bad = any(found.runs.get(state) for state in _UNSUCCESSFUL)
    if bad or found.backfill.state is not BackfillState.DONE:
        raise click.exceptions.Exit(ExitCode.FAILED)


def _await_end(
    queries: Queries, backfill_id: int, patience: float | None
) -> BackfillProgress | None:
    first, seen = queries.backfill(backfill_id), datetime.now(UTC)
    with _progress() as bar:
        task = bar.add_task("", total=first.backfill.total) if bar is not None else None

        def look() -> BackfillProgress | None:
            found = queries.backfill(backfill_id)
            if bar is not None and task is not None:
                _show(bar, task, found, Pace.between(first, seen, found, datetime.now(UTC)))
            return found if found.backfill.state.is_over else None

        return asking.await_value(look, patience=patience, longest=_LONGEST_PAUSE)


def _progress() -> AbstractContextManager[Progress | None]:
    if not sys.stderr.isatty():
        return nullcontext()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
    return Progress(*columns, console=diagnostics(), transient=True)


def _show(bar: Progress, task: TaskID, found: BackfillProgress, pace: Pace) -> None:
    row = found.backfill
    bar.update(
        task,
        description=f"backfill {row.id}  {words.styled(row.state)}",
        completed=done(found),
        total=row.total,
        said=line(found, pace),
    )


def line(found: BackfillProgress, pace: Pace) -> str:
    """Done, how the runs stand, pace and time left, as rich markup."""
    total = found.backfill.total
    left = pace.left(total - done(found))
    parts = [
        f"{done(found)} of {total}",
        words.counts(found.runs),
        str(pace),
        f"{times.duration(left)} left" if left else "",
    ]
    return "  ".join(part for part in parts if part)
