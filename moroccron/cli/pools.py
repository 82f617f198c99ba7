"""`moroccron pools list|set|remove`."""

from collections.abc import Sequence

import click

from moroccron.bootstrap.readers import open_commands, open_queries
from moroccron.cli import asking, shapes
from moroccron.cli.options import STORE, answer_option, json_option, with_settings
from moroccron.cli.output import column_table, emit_json, escape, say, table
from moroccron.model.command import RemovePool, SetPool
from moroccron.model.pool import MOST_SLOTS, PoolUse
from moroccron.settings import Settings


@click.command("list")
@with_settings(*STORE)
@json_option
def list_pools(as_json: bool, settings: Settings) -> None:
    """List the pools: their slots, how many are taken, how many attempts wait."""
    found = open_queries(settings).pools()
    if as_json:
        emit_json([shapes.pool(use) for use in found])
    elif not found:
        say("No pool yet. Make one: [bold]moroccron pools set NAME SLOTS[/]")
    else:
        _print(found)


def _print(found: Sequence[PoolUse]) -> None:
    rows = column_table("pool", "slots", "taken", "queued", right=("slots", "taken", "queued"))
    for use in found:
        slots = str(use.pool.slots) if use.made else "[red]nobody made it[/]"
        rows.add_row(escape(use.pool.name), slots, str(use.taken), str(use.queued))
    table(rows)


@click.command("set")
@click.argument("name", metavar="POOL")
@click.argument("slots", type=click.IntRange(0, MOST_SLOTS))
@answer_option
@with_settings(*STORE)
@json_option
def set_pool(name: str, slots: int, patience: float, as_json: bool, settings: Settings) -> None:
    """Make a POOL, or give it another number of SLOTS at once. Who has slots keeps them."""
    number, answer = asking.give(
        open_queries(settings), open_commands(settings), SetPool(name, slots), patience=patience
    )
    if as_json:
        emit_json(shapes.command(number, answer))
    else:
        say(f"{escape(name)} has {slots} slot{'' if slots == 1 else 's'}.")


@click.command("remove")
@click.argument("name", metavar="POOL")
@answer_option
@with_settings(*STORE)
@json_option
def remove_pool(name: str, patience: float, as_json: bool, settings: Settings) -> None:
    """Take a POOL away. Jobs that name it wait until there is one again."""
    number, answer = asking.give(
        open_queries(settings), open_commands(settings), RemovePool(name), patience=patience
    )
    if as_json:
        emit_json(shapes.command(number, answer))
    else:
        say(f"{escape(name)} is gone.")
