"""The process in which authors' files are run: told which, it answers after each, and is thrown away.

It trusts nothing that an author's code did: what a file changed of the interpreter is put back before the next
one, or the process ends and its parent starts another. It answers on a socket of its own, one line of JSON per
file; what authors print goes elsewhere. Kept out of the package `moroccron.loader`, whose imports the parent
needs and this process must not pay for. What the parent needs to survive is the parent's business.
"""

import json
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from types import ModuleType, TracebackType
from typing import Any

from moroccron.model.authoring import DAG
from moroccron.model.errors import DagInvalid
from moroccron.model.origin import collecting
from moroccron.model.resources import Resources

_MOST_OUTPUT = 64 * 1024 * 1024  #: bytes that a file may print (or write) before that fails
_MOST_TEXT = 16 * 1024 * 1024  #: characters of one DAG's serialised form
_LONGEST_MESSAGE = 2000
_SPARE = 5  #: seconds by which our own alarm is later than the parent's clock

Answer = dict[str, Any]


def main() -> None:
    """Serve the parent on the socket whose number is the argument."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    request = json.loads(channel.makefile("rb").readline())
    _limit_memory(request["memory_mib"])
    reader = _Reader(request["root"], Resources(*request["most"]))
    channel.sendall(b'{"ready":true}\n')
    ours = os.getpid()
    for file in request["files"]:
        _limit_time(request["timeout_seconds"])
        answer = reader.read(file)
        if os.getpid() != ours:
            os._exit(0)  # the author's code forked, and this is the copy
        channel.sendall(json.dumps(answer, separators=(",", ":")).encode() + b"\n")
        if not reader.is_clean:
            break
    os._exit(0)  # without waiting for threads, and without running what authors left to run at exit


def _limit_memory(mib: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (mib * 1024 * 1024, mib * 1024 * 1024))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_OUTPUT, _MOST_OUTPUT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time(seconds: float) -> None:
    """A second guard beside the parent's clock, for when there is no parent any more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = int(used.ru_utime + used.ru_stime + seconds) + _SPARE
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, resource.RLIM_INFINITY))
    signal.setitimer(signal.ITIMER_REAL, seconds + _SPARE)


class _Reader:
    """Runs files one after another in one interpreter, each as if it were alone."""

    def __init__(self, root: str, most: Resources) -> None:
        self._root = root
        self._most = most
        self._opened: set[str] = set()
        self._path = list(sys.path)
        self._environment = dict(os.environ)
        self._environment_changed = False
        self._modules = set(sys.modules)
        self.is_clean = True  #: whether another file may still be read in this process
        sys.dont_write_bytecode = True
        sys.addaudithook(self._watch)

    def read(self, file: str) -> Answer:
        """The answer for a file; the path is relative to the root."""
        path = os.path.join(self._root, file)
        self._opened.clear()
        sys.path[:] = [*self._path, *dict.fromkeys((os.path.dirname(path), self._root))]
        answer: Answer = {"file": file, "versions": [], "errors": [], "memory": False}
        try:
            answer["versions"], answer["errors"] = copy_context().run(self._run, path)
        except BaseException as error:  # whatever an author's code may raise
            answer["errors"] = [_explain(error, path, self._root)]
            answer["memory"] = isinstance(error, MemoryError)
            self.is_clean = not answer["memory"]
        answer["opened"] = sorted(self._inside(self._opened) - {file})
        self._put_back()
        return answer

    def _run(self, path: str) -> tuple[list[Any], list[Answer]]:
        with open(path, "rb") as source:
            code = compile(source.read(), path, "exec", dont_inherit=True)
        stem = os.path.basename(path).removesuffix(".py")
        module = ModuleType(f"dag_file_{stem}")
        module.__file__ = path
        sys.modules[module.__name__] = module  # dataclasses and pickle look it up there
        with collecting(path) as dags:
            exec(code, module.__dict__)
        return self._versions(dags)

    def _versions(self, dags: list[DAG]) -> tuple[list[Any], list[Answer]]:
        versions = []
        errors: list[Answer] = list(_declared_twice(dags))
        for dag in dags:
            try:
                version = dag.version(self._most)
            except DagInvalid:
                errors += [_located(problem) for problem in dag.problems(self._most)]
                continue
            text = version.to_json()
            versions.append([version.id, text, dag.line])
            if len(text) > _MOST_TEXT:
                errors.append(_too_large(dag, len(text)))
        return ([], errors) if errors else (versions, [])

    def _watch(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Hear of every file that is opened, for imports as well: what the DAG file depends on."""
        if event == "open":
            if isinstance(arguments[0], str | bytes):
                self._opened.add(os.fsdecode(arguments[0]))
        elif event in ("os.putenv", "os.unsetenv"):
            self._environment_changed = True

    def _inside(self, paths: set[str]) -> set[str]:
        """Those of the folder, relative to it."""
        absolute = {os.path.normpath(os.path.join(self._root, path)) for path in paths}
        return {path[len(self._root) + 1 :] for path in absolute if self._is_authors(path)}

    def _put_back(self) -> None:
        for name in set(sys.modules) - self._modules:
            if name.startswith("dag_file_") or self._is_authors_module(sys.modules[name]):
                del sys.modules[name]
            else:
                self._modules.add(name)
        os.chdir(self._root)
        if self._environment_changed:
            os.environ.clear()
            os.environ.update(self._environment)
            self._environment_changed = False
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
        if threading.active_count() > 1:
            self.is_clean = False

    def _is_authors(self, path: str) -> bool:
        """Whether a path is of the folder. An environment that lies in it is not the author's own code."""
        inside = path.startswith(self._root + os.sep)
        return inside and "/." not in path[len(self._root) :] and "/site-packages/" not in path

    def _is_authors_module(self, module: ModuleType | None) -> bool:
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        return any(isinstance(place, str) and self._is_authors(place) for place in places)


def _declared_twice(dags: list[DAG]) -> Iterator[Answer]:
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


def _explain(error: BaseException, path: str, root: str) -> Answer:
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


if __name__ == "__main__":
    main()
