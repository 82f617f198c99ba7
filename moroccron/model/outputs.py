"""What a job hands on: a JSON value that it writes to a file, kept with its attempt.

Owns the file's name, how large it may be, and what counts as a value. Knows nobody who reads or writes it.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

VARIABLE = "MOROCCRON_OUTPUT"  #: the environment variable that names the file
FILE = "moroccron-output.json"  #: its name in the sandbox
MOST = 64 * 1024  #: bytes of it


class Keeps(StrEnum):
    """Whether a job's output is kept, and missed."""

    OPTIONAL = "optional"  #: kept if it is written
    REQUIRED = "required"  #: without one the attempt has failed


class BadOutput(ValueError):
    """What was written is no output; says why."""


@dataclass(frozen=True, slots=True)
class OutputRef:
    """A value in the output of a job of the same run: `fetch.output["files"][0]`."""

    job_id: str
    path: tuple[str | int, ...] = ()

    def __getitem__(self, key: str | int) -> "OutputRef":
        if isinstance(key, bool) or not isinstance(key, str | int):
            raise TypeError(f"an output is looked into by name or number, not by {key!r}")
        return OutputRef(self.job_id, (*self.path, key))

    def __iter__(self) -> Any:
        raise TypeError(
            f"{self} is known only when {self.job_id} has run: it cannot be looped over"
        )

    def __str__(self) -> str:
        return f"{self.job_id}.output" + "".join(f"[{key!r}]" for key in self.path)


def parse(data: bytes) -> Any:
    """The value that the bytes of the file stand for. Raises `BadOutput`.

    JSON as RFC 8259 has it: UTF-8, and no NaN or Infinity, which some writers allow themselves.
    """
    if len(data) > MOST:
        raise BadOutput(
            f"the output is larger than {MOST} bytes: write less, or where it can be found"
        )
    try:
        return json.loads(data.decode(), parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise BadOutput(f"the output is not UTF-8, at byte {error.start}") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise BadOutput(f"the output is not JSON: {error.msg}, at {where}") from None
    except (ValueError, RecursionError) as error:
        raise BadOutput(f"the output is not JSON that can be kept: {error}") from None


def text_of(value: Any) -> str:
    """The text that is kept of a value."""
    return json.dumps(value, separators=(",", ":"))


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
