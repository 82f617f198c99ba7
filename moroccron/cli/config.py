"""`moroccron config`: the settings in effect and where each came from."""

import re

import click

from moroccron import settings as declared
from moroccron.cli.options import json_option, with_reading
from moroccron.cli.output import column_table, emit_json, escape, say, table
from moroccron.settings import Reading

_PASSWORD = re.compile(r"(?<=:)[^:/@]+(?=@)")


@click.command("config")
@with_reading(*declared.names())
@json_option
def command(reading: Reading, as_json: bool) -> None:
    """Show the settings in effect and where each came from."""
    values = {name: _shown(reading, name) for name in declared.names()}
    if as_json:
        emit_json(
            {
                "file": str(reading.file) if reading.file else None,
                "settings": {
                    name: {"value": value, "origin": reading.origins[name]}
                    for name, value in values.items()
                },
            }
        )
        return
    rows = column_table("setting", "value", "from")
    for name, value in values.items():
        origin = reading.origins[name]
        value = value if value != "" else f"({declared.default_text(name)})"
        style = "[dim]" if origin == "default" else "[bold]"
        rows.add_row(name, f"{style}{escape(str(value))}[/]", f"[dim]{escape(origin)}[/]")
    table(rows)
    if reading.file is None:
        say(f"[dim]no {declared.FILE_NAME} here[/]")


def _shown(reading: Reading, name: str) -> str | int | float:
    value = getattr(reading.settings, name)
    if name in ("database", "election", "master"):
        return _PASSWORD.sub("***", value)
    return value if isinstance(value, (int, float)) else str(value)
