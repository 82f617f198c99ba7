"""Where words and tables go: standard output for results, standard error for everything else.

Owns the terminal: its width, its colours, JSON. Must not know what is printed.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

__all__ = ["column_table", "console", "diagnostics", "emit_json", "escape", "say", "table"]

#: columns of a table that goes into a pipe: nothing is to be cut there
_PIPE_WIDTH = 400


def console() -> Console:
    """Standard output as it is now (tests exchange it)."""
    return Console(
        file=sys.stdout, width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False
    )


def diagnostics() -> Console:
    """Standard error."""
    return Console(
        file=sys.stderr, width=None if sys.stderr.isatty() else _PIPE_WIDTH, highlight=False
    )


def say(text: str) -> None:
    """A line of result, with rich markup."""
    console().print(text, soft_wrap=True)


def column_table(*columns: str, right: Sequence[str] = (), flexible: Sequence[str] = ()) -> Table:
    """A table without borders. `right`: numbers; `flexible`: columns that shrink when it gets narrow."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in columns:
        table.add_column(
            name,
            justify="right" if name in right else "left",
            no_wrap=True,
            overflow="ellipsis",
            min_width=4 if name in flexible else None,
            ratio=None,
        )
    return table


def table(rows: Table) -> None:
    """Print a table, without the blanks that fill its last column."""
    console().print(rows)


def emit_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Iterable):
        return list(value)
    return str(value)
