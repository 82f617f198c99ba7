"""`moroccron owners list|set|remove`."""

from collections.abc import Sequence
from typing import Any

import click

from moroccron.bootstrap.readers import open_commands, open_queries
from moroccron.cli import asking, shapes
from moroccron.cli.options import STORE, answer_option, json_option, with_settings
from moroccron.cli.output import column_table, emit_json, escape, say, table
from moroccron.model import amounts
from moroccron.model.command import RemoveShare, SetShare
from moroccron.model.errors import DagInvalid
from moroccron.model.share import MOST, MOST_WEIGHT, NOBODY, Share, ShareUse, told
from moroccron.settings import Settings


def _amount(reading: Any) -> Any:
    def read(_context: click.Context, _option: click.Parameter, value: str | None) -> int | None:
        if value is None or value == "0":
            return None if value is None else 0
        try:
            return int(reading(value))
        except DagInvalid as invalid:
            raise click.BadParameter(f"{invalid.message}; {invalid.remedy}") from invalid

    return read


@click.command("list")
@with_settings(*STORE)
@json_option
def list_owners(as_json: bool, settings: Settings) -> None:
    """List the owners who have a share, or work: weight and caps, what is held, how many attempts wait."""
    found = open_queries(settings).shares()
    if as_json:
        emit_json([shapes.share(use) for use in found])
    elif not found:
        say(
            "No owner has a share or work. Give one: [bold]moroccron owners set OWNER --weight 2[/]"
        )
    else:
        _print(found)


def _print(found: Sequence[ShareUse]) -> None:
    numbers = ("weight", "cpus", "MiB", "jobs", "queued")
    rows = column_table("owner", *numbers, right=numbers)
    for use in found:
        rows.add_row(
            escape(use.share.owner) if use.share.owner != NOBODY else "[dim](nobody)[/]",
            str(use.share.weight),
            _of(f"{use.cpus / 1000:g}", use.share.cpus and f"{use.share.cpus / 1000:g}"),
            _of(str(use.mem), use.share.mem),
            _of(str(use.jobs), use.share.jobs),
            str(use.queued),
        )
    table(rows)


def _of(held: str, cap: object) -> str:
    return held if cap is None else f"{held} of {cap}"


@click.command("set")
@click.argument("owner")
@click.option(
    "--weight",
    type=click.IntRange(1, MOST_WEIGHT),
    default=1,
    show_default=True,
    help="Beside the others: with 2, twice as much as with 1 while both have work waiting.",
)
@click.option(
    "--cpus", callback=_amount(amounts.cpus), help="At most so many cpus at a time, as 12.5."
)
@click.option(
    "--mem", callback=_amount(amounts.mem), help="At most so much memory at a time, as 64GiB."
)
@click.option("--jobs", type=click.IntRange(0, MOST), help="At most so many attempts at a time.")
@answer_option
@with_settings(*STORE)
@json_option
def set_share(
    owner: str,
    weight: int,
    cpus: int | None,
    mem: int | None,
    jobs: int | None,
    patience: float,
    as_json: bool,
    settings: Settings,
) -> None:
    """Give an OWNER a share of the cluster; what is not said is not capped. What runs, runs on."""
    number, answer = asking.give(
        open_queries(settings),
        open_commands(settings),
        SetShare(owner, weight, cpus, mem, jobs),
        patience=patience,
    )
    if as_json:
        emit_json(shapes.command(number, answer))
    else:
        say(f"{escape(owner)} has {told(Share(owner, weight, cpus, mem, jobs))}.")


@click.command("remove")
@click.argument("owner")
@answer_option
@with_settings(*STORE)
@json_option
def remove_share(owner: str, patience: float, as_json: bool, settings: Settings) -> None:
    """Take an OWNER's share away: weight 1 again, and no caps."""
    number, answer = asking.give(
        open_queries(settings), open_commands(settings), RemoveShare(owner), patience=patience
    )
    if as_json:
        emit_json(shapes.command(number, answer))
    else:
        say(f"{escape(owner)} has no share of their own.")
