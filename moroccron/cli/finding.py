"""Finding what a person names: `DAG@latest`, a DAG, a run, one of its jobs; and the ids for completion."""

import difflib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from moroccron import settings
from moroccron.bootstrap.readers import open_queries
from moroccron.cli.errors import Failure
from moroccron.cli.exit_codes import ExitCode
from moroccron.model.backfill import BackfillProgress
from moroccron.model.errors import MoroccronError, NotFound
from moroccron.model.run import JobRun, Run
from moroccron.ports import DagSummary, Queries

LATEST = "@latest"
_COMPLETIONS = 50


def dag(queries: Queries, dag_id: str) -> DagSummary:
    """The DAG, or a `Failure` that names the nearest ids."""
    try:
        return queries.dag(dag_id)
    except NotFound as error:
        raise _absent(
            f"there is no DAG {dag_id}",
            dag_id,
            [summary.state.dag_id for summary in queries.dags(recent=0)],
            "moroccron dags list",
        ) from error


def run(queries: Queries, run_id: str) -> Run:
    """The run of this id; `DAG@latest` is the newest run of the DAG."""
    if run_id.endswith(LATEST):
        dag_id = run_id.removesuffix(LATEST)
        dag(queries, dag_id)
        newest = queries.runs(dag_id=dag_id, limit=1)
        if not newest:
            raise Failure(
                f"DAG {dag_id} has no run yet",
                code=ExitCode.NOT_FOUND,
                remedy=f"moroccron runs trigger {dag_id}",
            )
        return newest[0]
    try:
        return queries.run(run_id)
    except NotFound as error:
        near = [found.id for found in queries.runs(limit=200)]
        raise _absent(f"there is no run {run_id}", run_id, near, "moroccron runs list") from error


def job_run(queries: Queries, of: Run, job_id: str) -> JobRun:
    """The job within the run."""
    jobs = queries.job_runs(of.id)
    for found in jobs:
        if found.job_id == job_id:
            return found
    raise _absent(
        f"run {of.id} has no job {job_id}",
        job_id,
        [found.job_id for found in jobs],
        f"moroccron jobs list {of.id}",
    )


def backfill(queries: Queries, backfill_id: int) -> BackfillProgress:
    """The backfill of this number."""
    try:
        return queries.backfill(backfill_id)
    except NotFound as error:
        raise Failure(
            f"there is no backfill {backfill_id}",
            code=ExitCode.NOT_FOUND,
            remedy="`moroccron backfill list` shows what there is",
        ) from error


def _absent(message: str, asked: str, known: Sequence[str], listing: str) -> Failure:
    near = difflib.get_close_matches(asked, known, n=3)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    return Failure(
        message + hint, code=ExitCode.NOT_FOUND, remedy=f"`{listing}` shows what there is"
    )


# --------------------------------------------------------------------------- shell completion


class IdType(click.ParamType):
    """Text whose completions come from the database. No database, or any trouble with it: none."""

    name = "text"

    def __init__(self, known: Callable[[Queries, click.Context], Iterable[str]]) -> None:
        self._known = known

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        try:
            reading = settings.read(
                flags={}, environ=os.environ, folder=Path.cwd(), config=ctx.params.get("config")
            )
            ids = list(self._known(open_queries(reading.settings), ctx))
        except (MoroccronError, click.ClickException):
            return []
        return [CompletionItem(id) for id in ids if id.startswith(incomplete)][:_COMPLETIONS]


class NumberType(IdType):
    """A number with completions."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        return int(click.INT.convert(value, param, ctx))


def _dag_ids(queries: Queries, ctx: click.Context) -> Iterable[str]:
    return (summary.state.dag_id for summary in queries.dags(recent=0) if summary.state.active)


def _run_ids(queries: Queries, ctx: click.Context) -> Iterable[str]:
    return (found.id for found in queries.runs(limit=200))


def _job_ids(queries: Queries, ctx: click.Context) -> Iterable[str]:
    run_id = ctx.params.get("run_id")
    return (found.job_id for found in queries.job_runs(run(queries, run_id).id)) if run_id else ()


def _backfill_ids(queries: Queries, ctx: click.Context) -> Iterable[str]:
    return (str(found.backfill.id) for found in queries.backfills())


BACKFILL_ID = NumberType(_backfill_ids)
DAG_ID = IdType(_dag_ids)
RUN_ID = IdType(_run_ids)
JOB_ID = IdType(_job_ids)
