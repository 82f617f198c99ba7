"""Whether a run may be asked for with these values. Shared by the JSON API and the pages."""

from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar

from moroccron.api.problems import Refused
from moroccron.model import validation, when
from moroccron.model.dag_version import DagVersion
from moroccron.model.errors import DagInvalid

T = TypeVar("T")


def check_params(version: DagVersion, params: Mapping[str, Any]) -> None:
    """Refuse a parameter that the DAG does not declare, and values that no run can have."""
    for name in params:
        if name not in version.params:
            takes = ", ".join(sorted(version.params)) or "none"
            raise Refused(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"{version.dag_id} takes no parameter {name!r}.",
                f"Parameters it takes: {takes}.",
                field=f"params.{name}",
            )
    _check("params", validation.params, {**version.params, **params})


def check_logical_date(moment: datetime | None) -> datetime | None:
    """The moment with its zone, or a refusal."""
    return None if moment is None else _check("logical_date", when.logical_date, moment)


def check_moment(field: str, text: str, zone: str) -> datetime:
    """The moment that is meant by ISO 8601, in the zone unless it names one; or a refusal."""
    moment = _check(field, lambda value: when.moment(value, zone), text)
    assert moment is not None, "there is none only for nothing"
    return moment


def _check(field: str, check: Callable[[Any], T], value: object) -> T:
    try:
        return check(value)
    except DagInvalid as error:
        raise Refused(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            _sentence(error.message),
            _sentence(error.remedy),
            field=field,
        ) from error


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
