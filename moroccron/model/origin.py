"""Where in the author's file something was made, and who wants to hear of the DAGs that are made."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import cleandoc
from types import FrameType
from typing import Any

_OURS = "moroccron.model."
_collector: ContextVar["tuple[str, list[Any]] | None"] = ContextVar("who collects", default=None)
_year: ContextVar[int | None] = ContextVar("the year in which a file is read", default=None)


@contextmanager
def collecting(file: str, year: int | None = None) -> Iterator[list[Any]]:
    """All DAGs that are made meanwhile; their lines are those of `file`, wherever the call came through.

    `year` is the one in which the file is read.
    """
    dags: list[Any] = []
    token = _collector.set((file, dags))
    of_year = _year.set(year)
    try:
        yield dags
    finally:
        _year.reset(of_year)
        _collector.reset(token)


def announce(dag: object) -> None:
    """Tell the collector, if there is one, of a DAG."""
    collector = _collector.get()
    if collector is not None:
        collector[1].append(dag)


def year_of_reading() -> int | None:
    """The year in which the file is read; None when nobody said."""
    return _year.get()


def author_line() -> int:
    """The line at which the author speaks."""
    return _author().f_lineno


def author_docstring() -> str:
    """The docstring of the file in which the author speaks."""
    value = _author().f_globals.get("__doc__")
    return cleandoc(value) if isinstance(value, str) and "\0" not in value else ""


def _author() -> FrameType:
    """The frame in the file being read; else the first that is not ours."""
    nearest = sys._getframe(2)
    collector = _collector.get()
    frame: FrameType | None = nearest
    while collector is not None and frame is not None:
        if frame.f_code.co_filename == collector[0]:
            return frame
        frame = frame.f_back
    while nearest.f_back is not None and nearest.f_globals.get("__name__", "").startswith(_OURS):
        nearest = nearest.f_back
    return nearest
