"""The notebook of a DAG under construction: what was found wrong, so that all of it can be told at once."""

from collections.abc import Mapping
from typing import Any

from moroccron.model.errors import DagInvalid
from moroccron.model.fields import Check
from moroccron.model.validation import suggestion

REFUSED: Any = object()  #: stands for a value that did not pass


class Problems:
    """The problems of one DAG, each with job, field and line."""

    def __init__(self, dag_id: str, line: int) -> None:
        self.dag_id = dag_id
        self.line = line
        self.noted: list[DagInvalid] = []

    def make(
        self,
        message: str,
        remedy: str,
        *,
        field: str | None = None,
        job_id: str | None = None,
        line: int | None = None,
    ) -> DagInvalid:
        """A problem, complete, for the caller to keep. Without a line of its own it is in the DAG's."""
        return DagInvalid(
            message,
            remedy=remedy,
            field=field,
            dag_id=self.dag_id,
            job_id=job_id,
            line=line or self.line,
        )

    def note(
        self,
        message: str,
        remedy: str,
        *,
        field: str | None = None,
        job_id: str | None = None,
        line: int | None = None,
    ) -> None:
        """Keep a problem."""
        self.noted.append(self.make(message, remedy, field=field, job_id=job_id, line=line))

    def check(
        self,
        name: str,
        check: Check,
        value: object,
        job_id: str | None = None,
        line: int | None = None,
    ) -> Any:
        """The value as `check` returns it; REFUSED, and noted why, when it does not pass."""
        try:
            return check(value)
        except DagInvalid as error:
            self.note(error.message, error.remedy, field=name, job_id=job_id, line=line)
            return REFUSED

    def check_all(
        self,
        fields: Mapping[str, Any],
        checks: Mapping[str, Check],
        job_id: str | None = None,
        line: int | None = None,
        *,
        within: str = "",
    ) -> dict[str, Any]:
        """The fields that passed. One that is not known is noted, with what was probably meant.

        `within` goes before their names in what is noted: `defaults.` for fields of `defaults`.
        """
        passed: dict[str, Any] = {}
        for name, value in fields.items():
            place = f"{within}{name}"
            check = checks.get(name)
            if check is None:
                remedy = suggestion(str(name), checks, f"use one of {', '.join(checks)}")
                message = f"there is no field {name!r}"
                self.note(message, remedy, field=place, job_id=job_id, line=line)
                continue
            checked = self.check(place, check, value, job_id, line)
            if checked is not REFUSED:
                passed[name] = checked
        return passed
