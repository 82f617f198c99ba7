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
from contextvars import copy_context
from types import ModuleType
from typing import Any

from moroccron.loader_answer import Answer, explain, versions_of
from moroccron.model.origin import collecting
from moroccron.model.resources import Resources

_MOST_OUTPUT = 64 * 1024 * 1024  #: bytes that a file may print (or write) before that fails
_SPARE = 5  #: seconds by which our own alarm is later than the parent's clock


def main() -> None:
    """Serve the parent on the socket whose number is the argument."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    request = json.loads(channel.makefile("rb").readline())
    _limit_memory(request["memory_mib"])
    reader = _Reader(request["root"], Resources(*request["most"]), request["year"])
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

    def __init__(self, root: str, most: Resources, year: int) -> None:
        self._root = root
        self._most = most
        self._year = year
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
            answer["errors"] = [explain(error, path, self._root)]
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
        with collecting(path, self._year) as dags:
            exec(code, module.__dict__)
        return versions_of(dags, self._most)

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


if __name__ == "__main__":
    main()
