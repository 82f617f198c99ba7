"""Reading a list of files, whatever they do to the processes that run them.

The file that was being read when its process died or hung is blamed, and the rest goes on in a new one. Nothing
here knows what changed or what was known before.
"""

import os
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from moroccron.loader.process import Answer, Child, Death, Limits
from moroccron.model.dag_version import DagVersion
from moroccron.model.errors import MoroccronError
from moroccron.model.load import LoadError

_MANY = 40  #: files from which on a second process pays
_TIME_SIGNALS = (-signal.SIGXCPU, -signal.SIGALRM)  #: the child's own guards


class ChildUnusable(MoroccronError):
    """No process that reads files can be started; no author is to blame."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A DAG version with the line at which the file declares it."""

    version: DagVersion
    line: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading one file gave. `opened` are the files of the folder that it read itself, or tried to."""

    file: str
    declared: tuple[Declared, ...] = ()
    errors: tuple[LoadError, ...] = ()
    opened: frozenset[str] = frozenset()


def read(root: Path, files: Sequence[str], limits: Limits) -> list[Reading]:
    """Read files, in several processes when there are many; in the order of their names."""
    processes = min(os.cpu_count() or 1, 4, 1 + len(files) // _MANY)
    if processes == 1:
        readings = _read_share(root, files, limits)
    else:
        shares = [files[number::processes] for number in range(processes)]
        with ThreadPoolExecutor(processes) as pool:
            jobs = [pool.submit(_read_share, root, share, limits) for share in shares]
            readings = [reading for job in jobs for reading in job.result()]
    return sorted(readings, key=lambda reading: reading.file)


def _read_share(root: Path, files: Sequence[str], limits: Limits) -> list[Reading]:
    """Read files one after another, with a new process whenever one is used up."""
    left = deque(files)
    readings: list[Reading] = []
    while left:
        readings += _with_one_process(root, left, limits)
    return readings


def _with_one_process(root: Path, left: deque[str], limits: Limits) -> Iterator[Reading]:
    """Take files from the left until none is left or the process is used up.

    A death, or want of memory, is held against a file only when it was the first: else it is read again in a
    new process, since what earlier files left behind may have been the cause. A hang is the file's own.
    """
    with Child(root, list(left), limits) as child:
        stillborn = child.start()
        if stillborn is not None:
            raise ChildUnusable(
                f"the process that reads DAG files fails: {stillborn.output[-500:]}"
            )
        first = True
        while left:
            answer = child.next_answer()
            if isinstance(answer, Death):
                if answer.code == 0 and not first:
                    return  # it had enough
                if first or answer.hung:
                    file = left.popleft()
                    yield Reading(file, errors=(_blame(answer, file, root, limits),))
                return
            if answer.get("memory") and not first:
                return
            yield _reading(left.popleft(), answer)
            first = False


def _reading(file: str, answer: Answer) -> Reading:
    declared = tuple(
        Declared(DagVersion.from_json(text, version_id), line)
        for version_id, text, line in answer["versions"]
    )
    errors = tuple(LoadError(file=file, **error) for error in answer["errors"])
    return Reading(file, declared, errors, frozenset(answer["opened"]))


def _blame(death: Death, file: str, root: Path, limits: Limits) -> LoadError:
    line = death.line_in(os.path.join(root, file))
    if death.hung or death.code in _TIME_SIGNALS:
        message = f"the file was not read after {limits.timeout_seconds:g} seconds"
        remedy = "wait for nothing and compute little while the file is read; let jobs do the work"
    elif death.code < 0:
        message = f"the file crashed the process that read it, by {_signal_name(-death.code)}"
        remedy = "look for native code, or too much memory, that the file uses as it is read"
    else:
        message = f"the file ended the process that read it, with exit code {death.code}"
        remedy = "remove the call that ends the process: a DAG file only declares"
    return LoadError(file=file, message=message, remedy=remedy, line=line)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
