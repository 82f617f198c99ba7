"""`moroccron db upgrade|check|current`."""

import click

from moroccron.bootstrap import tables
from moroccron.cli.errors import Failure
from moroccron.cli.exit_codes import ExitCode
from moroccron.cli.options import STORE, json_option, with_settings
from moroccron.cli.output import emit_json, escape, say
from moroccron.settings import Settings


@click.command("upgrade")
@with_settings(*STORE)
@json_option
def upgrade(as_json: bool, settings: Settings) -> None:
    """Bring the tables to what this moroccron needs; creates them where there are none."""
    before, after = tables.upgrade(settings)
    if as_json:
        emit_json({"before": before, "after": after})
    elif before == after:
        say(f"The tables are up to date ({after}).")
    else:
        say(f"The tables are at {after} now (before: {before or 'none'}).")


@click.command("check")
@with_settings(*STORE)
@json_option
def check(as_json: bool, settings: Settings) -> None:
    """Say whether this moroccron can work on the database; 6 when it cannot."""
    problems = tables.check(settings)
    if as_json:
        emit_json({"problems": problems})
    elif not problems:
        say("The database is ready.")
    for problem in problems if not as_json else ():
        say(f"[bold red]✘[/] {escape(problem)}")
    if problems:
        raise click.exceptions.Exit(ExitCode.DATABASE)


@click.command("current")
@with_settings(*STORE)
@json_option
def current(as_json: bool, settings: Settings) -> None:
    """Print the revision that the tables are at."""
    found, wanted = tables.current(settings)
    if as_json:
        emit_json({"current": found, "wanted": wanted})
    elif found is None:
        raise Failure(
            "the database has no tables yet",
            code=ExitCode.DATABASE,
            remedy="moroccron db upgrade",
        )
    else:
        say(f"{found}{'' if found == wanted else f' (wanted: {wanted})'}")
