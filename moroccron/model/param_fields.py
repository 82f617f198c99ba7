"""Params as a file declares them: a `Param`, or a bare default."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from moroccron.model import validation
from moroccron.model.constraint import check_expression
from moroccron.model.errors import DagInvalid
from moroccron.model.param import Param, ParamType, type_of
from moroccron.model.param_values import CHECKS, check_value
from moroccron.model.problems import REFUSED, Problems
from moroccron.model.validation import kind_of, refuse

_ORDERED = frozenset({ParamType.INTEGER, ParamType.NUMBER, ParamType.DATE, ParamType.DATETIME})


def take_params(problems: Problems, values: dict[str, Any]) -> None:
    """Put the params of a DAG's fields into their two forms: defaults, and what else is known of them."""
    given = values.pop("params", {})
    if not isinstance(given, Mapping):
        problems.check("params", validation.params, given)
        return
    zone, begun = values.get("timezone", "UTC"), "schedule" in values or values.get("triggers")
    found: dict[str, Param] = {}
    for name, value in given.items():
        if problems.check("params", validation.name_in_json, name) is REFUSED:
            continue
        param = problems.check(f"params.{name}", lambda one: declaration(one, zone), value)
        if param is REFUSED:
            continue
        found[name] = param
        if param.required and begun:
            problems.note(
                "it is required, but runs that a schedule or a trigger begins are given no params",
                "give it a default, or let only people trigger the DAG",
                field=f"params.{name}",
            )
    defaults = {name: param.default for name, param in found.items()}
    if problems.check("params", validation.params, defaults) is not REFUSED and defaults:
        values["params"] = defaults
        declared = {
            name: param
            for name, param in found.items()
            if isinstance(given[name], Param) or type_of(param.default) is not param.type
        }
        if declared:
            values["declared"] = declared


def declaration(value: object, zone: str) -> Param:
    """A param as an author wrote it: a `Param`, or a bare default whose type it then has."""
    if not isinstance(value, Param):
        kind = type_of(value)
        return Param(kind, CHECKS[kind](value, zone))
    kind = _type(value)
    if not isinstance(value.required, bool):
        raise refuse(
            f"required is {kind_of(value.required)}", "write required=True or leave it out"
        )
    if value.required and value.default is not None:
        raise refuse("it is required, so that its default is never used", "leave one of them out")
    param = Param(
        kind,
        required=value.required,
        choices=_choices(value, kind, zone),
        minimum=_bound("minimum", value.minimum, kind, zone),
        maximum=_bound("maximum", value.maximum, kind, zone),
        pattern=_pattern(value.pattern, kind),
        description=validation.doc(value.description),
    )
    if value.default is None:
        return param
    return replace(param, default=check_value(param, value.default, zone))


def _type(param: Param) -> ParamType:
    if param.type is None:
        return type_of(param.default) if param.default is not None else ParamType.STRING
    kind: ParamType = validation.choice(ParamType)(param.type)
    return kind


def _choices(param: Param, kind: ParamType, zone: str) -> Any:
    if param.choices is None:
        return None
    given = validation.items(param.choices, "choices")
    check = CHECKS[ParamType.JSON if kind is ParamType.LIST else kind]
    if not given:
        raise refuse("there is no choice in choices", "name some, or leave it out")
    return _told("choices", lambda: tuple(check(item, zone) for item in given))


def _bound(name: str, value: object, kind: ParamType, zone: str) -> Any:
    if value is None:
        return None
    if kind not in _ORDERED:
        raise refuse(
            f"type {kind} has no {name}", f"leave it out; {', '.join(sorted(_ORDERED))} have one"
        )
    return _told(name, lambda: CHECKS[kind](value, zone))


def _pattern(value: object, kind: ParamType) -> str | None:
    if value is None:
        return None
    if kind is not ParamType.STRING:
        raise refuse(f"type {kind} has no pattern", "leave it out; only a string has one")
    pattern = validation.text(value)
    try:
        check_expression(pattern)
    except ValueError as error:
        raise refuse(f"its pattern is no RE2 expression: {error}", "correct it") from None
    return pattern


def _told(name: str, check: Callable[[], Any]) -> Any:
    try:
        return check()
    except DagInvalid as error:
        raise refuse(f"its {name}: {error.message}", error.remedy) from None
