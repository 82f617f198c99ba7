"""`moroccron runs retry`: run a run again, from where it failed, some of its jobs, or all of it."""

import click

from moroccron.bootstrap.previews import StoredPreviews
from moroccron.bootstrap.readers import open_commands, open_queries
from moroccron.cli import asking, finding, shapes, words
from moroccron.cli.errors import Failure
from moroccron.cli.exit_codes import ExitCode
from moroccron.cli.finding import RUN_ID
from moroccron.cli.options import (
    STORE,
    answer_option,
    downstream_option,
    dry_run_option,
    json_option,
    version_option,
    with_settings,
)
from moroccron.cli.output import column_table, emit_json, escape, say, table
from moroccron.model.backfill import VersionChoice
from moroccron.model.command import Rerun, RetryRun
from moroccron.model.preview import JobMove, RunPreview
from moroccron.settings import Settings


@click.command("retry")
@click.argument("run_id", metavar="RUN", type=RUN_ID)
@click.option("--failed", is_flag=True, help="From where it failed.  [default]")
@click.option("--jobs", metavar="GLOB", help="The jobs whose ids match, as in `load-*`.")
@downstream_option
@click.option("--all", "everything", is_flag=True, help="All of it.")
@version_option
@dry_run_option
@answer_option
@with_settings(*STORE)
@json_option
def retry(
    run_id: str,
    failed: bool,
    jobs: str | None,
    downstream: bool,
    everything: bool,
    version: str,
    dry_run: bool,
    patience: float,
    as_json: bool,
    settings: Settings,
) -> None:
    """Run jobs of a RUN again that are over, then whatever their end had decided.

    Those that are at work are let be. --dry-run shows what would run, and on which version of the DAG.
    """
    how = _how(failed, jobs, everything)
    if downstream and jobs is None:
        raise click.UsageError("--downstream needs --jobs")
    queries = open_queries(settings)
    run = finding.run(queries, run_id)
    wish = RetryRun(run.id, how, jobs, downstream, VersionChoice(version))
    if dry_run:
        _show(StoredPreviews(queries).retry_run(wish), as_json=as_json)
        return
    number, answer = asking.give(queries, open_commands(settings), wish, patience=patience)
    if as_json:
        emit_json(shapes.command(number, answer))
    else:
        say(f"{escape(run.id)} runs again. Follow it: moroccron runs show {escape(run.id)}")


def _how(failed: bool, jobs: str | None, everything: bool) -> Rerun:
    if failed + (jobs is not None) + everything > 1:
        raise click.UsageError("use one of --failed, --jobs and --all")
    if jobs is not None:
        return Rerun.JOBS
    return Rerun.ALL if everything else Rerun.FAILED


def _show(preview: RunPreview, *, as_json: bool) -> None:
    """What would be done, and to which jobs; a `Failure` if it would be refused."""
    if as_json:
        emit_json(shapes.run_preview(preview))
        return
    if preview.refused is not None:
        raise Failure(f"would be refused: {preview.refused}", code=ExitCode.REFUSED)
    rows = column_table("job", "is", "would be", "why")
    for move in preview.moves:
        rows.add_row(
            escape(move.job_id),
            "[dim]new[/]" if move.job_id in preview.new else words.styled(move.before),
            words.styled(move.after),
            escape(_why(move)),
        )
    table(rows)
    say(_version(preview))
    for what, ids in (
        ("At work, and let be", preview.at_work),
        ("Gone from the DAG, kept as history", preview.gone),
    ):
        if ids:
            say(f"{what}: {escape(', '.join(ids))}.")
    if preview.reopens_run:
        say("The run is over and would run again.")
    say("Nothing was changed.")


def _why(move: JobMove) -> str:
    return f"because of {move.cause}" if move.cause else ""


def _version(preview: RunPreview) -> str:
    if preview.own_version_id == preview.newest_version_id:
        return "Its version of the DAG is the newest."
    if preview.version_id == preview.own_version_id:
        return "On its own version of the DAG; there is a newer one: --version newest."
    return "On the newest version of the DAG, not on its own."
