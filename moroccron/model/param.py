"""What a DAG declares of a param: its type, its default, and which values it takes.

Owns the value and how it is stored. Whether a value fits is judged in `model.param_values`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class ParamType(StrEnum):
    """What kind of value a param takes."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"  #: stored as 2026-03-01
    DATETIME = "datetime"  #: stored in UTC; one without a zone is meant in the DAG's
    LIST = "list"
    JSON = "json"  #: anything


@dataclass(frozen=True, slots=True)
class Param:
    """A param of a DAG: `Param("date", required=True)`, `Param("integer", 10, minimum=1)`.

    Without a type it has that of its default. Without a default it is None unless whoever triggers a run says
    otherwise, or must be said when it is `required`.
    """

    type: ParamType | str | None = None
    default: Any = None
    _: KW_ONLY
    required: bool = False  #: whether every run must be given a value
    choices: Sequence[Any] | None = None  #: the only values; of a list, those of its items
    minimum: Any = None  #: of integers, numbers, dates and datetimes; included
    maximum: Any = None  #: the same
    pattern: str | None = None  #: an RE2 expression that the whole of a string matches
    description: str = ""  #: for people

    def to_json(self) -> dict[str, Any]:
        """What was declared beside the default."""
        found = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "default"}
        return {name: value for name, value in found.items() if value not in (None, False, "")}


def type_of(value: object) -> ParamType:
    """The type of a param of which nothing but its default was said."""
    for kind, named in _TYPES:
        if isinstance(value, kind):
            return named
    return ParamType.JSON


#: subclasses first
_TYPES: tuple[tuple[type | tuple[type, ...], ParamType], ...] = (
    (bool, ParamType.BOOLEAN),
    (int, ParamType.INTEGER),
    (float, ParamType.NUMBER),
    (str, ParamType.STRING),
    (datetime, ParamType.DATETIME),
    (date, ParamType.DATE),
    ((list, tuple), ParamType.LIST),
)


def decode_param(data: Mapping[str, Any], default: object) -> Param:
    """The param whose `to_json` gave `data`."""
    values = {**data, "type": ParamType(data["type"])}
    if "choices" in values:
        values["choices"] = tuple(values["choices"])
    return Param(default=default, **values)
