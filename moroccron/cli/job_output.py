"""`moroccron jobs output`: what a job handed on, as JSON."""

import click

from moroccron.bootstrap.readers import open_queries
from moroccron.cli import finding
from moroccron.cli.errors import Failure
from moroccron.cli.exit_codes import ExitCode
from moroccron.cli.finding import JOB_ID, RUN_ID
from moroccron.cli.options import STORE, with_settings
from moroccron.settings import Settings


@click.command("output")
@click.argument("run_id", metavar="RUN", type=RUN_ID)
@click.argument("job_id", metavar="JOB", type=JOB_ID)
@click.option(
    "--attempt",
    "number",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="Of which attempt.  [default: the newest]",
)
@with_settings(*STORE)
def output(run_id: str, job_id: str, number: int | None, settings: Settings) -> None:
    """Print the JSON value that a JOB of a RUN (an id, or DAG@latest) handed on."""
    queries = open_queries(settings)
    run = finding.run(queries, run_id)
    finding.job_run(queries, run, job_id)
    attempts = queries.attempts(run.id, job_id)
    found = [a for a in attempts if number is None or a.number == number]
    if not found:
        which = "no attempt yet" if number is None else f"no attempt {number}"
        raise Failure(f"job {job_id} of run {run.id} has {which}", code=ExitCode.NOT_FOUND)
    if found[-1].output is None:
        raise Failure(
            f"attempt {found[-1].number} of job {job_id} handed nothing on",
            code=ExitCode.NOT_FOUND,
            remedy="only a job defined with output=True hands something on, once it has succeeded",
        )
    click.echo(found[-1].output)
