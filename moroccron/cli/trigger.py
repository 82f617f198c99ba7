"""`moroccron runs trigger`: begin a run, and with --wait end as it ends."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click

from moroccron.bootstrap.readers import open_commands, open_queries
from moroccron.cli import asking, finding, shapes
from moroccron.cli.errors import Failure
from moroccron.cli.exit_codes import ExitCode
from moroccron.cli.finding import DAG_ID
from moroccron.cli.options import STORE, answer_option, json_option, with_settings
from moroccron.cli.output import diagnostics, emit_json, escape, say
from moroccron.cli.params import param_options, parse_params
from moroccron.cli.waiting import await_end, print_verdict
from moroccron.model import when
from moroccron.model.command import TriggerRun
from moroccron.model.errors import DagInvalid
from moroccron.model.states import RunState
from moroccron.ports import Queries
from moroccron.settings import Settings

T = TypeVar("T")


@click.command("trigger")
@click.argument("dag_id", metavar="DAG", type=DAG_ID)
@param_options
@click.option(
    "--logical-date",
    metavar="TIME",
    help="The moment that the run is about, ISO 8601; without a zone it is UTC.  [default: now]",
)
@click.option("--wait", is_flag=True, help="Wait for the end; 0 when the run succeeded, else 1.")
@click.option(
    "--wait-timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Wait no longer than this for the end. The run goes on.",
)
@answer_option
@with_settings(*STORE)
@json_option
def trigger(
    dag_id: str,
    params: Sequence[str],
    params_json: str | None,
    logical_date: str | None,
    wait: bool,
    wait_timeout: float | None,
    patience: float,
    as_json: bool,
    settings: Settings,
) -> None:
    """Begin a run of a DAG now."""
    queries = open_queries(settings)
    version = finding.dag(queries, dag_id).version
    values = parse_params(params, version, params_json)
    intent = TriggerRun(dag_id, values, parse_moment(logical_date))
    number, answer = asking.give(queries, open_commands(settings), intent, patience=patience)
    run_id = answer.detail
    if not wait:
        if as_json:
            emit_json({**shapes.command(number, answer), "run_id": run_id})
        else:
            say(f"{escape(run_id)} has begun. Follow it: moroccron runs show {escape(run_id)}")
        return
    if not as_json:
        diagnostics().print(f"{escape(run_id)} has begun.", soft_wrap=True)
    _wait(queries, run_id, wait_timeout, as_json)


def _wait(queries: Queries, run_id: str, patience: float | None, as_json: bool) -> None:
    """Ends the process as the run ended."""
    run = await_end(queries, run_id, patience=patience)
    if run is None:
        raise Failure(
            f"run {run_id} is not over after {patience:g} s; it goes on",
            code=ExitCode.NO_LEADER,
            remedy=f"moroccron runs show {run_id}",
        )
    if as_json:
        emit_json(
            {**shapes.run(run), "jobs": [shapes.job_run(job) for job in queries.job_runs(run_id)]}
        )
    else:
        print_verdict(queries, run)
    if run.state is not RunState.SUCCEEDED:
        raise click.exceptions.Exit(ExitCode.FAILED)


def parse_moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not a moment; write for example 2026-03-01T06:00+01:00",
            param_hint="--logical-date",
        ) from None
    return _check("--logical-date", when.logical_date, moment)


def _check(option: str, check: Callable[[Any], T], value: object) -> T:
    try:
        return check(value)
    except DagInvalid as error:
        raise click.BadParameter(f"{error}: {error.remedy}", param_hint=option) from None
