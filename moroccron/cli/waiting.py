"""Following a run to its end: progress for a terminal, a verdict for scripts."""

import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime

from rich.status import Status

from moroccron.cli import asking, times, words
from moroccron.cli.jobs import why
from moroccron.cli.output import diagnostics, escape, say
from moroccron.model.run import Attempt, JobRun, Run
from moroccron.model.states import RunState
from moroccron.ports import Queries

_LONGEST_PAUSE = 0.25


def await_end(queries: Queries, run_id: str, *, patience: float | None) -> Run | None:
    """The run once it is over; None when patience ran out first. On a terminal, with progress."""
    with _progress() as status:

        def look() -> Run | None:
            run = queries.run(run_id)
            if run.state.is_terminal:
                return run
            if status is not None:
                status.update(_line(run, queries.job_runs(run_id)))
            return None

        return asking.await_value(look, patience=patience, longest=_LONGEST_PAUSE)


def _progress() -> AbstractContextManager[Status | None]:
    if not sys.stderr.isatty():
        return nullcontext()
    return Status("", console=diagnostics())


def _line(run: Run, jobs: Sequence[JobRun]) -> str:
    took = times.between(run.started or run.created, None, datetime.now(UTC))
    return f"{escape(run.id)}  {words.counts(Counter(job.state for job in jobs))}  [dim]{took}[/]"


def print_verdict(queries: Queries, run: Run) -> None:
    """How the run ended; which jobs failed, why, and where to read on."""
    jobs = queries.job_runs(run.id)
    say(
        f"{escape(run.id)}  {words.styled(run.state)}  "
        f"{times.between(run.started, run.ended, datetime.now(UTC))}  "
        f"{words.counts(Counter(job.state for job in jobs))}"
    )
    if run.state is RunState.SUCCEEDED:
        return
    newest: dict[str, Attempt] = {each.job_id: each for each in queries.attempts(run.id)}
    for job in jobs:
        if job.state.is_failure and job.job_id in newest:
            say(
                f"  {words.styled(job.state)}  [bold]{escape(job.job_id)}[/]  "
                f"{escape(why(job, newest[job.job_id]))}"
            )
            say(f"    moroccron logs {escape(run.id)} {escape(job.job_id)}")
