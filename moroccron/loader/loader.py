"""The loader: a folder of authors' files, kept read.

Sleeps until the operating system tells of a change (and looks by itself now and then, in case it did not),
then reads what changed and what depends on it. Emits only what differs from what it emitted before. A folder
that cannot be read says nothing of its files: that is an error of its own, and no file is taken for gone.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from watchfiles._rust_notify import RustNotify

from moroccron.loader.folder import Difference, Scan, difference, is_dag_file, looks_half_done, scan
from moroccron.loader.known import Known
from moroccron.loader.process import Limits
from moroccron.loader.reader import Reading, read
from moroccron.model.amounts import SANE
from moroccron.model.events import FilesLoaded
from moroccron.model.load import LoadedFile, LoadError
from moroccron.model.resources import Resources

log = logging.getLogger(__name__)

_QUIET_MS = 60  #: nothing more happened for so long: a save is complete
_UNQUIET_MS = 500  #: act even if it goes on
_LOOK_MS = 10_000  #: look without being told, for file systems that tell nothing
_SECOND_LOOK = 0.3  #: seconds that a vanished or emptied file has to come back
_NO_FOLDER = 1.0  #: seconds between looks for a folder that is not there


class Loader:
    """DAG files of one folder. Limits are per file; `most` is what a single job may ask for.

    Not for use by two threads at once: `load_all`, then `watch` in one thread until told to stop.
    """

    def __init__(
        self,
        folder: Path,
        *,
        timeout_seconds: float = 30.0,
        memory_mib: int = 1024,
        most: Resources = SANE,
        year: Callable[[], int] = lambda: datetime.now(UTC).year,
    ) -> None:
        self._root = folder.resolve()
        self._year = year
        self._limits = Limits(timeout_seconds, memory_mib, most, year())
        self._known = Known()
        self._scan: Scan = {}
        self._is_missing = False  #: the folder, when last looked at

    def load_all(self) -> FilesLoaded:
        """Read every file anew. Incomplete, with the reason as an error, when the folder cannot be read."""
        self._known = Known()
        try:
            self._scan = scan(self._root)
        except OSError as error:
            self._scan = {}
            return self._missed(error)
        if self._is_missing:
            self._is_missing = False
            log.warning("the DAG folder %s can be read again", self._root)
        self._limits = replace(self._limits, year=self._year())
        readings = self._read(file for file in self._scan if is_dag_file(file))
        self._known.take(readings)
        return FilesLoaded(tuple(self._known.news(readings)), complete=True)

    def watch(self, emit: Callable[[FilesLoaded], None], stop: threading.Event) -> None:
        """Emit what changes, from the last `load_all` on, until told to stop."""
        while not stop.is_set():
            try:
                identity = self._root.stat().st_ino
                notify = RustNotify([str(self._root)], False, False, 300, True, True)
            except OSError:
                self._refresh(emit, stop)
                stop.wait(_NO_FOLDER)
                continue
            with notify:
                self._follow(notify, identity, emit, stop)

    def check(self, paths: Sequence[Path]) -> tuple[LoadedFile, ...]:
        """Read files, or all of a folder, as if nothing were known: for authors and their CI."""
        known = Known()
        missing: list[LoadedFile] = []
        readings: list[Reading] = []
        for path in map(Path.resolve, paths):
            try:
                root, files = self._to_check(path)
            except OSError as error:
                missing.append(_unusable(path.name, f"cannot be read: {error.strerror}"))
                continue
            if path.exists():
                readings += read(root, files, self._limits)
            else:
                missing.append(_unusable(files[0], "there is no such file"))
        known.take(readings)
        return (*missing, *known.news(readings))

    def _to_check(self, path: Path) -> tuple[Path, list[str]]:
        """Files below the folder by which they are named: ours, or for others the one they lie in."""
        root = path if path.is_dir() else path.parent
        if root.is_relative_to(self._root):
            root = self._root
        name = path.relative_to(root).as_posix()
        if not path.is_dir():
            return root, [name]
        prefix = "" if name == "." else f"{name}/"
        dag_files = (f"{prefix}{file}" for file in scan(path) if is_dag_file(file))
        return root, sorted(dag_files)

    def _follow(
        self,
        notify: RustNotify,
        identity: int,
        emit: Callable[[FilesLoaded], None],
        stop: threading.Event,
    ) -> None:
        """Refresh at every word of a change, until stopped or until the folder is another one."""
        while not stop.is_set():
            self._refresh(emit, stop)  # the first time for what happened before we listened
            notify.watch(_UNQUIET_MS, _QUIET_MS, _LOOK_MS, stop)
            try:
                if self._root.stat().st_ino != identity:
                    return
            except OSError:
                return

    def _refresh(self, emit: Callable[[FilesLoaded], None], stop: threading.Event) -> None:
        try:
            found = self._look(stop)
        except OSError as error:
            if not self._is_missing:
                emit(self._missed(error))
            return
        if self._is_missing:
            emit(self.load_all())  # complete: the folder's own error goes with it
            return
        changes = difference(self._scan, found)
        self._scan = found
        told = (self._update(changes) if changes else []) + self._foresee()
        if told:
            emit(FilesLoaded(tuple(told)))

    def _foresee(self) -> list[LoadedFile]:
        """Once a year, ask authors' own timetables for one more year."""
        year = self._year()
        if year == self._limits.year:
            return []
        self._limits = replace(self._limits, year=year)
        readings = self._read(self._known.foreseeing())
        self._known.take(readings)
        return self._known.news(readings)

    def _look(self, stop: threading.Event) -> Scan:
        """The folder as it is, looked at twice when it seems to be in the midst of a change."""
        try:
            found = scan(self._root)
            if not looks_half_done(self._scan, found):
                return found
        except OSError:
            if self._is_missing:
                raise
        stop.wait(_SECOND_LOOK)
        return scan(self._root)

    def _missed(self, error: OSError) -> FilesLoaded:
        """What there is to tell of a folder that cannot be read."""
        if not self._is_missing:
            self._is_missing = True
            log.warning("the DAG folder %s cannot be read: %s", self._root, error.strerror)
        missing = _unusable(
            ".",
            f"the DAG folder {self._root} cannot be read: {error.strerror}",
            "bring the folder back, or correct --dags; until then its DAGs go on as they are",
        )
        return FilesLoaded((missing,))

    def _update(self, changes: Difference) -> list[LoadedFile]:
        removed = self._known.drop(set(filter(is_dag_file, changes.removed)))
        concerned = self._known.concerned(changes.touched, changes.added)
        own = filter(is_dag_file, chain(changes.added, changes.changed))
        readings = self._read({*own, *concerned})
        self._known.take(readings)
        freed = self._known.freed() - {reading.file for reading in readings}
        if freed:
            more = self._read(freed)
            self._known.take(more)
            readings += more
        return removed + self._known.news(readings)

    def _read(self, files: Iterable[str]) -> list[Reading]:
        return read(self._root, sorted(files), self._limits)


def _unusable(name: str, message: str, remedy: str = "check the path") -> LoadedFile:
    return LoadedFile(name, errors=(LoadError(name, message, remedy),))
