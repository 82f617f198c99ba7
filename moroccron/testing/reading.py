"""DAG files, read in the process of an author's tests: quickly, and where breakpoints and patches work.

What is refused, and in which words, is the loader's matter. Puts back what a file changed of `sys.path`, of the
environment and of the modules that lie beside it, so that files of two folders do not meet.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from types import ModuleType
from typing import Any

from moroccron.loader_answer import Answer, explain, versions_of
from moroccron.model.amounts import SANE
from moroccron.model.authoring import DAG
from moroccron.model.dag_version import DagVersion
from moroccron.model.errors import MoroccronError
from moroccron.model.origin import collecting
from moroccron.testing.builders import EPOCH

_OUR_SETTINGS = "MOROCCRON_"  #: the loader hides them from authors' files


class DagFileRefused(MoroccronError):
    """The loader would refuse the file. Tells every error as `moroccron dags check` does."""


def read_file(path: Path, folder: Path) -> tuple[DagVersion, ...]:
    """The DAGs that a file of the DAG folder declares."""
    path, root = path.resolve(), str(folder.resolve())
    try:
        with _as_the_loader(path, root):
            rows, errors = copy_context().run(_run, str(path))
    except Exception as error:
        rows, errors = [], [explain(error, str(path), root)]
    except SystemExit as error:
        rows, errors = [], [explain(error, str(path), root)]
    _refuse(path, errors)
    return tuple(DagVersion.from_json(text, version_id) for version_id, text, _ in rows)


def version_of(dag: DAG) -> DagVersion:
    """The version of a DAG that a test declares itself."""
    rows, errors = versions_of([dag], SANE)
    _refuse(Path("the test"), errors)
    ((version_id, text, _),) = rows
    return DagVersion.from_json(text, version_id)


def _run(path: str) -> tuple[list[Any], list[Answer]]:
    with open(path, "rb") as source:
        code = compile(source.read(), path, "exec", dont_inherit=True)
    module = ModuleType(f"dag_file_{Path(path).stem}")
    module.__file__ = path
    sys.modules[module.__name__] = module  # dataclasses and pickle look it up there
    with collecting(path, EPOCH.year) as dags:
        exec(code, module.__dict__)
    return versions_of(dags, SANE)


@contextmanager
def _as_the_loader(path: Path, root: str) -> Iterator[None]:
    search, environment, modules = list(sys.path), dict(os.environ), set(sys.modules)
    sys.path[:] = [*search, *dict.fromkeys((str(path.parent), root))]
    for name in [name for name in environment if name.startswith(_OUR_SETTINGS)]:
        del os.environ[name]
    try:
        yield
    finally:
        sys.path[:] = search
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
        for name in set(sys.modules) - modules:
            if name.startswith("dag_file_") or _lies_in(sys.modules[name], root):
                del sys.modules[name]


def _lies_in(module: ModuleType | None, root: str) -> bool:
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    return any(isinstance(place, str) and place.startswith(root + os.sep) for place in places)


def _refuse(path: Path, errors: list[Answer]) -> None:
    if errors:
        raise DagFileRefused("\n".join(_told(path, error) for error in errors))


def _told(path: Path, error: Answer) -> str:
    place = f"{path.name}:{error['line']}" if error.get("line") else path.name
    whose = " ".join(
        f"{kind} {error[key]}"
        for kind, key in (("DAG", "dag_id"), ("job", "job_id"))
        if error.get(key)
    )
    parts = "".join(f"{part}: " for part in (whose, error.get("field")) if part)
    return f"{place}: {parts}{error['message']}\n    {error['remedy']}"
