"""What an author may write about retries: each check returns the value in a version's form.

As in `validation`: a check that refuses raises `DagInvalid` with message and remedy only.
"""

from collections.abc import Mapping

from moroccron.model.failure import FailureClass
from moroccron.model.validation import kind_of, refuse, suggestion, whole

_attempts = whole(0, 1000)
_CLASSES = ", ".join(FailureClass)


def backoff(value: object) -> float:
    """A factor from 1 to 100."""
    return _number(value, 1.0, 100.0)


def jitter(value: object) -> float:
    """A share from 0 to 1."""
    return _number(value, 0.0, 1.0)


def retry_on(value: object) -> tuple[tuple[int | str, int], ...]:
    """How many attempts may follow, by exit code or failure class; exit codes first, both in order."""
    if not isinstance(value, Mapping):
        raise refuse(f"must be a dict, not {kind_of(value)}", 'write {75: 5, "fetch": 1}')
    found = {_key(key): _attempts(number) for key, number in value.items()}
    return tuple(sorted(found.items(), key=lambda pair: (isinstance(pair[0], str), str(pair[0]))))


def _key(key: object) -> int | str:
    if isinstance(key, str):
        if key not in set(FailureClass):
            remedy = suggestion(key, FailureClass, f"use an exit code, or one of: {_CLASSES}")
            raise refuse(f"{key!r} is no failure class", remedy)
        return FailureClass(key).value
    if isinstance(key, bool) or not isinstance(key, int) or not 1 <= key <= 255:
        remedy = f"use a number from 1 to 255, or a failure class: {_CLASSES}"
        raise refuse(f"{kind_of(key)} is no exit code of a failure", remedy)
    return key


def _number(value: object, least: float, most: float) -> float:
    remedy = f"use a number from {least:g} to {most:g}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refuse(f"must be a number, not {kind_of(value)}", remedy)
    if not least <= value <= most:
        raise refuse(f"{value} is not possible", remedy)
    return float(value)
