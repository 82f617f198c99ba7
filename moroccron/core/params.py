"""The params of a run, worked out when it is created and never again."""

from collections.abc import Mapping
from typing import Any

from moroccron.core.refused import Refused
from moroccron.model.dag_version import DagVersion
from moroccron.model.errors import DagInvalid
from moroccron.model.param_values import completed


def checked_params(version: DagVersion, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values given, and the defaults of all others. Raises `Refused`."""
    try:
        return completed(version, given)
    except DagInvalid as error:
        raise Refused(f"{error.field or 'params'}: {error.message}; {error.remedy}") from None
