"""`moroccron backfill create|list|show`. What is asked of one that there is, is in `backfill_asking`."""

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from moroccron.bootstrap.previews import StoredPreviews
from moroccron.bootstrap.readers import open_commands, open_queries
from moroccron.cli import asking, finding, shapes, times, words
from moroccron.cli.errors import Failure
from moroccron.cli.exit_codes import ExitCode
from moroccron.cli.finding import BACKFILL_ID, DAG_ID
from moroccron.cli.options import (
    STORE,
    answer_option,
    downstream_option,
    dry_run_option,
    jobs_option,
    json_option,
    version_option,
    with_settings,
)
from moroccron.cli.output import column_table, emit_json, escape, say, table
from moroccron.cli.params import param_options, parse_params
from moroccron.model import when
from moroccron.model.backfill import (
    DEFAULT_MAX_ACTIVE,
    MOST_ACTIVE,
    BackfillPlan,
    BackfillProgress,
    CreateBackfill,
    Deed,
    Existing,
    VersionChoice,
)
from moroccron.model.errors import DagInvalid
from moroccron.model.states import RunState
from moroccron.settings import Settings

_DEEDS = {
    Deed.MAKE: "a run is made",
    Deed.RERUN: "it runs again",
    Deed.LEAVE: "left as it is",
}


@click.command("create")
@click.argument("dag_id", metavar="DAG", type=DAG_ID)
@click.option(
    "--from",
    "begin",
    required=True,
    metavar="MOMENT",
    help="Intervals that begin at this moment or later; ISO 8601, in the DAG's zone unless it names one.",
)
@click.option(
    "--to", "end", metavar="MOMENT", help="Intervals that begin before this moment.  [default: now]"
)
@jobs_option
@downstream_option
@click.option(
    "--existing",
    type=click.Choice([existing.value for existing in Existing]),
    default=Existing.KEEP.value,
    show_default=True,
    help="Runs that there are already: keep them, run those again that failed (from where they "
    "did), or run all again. Those that are not over are left alone.",
)
@version_option
@click.option("--newest-first", is_flag=True, help="Begin with the newest interval.")
@click.option(
    "--max-active",
    type=click.IntRange(1, MOST_ACTIVE),
    default=DEFAULT_MAX_ACTIVE,
    show_default=True,
    metavar="NUMBER",
    help="Runs of it that are active at a time. They take no slot of the DAG's max_active_runs.",
)
@param_options
@dry_run_option
@answer_option
@with_settings(*STORE)
@json_option
def create(
    dag_id: str,
    begin: str,
    end: str | None,
    jobs: str | None,
    downstream: bool,
    existing: str,
    version: str,
    newest_first: bool,
    max_active: int,
    params: Sequence[str],
    params_json: str | None,
    dry_run: bool,
    patience: float,
    as_json: bool,
    settings: Settings,
) -> None:
    """Make the runs of a DAG for a stretch of the past, as its schedule would have.

    The scheduler works on it below all other work; this command does not wait.
    """
    queries = open_queries(settings)
    newest = finding.dag(queries, dag_id).version
    moment = _moment("--from", begin, newest.timezone)
    assert moment is not None
    wish = CreateBackfill(
        dag_id,
        moment,
        _moment("--to", end, newest.timezone),
        jobs=jobs,
        downstream=downstream,
        existing=Existing(existing),
        version=VersionChoice(version),
        newest_first=newest_first,
        max_active=max_active,
        params=parse_params(params, newest, params_json),
    )
    if dry_run:
        plan = StoredPreviews(queries).backfill(wish, datetime.now(UTC))
        _show_plan(plan, newest.timezone, as_json=as_json)
        return
    number, answer = asking.give(queries, open_commands(settings), wish, patience=patience)
    found = queries.backfill(int(answer.detail))
    if as_json:
        emit_json({**shapes.command(number, answer), "backfill": shapes.backfill(found)})
    else:
        intervals = times.amount(found.backfill.total, "interval")
        say(f"Backfill {answer.detail} of {escape(dag_id)} is about {intervals}.")
        say(f"Follow it: moroccron backfill watch {answer.detail}")


def _moment(option: str, text: str | None, zone: str) -> datetime | None:
    try:
        return when.moment(text, zone)
    except DagInvalid as error:
        raise click.BadParameter(f"{error.message}; {error.remedy}", param_hint=option) from error


def _show_plan(plan: BackfillPlan, zone: str, *, as_json: bool) -> None:
    """Each interval with what is there already and what would happen; a `Failure` if it would be refused."""
    if as_json:
        emit_json(shapes.backfill_plan(plan))
        return
    if plan.refused is not None:
        raise Failure(f"would be refused: {plan.refused}", code=ExitCode.REFUSED)
    rows = column_table(f"interval from ({zone})", "to", "run", "there is", "would be done")
    for line in plan.intervals:
        rows.add_row(
            times.in_zone(line.interval.start, zone),
            times.in_zone(line.interval.end, zone),
            escape(line.run_id),
            words.styled(line.found) if line.found else "[dim]none[/]",
            _DEEDS[line.deed],
        )
    table(rows)
    say(f"Jobs: {escape(', '.join(plan.jobs))}.")
    counts = [f"{plan.count(deed)} {deed.value}" for deed in Deed if plan.count(deed)]
    say(f"{times.amount(len(plan.intervals), 'interval')}: {', '.join(counts)}.")
    say("Nothing was changed.")


@click.command("list")
@click.option("--dag", "dag_id", metavar="DAG", type=DAG_ID, help="Only backfills of this DAG.")
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
def list_backfills(dag_id: str | None, limit: int, as_json: bool, settings: Settings) -> None:
    """List backfills, newest first."""
    queries = open_queries(settings)
    if dag_id is not None:
        finding.dag(queries, dag_id)
    found = queries.backfills(dag_id=dag_id, limit=limit)
    if as_json:
        emit_json({"backfills": [shapes.backfill(one) for one in found]})
    elif not found:
        say("No backfill yet. Make one: [bold]moroccron backfill create DAG --from MOMENT[/]")
    else:
        _print_list(found)


def _print_list(found: Sequence[BackfillProgress]) -> None:
    now = datetime.now(UTC)
    rows = column_table("id", "dag", "state", "from", "to", "intervals", "runs", "created")
    for one in found:
        row = one.backfill
        rows.add_row(
            str(row.id),
            escape(row.dag_id),
            words.styled(row.state),
            times.exact(row.begin),
            times.exact(row.end),
            f"{looked_at(one)} of {row.total}",
            words.counts(one.runs),
            times.relative(row.created, now),
        )
    table(rows)


def looked_at(found: BackfillProgress) -> int:
    """How many of its intervals it has dealt with, if only by making their runs."""
    row = found.backfill
    return row.made + row.rerun + row.left


@click.command("show")
@click.argument("backfill_id", metavar="BACKFILL", type=BACKFILL_ID)
@with_settings(*STORE)
@json_option
def show(backfill_id: int, as_json: bool, settings: Settings) -> None:
    """Show a BACKFILL: what was asked, how far it is, and those of its runs that failed."""
    queries = open_queries(settings)
    found = finding.backfill(queries, backfill_id)
    if as_json:
        emit_json(shapes.backfill(found))
        return
    print_backfill(found)
    failed = queries.runs(
        backfill_id=backfill_id, states=[RunState.FAILED, RunState.KILLED], limit=20
    )
    for run in failed:
        say(f"  {words.styled(run.state)}  {escape(run.id)}")


def print_backfill(found: BackfillProgress) -> None:
    """What was asked, and how far it is."""
    row = found.backfill
    say(f"[bold]Backfill {row.id}[/] of [bold]{escape(row.dag_id)}[/]  {words.styled(row.state)}")
    facts = [
        ("from", times.exact(row.begin)),
        ("to", f"{times.exact(row.end)} (before)"),
        ("asked by", row.requested_by),
        ("jobs", "" if row.jobs is None else row.jobs + " and downstream" * row.downstream),
        ("existing", "" if row.existing is Existing.KEEP else row.existing.value),
        ("params", ", ".join(f"{name}={value}" for name, value in row.params.items())),
        ("intervals", _intervals(found)),
    ]
    for name, value in facts:
        if value:
            say(f"[dim]{name:<10}[/] {escape(value)}")
    say(f"[dim]{'runs':<10}[/] {words.counts(found.runs) or 'none yet'}")


def _intervals(found: BackfillProgress) -> str:
    row = found.backfill
    parts = ((row.made, "made"), (row.rerun, "run again"), (row.left, "left as they were"))
    said = ", ".join(f"{count} {what}" for count, what in parts if count)
    return f"{row.total}" + (f": {said}" if said else "")
