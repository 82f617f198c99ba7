"""`moroccron backfill pause|resume|cancel|retry`: what is asked of a backfill that there is."""

import click

from moroccron.bootstrap.readers import open_commands, open_queries
from moroccron.cli import asking, finding, shapes
from moroccron.cli.finding import BACKFILL_ID
from moroccron.cli.options import STORE, answer_option, json_option, with_settings
from moroccron.cli.output import emit_json, say
from moroccron.model.backfill import (
    CancelBackfill,
    PauseBackfill,
    ResumeBackfill,
    RetryBackfill,
)
from moroccron.settings import Settings

_Asked = PauseBackfill | ResumeBackfill | CancelBackfill | RetryBackfill
_backfill = click.argument("backfill_id", metavar="BACKFILL", type=BACKFILL_ID)


@click.command("pause")
@_backfill
@answer_option
@with_settings(*STORE)
@json_option
def pause(backfill_id: int, patience: float, as_json: bool, settings: Settings) -> None:
    """Have a BACKFILL make no more runs for now. Those that there are go on."""
    _ask(
        PauseBackfill(backfill_id),
        "makes no more runs until it is resumed",
        patience,
        as_json,
        settings,
    )


@click.command("resume")
@_backfill
@answer_option
@with_settings(*STORE)
@json_option
def resume(backfill_id: int, patience: float, as_json: bool, settings: Settings) -> None:
    """Have a paused BACKFILL go on where it was."""
    _ask(ResumeBackfill(backfill_id), "goes on", patience, as_json, settings)


@click.command("cancel")
@_backfill
@click.option("--kill", is_flag=True, help="End those of its runs too that are not over.")
@answer_option
@with_settings(*STORE)
@json_option
def cancel(
    backfill_id: int, kill: bool, patience: float, as_json: bool, settings: Settings
) -> None:
    """Have a BACKFILL make no more runs, for good. Those that there are go on, unless they are killed."""
    said = "is cancelled; its runs are being killed" if kill else "is cancelled; its runs go on"
    _ask(CancelBackfill(backfill_id, kill), said, patience, as_json, settings)


@click.command("retry")
@_backfill
@answer_option
@with_settings(*STORE)
@json_option
def retry(backfill_id: int, patience: float, as_json: bool, settings: Settings) -> None:
    """Run those runs of a BACKFILL again, from where they failed, that did not succeed.

    It may be at work still, or done.
    """
    _ask(RetryBackfill(backfill_id), "runs its failed runs again", patience, as_json, settings)


def _ask(
    intent: _Asked,
    said: str,
    patience: float,
    as_json: bool,
    settings: Settings,
) -> None:
    queries = open_queries(settings)
    found = finding.backfill(queries, intent.backfill_id)
    number, answer = asking.give(queries, open_commands(settings), intent, patience=patience)
    if as_json:
        emit_json(shapes.command(number, answer))
    else:
        say(f"Backfill {found.backfill.id} {said}.")
