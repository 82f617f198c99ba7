"""What is known of every file since it was last read, and what follows for one from the others.

Keeps ids, not versions: a scheduler need not hold every DAG twice. Reads nothing and starts nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from moroccron.loader.reader import Reading
from moroccron.model.load import LoadedFile, LoadError
from moroccron.model.schedule import Foreseen, Schedule, Several


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file as it was last read, by itself."""

    dags: dict[str, int]  #: DAG id: line of its declaration
    versions: tuple[str, ...]
    errors: tuple[LoadError, ...]
    opened: frozenset[str]
    foresees: bool  #: it declares a timetable of its own, of which only some years are known


_Told = tuple[tuple[str, ...], tuple[LoadError, ...]]


class Known:
    """All files of the folder. `take` readings and `drop` files, then ask what is `news`."""

    def __init__(self) -> None:
        self._files: dict[str, _Entry] = {}
        self._told: dict[str, _Told] = {}  #: what was last said of each file: version ids, errors

    def take(self, readings: Iterable[Reading]) -> None:
        """These files were read."""
        for reading in readings:
            self._files[reading.file] = _Entry(
                {declared.version.dag_id: declared.line for declared in reading.declared},
                tuple(declared.version.id for declared in reading.declared),
                reading.errors,
                reading.opened,
                any(_foresees(declared.version.schedule) for declared in reading.declared),
            )

    def drop(self, files: Collection[str]) -> list[LoadedFile]:
        """These files are gone; what there is to tell of it."""
        for file in files:
            self._files.pop(file, None)
        return [
            LoadedFile(file, removed=True)
            for file in sorted(files)
            if self._told.pop(file, None) is not None
        ]

    def concerned(self, touched: frozenset[str], added: frozenset[str]) -> set[str]:
        """Known files that depend on one of these, or might now find what they were missing."""
        found = {file for file, entry in self._files.items() if entry.opened & touched}
        if any(path.endswith(".py") for path in added):
            found |= {file for file, entry in self._files.items() if entry.errors}
        return found

    def freed(self) -> set[str]:
        """Files that were told to clash with another and clash no more: their versions must be read again."""
        clashing = {file for files in self._clashes().values() for file in files}
        return {
            file
            for file, (versions, errors) in self._told.items()
            if errors and not versions and file not in clashing and not self._files[file].errors
        }

    def foreseeing(self) -> set[str]:
        """Files whose timetables must be asked anew when a year has passed."""
        return {file for file, entry in self._files.items() if entry.foresees}

    def news(self, readings: Iterable[Reading]) -> list[LoadedFile]:
        """What is to be told: of the files read now, and of those that now clash with one of them."""
        clashes = self._clashes()
        errors: dict[str, list[LoadError]] = defaultdict(list)
        for dag_id, files in clashes.items():
            for file in files:
                errors[file].append(_clash(dag_id, file, files, self._files[file].dags[dag_id]))
        read = {reading.file: reading for reading in readings}
        told = []
        for file in sorted(read.keys() | errors.keys()):
            loaded = _loaded(file, read.get(file), errors.get(file, []))
            summary = (tuple(version.id for version in loaded.versions), loaded.errors)
            if self._told.get(file) != summary:
                self._told[file] = summary
                told.append(loaded)
        return told

    def _clashes(self) -> dict[str, list[str]]:
        """DAG ids that more than one file declares, with the files."""
        files: dict[str, list[str]] = defaultdict(list)
        for file in sorted(self._files):
            for dag_id in self._files[file].dags:
                files[dag_id].append(file)
        return {dag_id: names for dag_id, names in files.items() if len(names) > 1}


def _foresees(schedule: Schedule | None) -> bool:
    parts = schedule.parts if isinstance(schedule, Several) else (schedule,)
    return any(isinstance(part, Foreseen) for part in parts)


def _loaded(file: str, reading: Reading | None, clashes: list[LoadError]) -> LoadedFile:
    if clashes or reading is None:
        return LoadedFile(file, errors=tuple(clashes))
    versions = () if reading.errors else tuple(one.version for one in reading.declared)
    return LoadedFile(file, versions, reading.errors)


def _clash(dag_id: str, file: str, files: list[str], line: int) -> LoadError:
    return LoadError(
        file=file,
        message=f"DAG {dag_id!r} is declared by {' and '.join(files)}",
        remedy="give the DAG another id in one of these files, or remove the file",
        line=line,
        dag_id=dag_id,
        field="id",
    )
