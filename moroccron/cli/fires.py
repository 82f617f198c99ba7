"""`moroccron dags fires`: when a DAG fires next, and what clocks do on those days."""

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from moroccron.bootstrap.readers import open_queries
from moroccron.cli import finding, shapes, times
from moroccron.cli.finding import DAG_ID
from moroccron.cli.options import STORE, json_option, with_settings
from moroccron.cli.output import column_table, emit_json, escape, say, table
from moroccron.model import when
from moroccron.model.errors import DagInvalid
from moroccron.model.fires import MOST_FIRES, Fire, next_fires
from moroccron.ports import DagSummary
from moroccron.settings import Settings


@click.command("fires")
@click.argument("dag_id", metavar="DAG", type=DAG_ID)
@click.option(
    "-n",
    "count",
    type=click.IntRange(1, MOST_FIRES),
    default=10,
    show_default=True,
    help="How many.",
)
@click.option(
    "--after",
    metavar="MOMENT",
    help="ISO 8601, in the DAG's zone unless it names one. Default: now.",
)
@with_settings(*STORE)
@json_option
def fires(dag_id: str, count: int, after: str | None, as_json: bool, settings: Settings) -> None:
    """Show when a DAG fires next, by its newest version: the moment, the data interval, changing clocks.

    Of a paused DAG, when it would fire if it were unpaused.
    """
    summary = finding.dag(open_queries(settings), dag_id)
    now = datetime.now(UTC)
    found = next_fires(summary.version, _moment(after, summary.version.timezone) or now, count)
    if as_json:
        emit_json({"dag_id": dag_id, "fires": [shapes.fire(fire) for fire in found]})
        return
    _print(summary, found, now)


def _moment(text: str | None, zone: str) -> datetime | None:
    try:
        return when.moment(text, zone)
    except DagInvalid as error:
        message = f"{error.message}; {error.remedy}"
        raise click.BadParameter(message, param_hint="--after") from error


def _print(summary: DagSummary, found: Sequence[Fire], now: datetime) -> None:
    name, state = escape(summary.version.dag_id), summary.state
    if not found:
        why = "fires no more" if summary.version.schedule else "runs only on request"
        say(f"{name} {why}.")
        return
    if not state.active:
        say(f"No file declares {name} any more: this is when it would fire.")
    elif state.paused:
        say(f"{name} is paused: this is when it would fire.")
    rows = column_table(f"due ({summary.version.timezone})", "", "interval from", "clocks")
    for fire in found:
        rows.add_row(
            times.exact(fire.local) + (" (again)" if fire.second else ""),
            times.relative(fire.interval.end, now),
            times.exact(fire.interval.start.astimezone(fire.local.tzinfo)),
            f"[yellow]{fire.clocks}[/]" if fire.clocks else "",
        )
    table(rows)
