"""The options by which params are given values, the same wherever a run is asked for."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from moroccron.model.dag_version import DagVersion
from moroccron.model.errors import DagInvalid
from moroccron.model.param_values import completed, from_text, unknown

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--param",
        "params",
        multiple=True,
        metavar="NAME=VALUE",
        help="Give a param of the DAG a value; may be given more than once. Strings and dates are "
        "written as they stand, all else as JSON: --param n=3.",
    ),
    click.option(
        "--params-json",
        metavar="OBJECT",
        help="Give params values, as one JSON object; what --param says goes before.",
    ),
)


def param_options(command: F) -> F:
    """`--param` and `--params-json`, for `parse_params`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def parse_params(
    given: Sequence[str], version: DagVersion, whole: str | None = None
) -> dict[str, Any]:
    """Values by name, of `--params-json` and over that of `--param`, checked as the scheduler will."""
    values = {} if whole is None else _parse_object(whole)
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--param")
        if name not in version.params:
            raise _bad(name, unknown(version, name))
        try:
            values[name] = from_text(version.param(name), value)
        except DagInvalid as error:
            raise _bad(name, error) from None
    try:
        completed(version, values)
    except DagInvalid as error:
        raise _bad((error.field or "").removeprefix("params."), error) from None
    return values


def _parse_object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"is no JSON: {error}", param_hint="--params-json") from None
    if not isinstance(found, dict):
        raise click.BadParameter('must be an object: {"name": value}', param_hint="--params-json")
    return found


def _bad(name: str, error: DagInvalid) -> click.BadParameter:
    about = f"{name}: " if name else ""
    return click.BadParameter(f"{about}{error.message}; {error.remedy}", param_hint="--param")
