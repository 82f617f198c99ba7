"""Options that many commands share: settings as flags, --json, --yes, how long to wait.

Owns the join between click and settings: each flag's name, type and help come from the setting.
"""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from moroccron import settings as declared
from moroccron.model.backfill import VersionChoice
from moroccron.settings import Reading

Decorated = Callable[..., Any]

#: what it takes to find and open the database
STORE = ("database", "work_dir")


def with_settings(*names: str) -> Callable[[Decorated], Decorated]:
    """Give a command flags for these settings, and pass it all of them as `settings`."""

    def decorate(function: Decorated) -> Decorated:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            reading = _read(names, kwargs)
            return function(*args, settings=reading.settings, **kwargs)

        return _options(names, wrapper)

    return decorate


def with_reading(*names: str) -> Callable[[Decorated], Decorated]:
    """As `with_settings`, but pass the whole `reading`, with where each setting came from."""

    def decorate(function: Decorated) -> Decorated:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, reading=_read(names, kwargs), **kwargs)

        return _options(names, wrapper)

    return decorate


def _read(names: tuple[str, ...], kwargs: dict[str, Any]) -> Reading:
    for name, remedy in declared.strangers(os.environ).items():
        click.secho(f"Warning: there is no setting {name}; {remedy}", fg="yellow", err=True)
    given = {name: kwargs.pop(f"setting_{name}") for name in names}
    return declared.read(
        flags={name: value for name, value in given.items() if value is not None},
        environ=os.environ,
        folder=Path.cwd(),
        config=kwargs.pop("config"),
    )


def _options(names: tuple[str, ...], function: Decorated) -> Decorated:
    function = click.option(
        "--config",
        metavar="FILE",
        help=f"Settings file.  [{declared.CONFIG_VARIABLE}; default: {declared.FILE_NAME} here]",
    )(function)
    for name in reversed(names):
        function = click.option(
            declared.flag(name),
            f"setting_{name}",
            metavar=_METAVARS.get(declared.field_of(name).type, "TEXT"),
            help=f"{declared.field_of(name).metadata['doc']}  "
            f"[{declared.variable(name)}; default: {declared.default_text(name)}]",
        )(function)
    return function


_METAVARS: dict[Any, str] = {Path: "PATH", int: "NUMBER", float: "NUMBER"}


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Write JSON, of a shape that stays."
)

dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Show what would change, and change nothing. Needs no leader."
)

jobs_option = click.option(
    "--jobs", metavar="GLOB", help="Only jobs whose ids match, as in `load-*`.  [default: all]"
)

downstream_option = click.option(
    "--downstream", is_flag=True, help="With --jobs: and all jobs downstream of these."
)

version_option = click.option(
    "--version",
    "version",
    type=click.Choice([choice.value for choice in VersionChoice]),
    default=VersionChoice.OWN.value,
    show_default=True,
    help="On which version of its DAG a run goes on that runs again.",
)

yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask.")

answer_option = click.option(
    "--timeout",
    "patience",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the leader's answer.",
)
