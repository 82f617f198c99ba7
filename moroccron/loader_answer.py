"""What is said of a DAG file that was run: the versions that it declares, or errors with line and remedy.

Owns the words for whatever an author's code may do wrong. Must not know in which process the file was run: the
loader's child and the tests of authors say the same.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from moroccron.model.authoring import DAG
from moroccron.model.errors import DagInvalid
from moroccron.model.resources import Resources

_MOST_TEXT = 16 * 1024 * 1024  #: characters of one DAG's serialised form
_LONGEST_MESSAGE = 2000

Answer = dict[str, Any]


def versions_of(dags: Sequence[DAG], most: Resources) -> tuple[list[Any], list[Answer]]:
    """Id, text and line of each DAG's version, or errors: a file is good as a whole."""
    versions = []
    errors: list[Answer] = list(_declared_twice(dags))
    for dag in dags:
        try:
            version = dag.version(most)
        except DagInvalid:
            errors += [_located(problem) for problem in dag.problems(most)]
            continue
        text = version.to_json()
        versions.append([version.id, text, dag.line])
        if len(text) > _MOST_TEXT:
            errors.append(_too_large(dag, len(text)))
    return ([], errors) if errors else (versions, [])


def _declared_twice(dags: Sequence[DAG]) -> Iterator[Answer]:
    seen: dict[str, DAG] = {}
    for dag in dags:
        first = seen.setdefault(dag.id, dag)
        if first is not dag:
            yield {
                "message": f"DAG {dag.id!r} is declared twice, in lines {first.line} and {dag.line}",
                "remedy": "give one of them another id",
                "line": dag.line,
                "dag_id": _short(dag.id),
                "field": "id",
            }


def _too_large(dag: DAG, size: int) -> Answer:
    return {
        "message": f"the DAG takes {size} characters, more than {_MOST_TEXT}",
        "remedy": "split it, or put long commands into scripts",
        "line": dag.line,
        "dag_id": dag.id,
    }


def _located(problem: DagInvalid) -> Answer:
    return {
        "message": _printable(problem.message),
        "remedy": _printable(problem.remedy),
        "line": problem.line,
        "dag_id": _short(problem.dag_id),
        "job_id": _short(problem.job_id),
        "field": _short(problem.field),
    }


# ------------------------------------------------------------------ what an exception means


@dataclass(frozen=True, slots=True)
class _Place:
    file: str
    line: int


def explain(error: BaseException, path: str, root: str) -> Answer:
    """An exception as message, remedy and a line of the DAG file."""
    places = [place for place in _places(error, path) if place.file.startswith(root)]
    own = [place.line for place in places if place.file == path]
    line = own[-1] if own else None
    if isinstance(error, DagInvalid):
        return {**_located(error), "line": error.line or line}
    message = _described(error)
    if places and places[-1].file != path:
        elsewhere = places[-1].file.removeprefix(root + os.sep)
        message += f" (in {elsewhere}, line {places[-1].line})"
    return {"message": _printable(message), "remedy": _remedy(error), "line": line}


def _places(error: BaseException, path: str) -> list[_Place]:
    """Where it happened, the outermost first."""
    places = []
    step: TracebackType | None = error.__traceback__
    while step is not None:
        places.append(_Place(step.tb_frame.f_code.co_filename, step.tb_lineno))
        step = step.tb_next
    if isinstance(error, SyntaxError):
        places.append(_Place(error.filename or path, error.lineno or 1))
    return places


def _described(error: BaseException) -> str:
    name = type(error).__name__
    if isinstance(error, SyntaxError):
        return f"{name}: {error.msg}"
    if isinstance(error, SystemExit):
        return f"the file ended the interpreter (SystemExit: {error.code!r})"
    if isinstance(error, MemoryError):
        return "the file needed more memory than a DAG file may"
    text = ""
    with suppress(Exception):  # an author's own exception may fail to print
        text = str(error)
    return f"{name}: {text}" if text else name


_REMEDIES: tuple[tuple[type[BaseException], str], ...] = (
    (SyntaxError, "correct the syntax at this place"),
    (SystemExit, "remove the call: a DAG file only declares, and must run to its end"),
    (MemoryError, "build less while the file is read; let jobs do the work"),
    (RecursionError, "look for a function that calls itself without an end"),
    (OSError, "check that the file exists and may be read where moroccron runs"),
)


def _remedy(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return (
            f"install {error.name} where moroccron runs, or put {error.name}.py beside the DAG file"
        )
    if isinstance(error, TypeError):
        text = _described(error)
        if ">>" in text or "<<" in text:
            return "put a job between two lists, or join them with chain()"
        if "positional argument" in text:
            return 'write DAG("id", field=...) and Job("id", "command", field=...)'
    for kind, remedy in _REMEDIES:
        if isinstance(error, kind):
            return remedy
    return "correct the file; run it with python to see the whole traceback"


def _printable(text: str) -> str:
    text = text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 3] + "..."


def _short(text: str | None) -> str | None:
    return None if text is None else _printable(text)[:200]
