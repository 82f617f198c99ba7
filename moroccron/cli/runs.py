"""`moroccron runs list|show|kill`. Triggering and waiting are in `trigger` and `waiting`."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from moroccron.bootstrap.readers import open_commands, open_queries
from moroccron.cli import asking, finding, shapes, times, words
from moroccron.cli.errors import Failure
from moroccron.cli.exit_codes import ExitCode
from moroccron.cli.finding import DAG_ID, RUN_ID
from moroccron.cli.jobs import print_jobs
from moroccron.cli.options import STORE, answer_option, json_option, with_settings, yes_option
from moroccron.cli.output import column_table, emit_json, escape, say, table
from moroccron.model.command import KillRun
from moroccron.model.run import JobRun, Run
from moroccron.model.states import RunState
from moroccron.settings import Settings


@click.command("list")
@click.option("--dag", "dag_id", metavar="DAG", type=DAG_ID, help="Only runs of this DAG.")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in RunState]),
    help="Only runs in this state; may be given more than once.",
)
@click.option("--before", metavar="RUN", help="Only runs older than this one: the next page.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    metavar="NUMBER",
    help="How many.",
)
@with_settings(*STORE)
@json_option
def list_runs(
    dag_id: str | None,
    states: Sequence[str],
    before: str | None,
    limit: int,
    as_json: bool,
    settings: Settings,
) -> None:
    """List runs, newest first."""
    queries = open_queries(settings)
    if dag_id is not None:
        finding.dag(queries, dag_id)
    runs = queries.runs(
        dag_id=dag_id,
        states=[RunState(state) for state in states],
        before=finding.run(queries, before).id if before else None,
        limit=limit,
    )
    if as_json:
        emit_json({"runs": [shapes.run(run) for run in runs]})
    elif runs:
        _print_list(runs)
    else:
        say("No such runs. Begin one: [bold]moroccron runs trigger DAG[/]")


def _print_list(runs: Sequence[Run]) -> None:
    now = datetime.now(UTC)
    rows = column_table("run", "state", "kind", "began", "took", right=("took",))
    for run in runs:
        rows.add_row(
            escape(run.id),
            words.styled(run.state),
            run.kind.value,
            times.relative(run.started or run.due, now),
            times.between(run.started, run.ended, now),
        )
    table(rows)


@click.command("show")
@click.argument("run_id", metavar="RUN", type=RUN_ID)
@with_settings(*STORE)
@json_option
def show_run(run_id: str, as_json: bool, settings: Settings) -> None:
    """Show a RUN (an id, or DAG@latest) with its jobs, attempts, times and skew."""
    queries = open_queries(settings)
    run = finding.run(queries, run_id)
    jobs, attempts = queries.job_runs(run.id), queries.attempts(run.id)
    if as_json:
        emit_json(
            {
                **shapes.run(run),
                "jobs": [shapes.job_run(job) for job in jobs],
                "attempts": [shapes.attempt(attempt) for attempt in attempts],
            }
        )
        return
    _print_head(run)
    print_jobs(jobs, attempts)


def _print_head(run: Run) -> None:
    now = datetime.now(UTC)
    say(f"[bold]{escape(run.id)}[/]  {words.styled(run.state)}  {_took(run, now)}")
    facts = [
        ("due", f"{times.exact(run.due)}  {times.relative(run.due, now)}"),
        ("asked by", run.requested_by or ""),
        ("cause", str(run.cause or "")),
        ("params", ", ".join(f"{name}={value}" for name, value in run.params.items())),
        ("after", run.previous or ""),
        ("waits", run.message or ""),
        ("killed", run.kill.value if run.kill else ""),
    ]
    for name, value in facts:
        if value:
            say(f"[dim]{name:<9}[/] {escape(value)}")
    say("")


def _took(run: Run, now: datetime) -> str:
    return times.between(run.started, run.ended, now)


@click.command("kill")
@click.argument("run_id", metavar="RUN", type=RUN_ID)
@yes_option
@answer_option
@with_settings(*STORE)
@json_option
def kill_run(run_id: str, yes: bool, patience: float, as_json: bool, settings: Settings) -> None:
    """End every job of a RUN that lives, and start nothing more of it."""
    queries = open_queries(settings)
    run = finding.run(queries, run_id)
    if run.state.is_terminal:
        raise Failure(f"run {run.id} is over: {words.word(run.state)}", code=ExitCode.REFUSED)
    if not yes and not as_json:
        _confirm(run, queries.job_runs(run.id))
    number, answer = asking.give(
        queries, open_commands(settings), KillRun(run.id), patience=patience
    )
    if as_json:
        emit_json(shapes.command(number, answer))
    else:
        say(
            f"{escape(run.id)} is being killed; `moroccron runs show {escape(run.id)}` shows how far."
        )


def _confirm(run: Run, jobs: Sequence[JobRun]) -> None:
    """Say what will be touched and ask, if there is somebody to ask."""
    if not is_terminal():
        return
    open_jobs = sum(not job.state.is_terminal for job in jobs)
    click.confirm(
        f"End run {run.id}, with {open_jobs} of its {len(jobs)} jobs not over yet?",
        abort=True,
        err=True,
    )


def is_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty()
