"""Whether a run may be asked for with these values. Shared by the JSON API and the pages."""

from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar

from moroccron.api.problems import Refused
from moroccron.model import when
from moroccron.model.dag_version import DagVersion
from moroccron.model.errors import DagInvalid
from moroccron.model.param_values import completed

T = TypeVar("T")


def check_params(version: DagVersion, params: Mapping[str, Any]) -> None:
    """Refuse a param that the DAG does not declare, one that is missing, and values that it does not take."""
    checked("params", lambda given: completed(version, given), params)


def check_logical_date(moment: datetime | None) -> datetime | None:
    """The moment with its zone, or a refusal."""
    return None if moment is None else checked("logical_date", when.logical_date, moment)


def check_moment(field: str, text: str, zone: str) -> datetime:
    """The moment that is meant by ISO 8601, in the zone unless it names one; or a refusal."""
    moment = checked(field, lambda value: when.moment(value, zone), text)
    assert moment is not None, "there is none only for nothing"
    return moment


def checked(field: str, check: Callable[[Any], T], value: object) -> T:
    """What the check makes of the value, or a refusal that names the field."""
    try:
        return check(value)
    except DagInvalid as error:
        raise Refused(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            _sentence(error.message),
            _sentence(error.remedy),
            field=error.field or field,
        ) from error


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
