"""`moroccron jobs list|retry|mark`."""

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from moroccron.bootstrap.previews import StoredPreviews
from moroccron.bootstrap.readers import open_commands, open_queries
from moroccron.cli import asking, finding, shapes, times, words
from moroccron.cli.errors import Failure
from moroccron.cli.exit_codes import ExitCode
from moroccron.cli.finding import JOB_ID, RUN_ID
from moroccron.cli.options import (
    STORE,
    answer_option,
    dry_run_option,
    json_option,
    with_settings,
)
from moroccron.cli.output import column_table, emit_json, escape, say, table
from moroccron.model.command import MarkJob, RetryJob
from moroccron.model.failure import FailureClass
from moroccron.model.preview import Preview
from moroccron.model.run import Attempt, JobRun
from moroccron.model.states import MARKS, JobRunState
from moroccron.settings import Settings


@click.command("list")
@click.argument("run_id", metavar="RUN", type=RUN_ID)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in JobRunState]),
    help="Only jobs in this state; may be given more than once.",
)
@with_settings(*STORE)
@json_option
def list_jobs(run_id: str, states: Sequence[str], as_json: bool, settings: Settings) -> None:
    """List the jobs of a RUN (an id, or DAG@latest) with their attempts."""
    queries = open_queries(settings)
    run = finding.run(queries, run_id)
    jobs = [job for job in queries.job_runs(run.id) if not states or job.state.value in states]
    attempts = queries.attempts(run.id)
    if as_json:
        chosen = {job.job_id for job in jobs}
        emit_json(
            {
                "run_id": run.id,
                "jobs": [shapes.job_run(job) for job in jobs],
                "attempts": [shapes.attempt(each) for each in attempts if each.job_id in chosen],
            }
        )
        return
    print_jobs(jobs, attempts)


def print_jobs(jobs: Sequence[JobRun], attempts: Sequence[Attempt]) -> None:
    """The jobs of a run as a table, each with its newest attempt."""
    now = datetime.now(UTC)
    newest = {attempt.job_id: attempt for attempt in attempts}
    rows = column_table(
        "job", "state", "tries", "began", "took", "skew", "why", right=("tries", "took", "skew")
    )
    for job in jobs:
        attempt = newest.get(job.job_id)
        rows.add_row(
            escape(job.job_id),
            words.styled(job.state),
            str(job.attempts) if job.attempts else "",
            times.relative(job.started, now),
            times.between(job.started, job.ended, now),
            times.duration(attempt.skew) if attempt else "",
            escape(why(job, attempt)),
        )
    table(rows)


def why(job: JobRun, attempt: Attempt | None) -> str:
    """In one line, why a job is as it is; nothing when it is as one hopes."""
    if job.cause is not None:
        return f"because of {job.cause}"
    if job.mark is not None:
        return f"marked {job.mark} by {job.marked_by}"
    if job.message is not None:
        return job.message
    if job.state is JobRunState.QUEUED and attempt is not None:
        return attempt.message or ""
    if attempt is None or not (job.state.is_failure or job.state is JobRunState.RETRYING):
        return ""
    code = f"exit code {attempt.exit_code}" if attempt.exit_code is not None else ""
    said = (attempt.message or attempt.reason or "").strip().splitlines()[:1]
    return "; ".join(part for part in (blame(attempt), code, *said) if part)


def blame(attempt: Attempt) -> str:
    """Whose doing an attempt's end was, where it was not simply the job's."""
    if attempt.failure is None or attempt.failure is FailureClass.JOB:
        return ""
    return attempt.failure.value.replace("_", " ")


@click.command("retry")
@click.argument("run_id", metavar="RUN", type=RUN_ID)
@click.argument("job_id", metavar="JOB", type=JOB_ID)
@dry_run_option
@answer_option
@with_settings(*STORE)
@json_option
def retry(
    run_id: str, job_id: str, dry_run: bool, patience: float, as_json: bool, settings: Settings
) -> None:
    """Run an ended JOB of a RUN once more, then whatever its end had decided."""
    queries = open_queries(settings)
    run = finding.run(queries, run_id)
    finding.job_run(queries, run, job_id)
    wish = RetryJob(run.id, job_id)
    if dry_run:
        show_preview(StoredPreviews(queries).preview(wish), as_json=as_json)
        return
    number, answer = asking.give(queries, open_commands(settings), wish, patience=patience)
    if as_json:
        emit_json(shapes.command(number, answer))
    else:
        say(f"{escape(job_id)} of {escape(run.id)} is queued again.")


@click.command("mark")
@click.argument("run_id", metavar="RUN", type=RUN_ID)
@click.argument("job_id", metavar="JOB", type=JOB_ID)
@click.argument("state", type=click.Choice([state.value for state in sorted(MARKS)]))
@dry_run_option
@answer_option
@with_settings(*STORE)
@json_option
def mark(
    run_id: str,
    job_id: str,
    state: str,
    dry_run: bool,
    patience: float,
    as_json: bool,
    settings: Settings,
) -> None:
    """Say what a JOB of a RUN has come to. An attempt that lives is ended first.

    What the job's state had closed downstream is decided anew, in a run that is over as well.
    """
    queries = open_queries(settings)
    run = finding.run(queries, run_id)
    finding.job_run(queries, run, job_id)
    wish = MarkJob(run.id, job_id, JobRunState(state))
    if dry_run:
        show_preview(StoredPreviews(queries).preview(wish), as_json=as_json)
        return
    number, answer = asking.give(queries, open_commands(settings), wish, patience=patience)
    if as_json:
        emit_json(shapes.command(number, answer))
    else:
        say(f"{escape(job_id)} of {escape(run.id)} is marked {state}.")


def show_preview(preview: Preview, *, as_json: bool) -> None:
    """What would be done, and to which jobs; a `Failure` if it would be refused."""
    if as_json:
        emit_json(shapes.preview(preview))
        return
    if preview.refused is not None:
        raise Failure(f"would be refused: {preview.refused}", code=ExitCode.REFUSED)
    rows = column_table("job", "is", "would be", "why")
    for move in (preview.job, *preview.follows):
        why = f"because of {move.cause}" if move.cause else ""
        rows.add_row(
            escape(move.job_id), words.styled(move.before), words.styled(move.after), escape(why)
        )
    table(rows)
    if preview.ends_attempt:
        say("Its attempt would be ended first.")
    if preview.reopens_run:
        say("The run is over and would run again.")
    say("Nothing was changed.")
