"""Which values params take, of those that somebody gives to a run.

A check returns the value as it is stored, which is JSON, or raises `DagInvalid` with message and remedy;
`completed` names the param in its field, as `params.day`.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from moroccron.model import validation, when
from moroccron.model.constraint import expression_matches
from moroccron.model.dag_version import DagVersion
from moroccron.model.errors import DagInvalid
from moroccron.model.param import Param, ParamType
from moroccron.model.validation import kind_of, refuse, suggestion


def completed(version: DagVersion, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The params of a run that was given these, all others by default."""
    if not given and not version.declared:
        return version.params
    values = dict(version.params)
    for name, value in given.items():
        if name not in version.params:
            raise _about(name, unknown(version, name))
        try:
            values[name] = check_value(version.param(name), value, version.timezone)
        except DagInvalid as error:
            raise _about(name, error) from None
    for name, param in version.declared.items():
        if param.required and name not in given:
            raise _about(name, _missing(param))
    return validation.params(values)


def unknown(version: DagVersion, name: str) -> DagInvalid:
    """The error of a name that the DAG does not declare."""
    known = ", ".join(sorted(version.params)) or "none"
    remedy = suggestion(name, version.params, f"it has: {known}")
    return refuse(f"there is no param {name!r} of {version.dag_id}", remedy)


def _missing(param: Param) -> DagInvalid:
    what = f": {param.description}" if param.description else ""
    return refuse(f"a value is required{what}", f"give it a value of type {param.type}")


def _about(name: str, error: DagInvalid) -> DagInvalid:
    return DagInvalid(error.message, remedy=error.remedy, field=f"params.{name}")


# ------------------------------------------------------------------ one value


def check_value(param: Param, value: object, zone: str) -> Any:
    """The value as it is stored, if the param takes it. A datetime without a zone is meant in `zone`."""
    if value is None and (param.default is None and not param.required):
        return None
    checked = CHECKS[ParamType(param.type or ParamType.JSON)](value, zone)
    items = checked if param.type is ParamType.LIST else [checked]
    if param.choices is not None and any(item not in param.choices for item in items):
        known = [_text(choice) for choice in param.choices]
        remedy = suggestion(_text(value), known, f"use one of {', '.join(known)}")
        raise refuse(f"{kind_of(value)} is no choice of it", remedy)
    if param.pattern is not None and not expression_matches(param.pattern, checked):
        raise refuse(
            f"{kind_of(value)} does not match {param.pattern!r}", "write it in the form of that"
        )
    if (param.minimum is not None and _order(param, checked) < _order(param, param.minimum)) or (
        param.maximum is not None and _order(param, checked) > _order(param, param.maximum)
    ):
        raise refuse(f"{_text(checked)} is out of bounds", f"use {_bounds(param)}")
    return checked


def _order(param: Param, value: Any) -> Any:
    return datetime.fromisoformat(value) if param.type is ParamType.DATETIME else value


def _bounds(param: Param) -> str:
    if param.minimum is None:
        return f"{_text(param.maximum)} at most"
    if param.maximum is None:
        return f"{_text(param.minimum)} at least"
    return f"{_text(param.minimum)} to {_text(param.maximum)}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _string(value: object, zone: str) -> str:
    return validation.text(value)


def _integer(value: object, zone: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise refuse(f"must be an integer, not {kind_of(value)}", "write a whole number such as 3")
    return value


def _number(value: object, zone: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refuse(f"must be a number, not {kind_of(value)}", "write a number such as 2.5")
    number: int | float = validation.json_value(value, "the value")
    return number


def _boolean(value: object, zone: str) -> bool:
    if not isinstance(value, bool):
        raise refuse(f"must be a boolean, not {kind_of(value)}", "write true or false")
    return value


def _date(value: object, zone: str) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    try:
        if isinstance(value, str):
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise refuse(f"must be a date, not {kind_of(value)}", "write it as 2026-03-01")


def _datetime(value: object, zone: str) -> str:
    try:
        moment = when.moment(value, zone)
    except DagInvalid as error:
        raise refuse(
            f"must be a datetime; {error.message}", "write it as 2026-03-01T04:00"
        ) from None
    if moment is None:
        raise refuse("must be a datetime, not None", "write it as 2026-03-01T04:00")
    return moment.isoformat()


def _list(value: object, zone: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise refuse(f"must be a list, not {kind_of(value)}", 'write it as ["a", "b"]')
    items: list[Any] = validation.json_value(value, "the value")
    return items


def _json(value: object, zone: str) -> Any:
    return validation.json_value(value, "the value")


CHECKS: dict[ParamType, Callable[[object, str], Any]] = {
    ParamType.STRING: _string,
    ParamType.INTEGER: _integer,
    ParamType.NUMBER: _number,
    ParamType.BOOLEAN: _boolean,
    ParamType.DATE: _date,
    ParamType.DATETIME: _datetime,
    ParamType.LIST: _list,
    ParamType.JSON: _json,
}
_WRITTEN = frozenset({ParamType.STRING, ParamType.DATE, ParamType.DATETIME})


def from_text(param: Param, text: str) -> Any:
    """What somebody wrote on a command line or into a form; not yet checked.

    Strings, dates and datetimes as they stand, all else as JSON. What may be anything and is no JSON is text.
    """
    if param.type in _WRITTEN:
        return None if not text and param.default is None and not param.required else text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        if param.type is ParamType.JSON and param.default is None:
            return text
        raise refuse(
            f"{kind_of(text)} is no {param.type}", f"write JSON such as {_EXAMPLES[param.type]}"
        ) from None


_EXAMPLES: dict[ParamType | str | None, str] = {
    ParamType.INTEGER: "3",
    ParamType.NUMBER: "2.5",
    ParamType.BOOLEAN: "true",
    ParamType.LIST: '["a", "b"]',
    ParamType.JSON: '{"a": 1}',
}


def to_text(value: Any) -> str:
    """How `from_text` wants a value written."""
    return "" if value is None else _text(value)
