"""Reading a list of files, whatever they do to the processes that run them.

The file that was being read when its process died or hung is blamed, and the rest goes on in a new one. Nothing
here knows what changed or what was known before.
"""

import os
import signal
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from moroccron.loader.process import Answer, Child, Death, Limits
from moroccron.model.dag_version import DagVersion
from moroccron.model.errors import MoroccronError
from moroccron.model.load import LoadError

_MANY = 40  #: files from which on a second process pays
_DOUBTS = 20  #: files with errors that are read twice
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
    share = _Share(root, files, limits)
    while share.left:
        share.use_one_process()
    return share.readings


class _Share:
    """Files that are read one after another, in a new process whenever one is used up.

    What goes wrong is held against a file only when it was the first of its process: else it is read again in
    a new one, since what earlier files left behind may be the cause. After so many files that were rightly
    blamed (a helper of theirs is broken, say) that care is dropped, so that it cannot take for ever.
    """

    def __init__(self, root: Path, files: Sequence[str], limits: Limits) -> None:
        self.left = deque(files)
        self.readings: list[Reading] = []
        self._root = root
        self._limits = limits
        self._doubts = _DOUBTS

    def use_one_process(self) -> None:
        with Child(self._root, list(self.left), self._limits) as child:
            stillborn = child.start()
            if stillborn is not None:
                raise ChildUnusable(f"no process can read DAG files: {stillborn.output[-500:]}")
            is_first = True
            while self.left and self._take(child.next_answer(), is_first):
                is_first = False

    def _take(self, answer: Answer | Death, is_first: bool) -> bool:
        """Keep what was said of the next file; False when this process is not to be asked again."""
        if isinstance(answer, Death):
            if is_first or answer.hung:
                file = self.left.popleft()
                error = _blame(answer, file, self._root, self._limits)
                self.readings.append(Reading(file, errors=(error,)))
            return False
        if answer["errors"]:
            if not is_first and (self._doubts > 0 or answer["memory"]):
                return False
            self._doubts -= 1
        self.readings.append(_reading(self.left.popleft(), answer))
        return True


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
