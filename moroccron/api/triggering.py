"""Whether parameters for a run are ones its DAG takes. Shared by the JSON API and the pages."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from moroccron.api.problems import Refused
from moroccron.model.dag_version import DagVersion


def check_params(version: DagVersion, params: Mapping[str, Any]) -> None:
    """Refuse a parameter that the DAG does not declare."""
    for name in params:
        if name not in version.params:
            takes = ", ".join(sorted(version.params)) or "none"
            raise Refused(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"{version.dag_id} takes no parameter {name!r}.",
                f"Parameters it takes: {takes}.",
                field=f"params.{name}",
            )
