"""Groups that load a command's module when the command is asked for, so that --help stays quick.

Owns the way from a command's name to its module. Must not know what any command does.
"""

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import click


class Lazy(NamedTuple):
    """Where a command lives, and what it does in a line (shown without loading it)."""

    module: str
    help: str
    name: str = "command"  #: of the click command in the module


class LazyGroup(click.Group):
    """A group whose commands are named, not held."""

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = dict(lazy)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = self.lazy.get(cmd_name)
        if target is None:
            return None
        command = getattr(importlib.import_module(target.module), target.name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, target.help) for name, target in self.lazy.items()])
