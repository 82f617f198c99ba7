"""What was started by hand, written down, so that exactly that is ended later.

A process is known by its pid and when it began: the pid alone may be another's by then.
"""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.cluster.process import started_at, state_of, with_variable
from tests.waiting import until

PATIENCE = 15.0  #: seconds for an end in peace


def this_boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@dataclass(frozen=True)
class Entry:
    name: str
    pid: int
    began: int  #: ticks since the machine did
    boot: str
    farewell: int = signal.SIGTERM  #: the signal by which it ends in peace
    offspring: str = ""  #: in the environment of what outlives it: an agent's tasks

    @property
    def running(self) -> bool:
        same = self.boot == this_boot() and started_at(self.pid) == self.began
        return same and state_of(self.pid) != "Z"


class Ledger:
    def __init__(self, file: Path) -> None:
        self._file = file

    def add(self, name: str, pid: int, farewell: int = signal.SIGTERM, offspring: str = "") -> None:
        began = started_at(pid)
        assert began is not None, f"{name} has ended"
        self._write([*self.entries(), Entry(name, pid, began, this_boot(), farewell, offspring)])

    def entries(self) -> list[Entry]:
        """In the order of their starts."""
        if not self._file.exists():
            return []
        return [Entry(**entry) for entry in json.loads(self._file.read_text())]

    def end_all(self) -> Iterator[Entry]:
        """End what runs, the last first; each as it has ended."""
        for entry in reversed(self.entries()):
            if entry.running:
                _end(entry)
                yield entry
            _end_offspring(entry)
        self._file.unlink(missing_ok=True)

    def _write(self, entries: list[Entry]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps([asdict(entry) for entry in entries], indent=1))
        new.replace(self._file)


def _end(entry: Entry) -> None:
    os.kill(entry.pid, entry.farewell)
    os.kill(entry.pid, signal.SIGCONT)
    try:
        until(lambda: not entry.running, f"{entry.name} ends", PATIENCE)
    except AssertionError:
        os.kill(entry.pid, signal.SIGKILL)
        until(lambda: not entry.running, f"{entry.name} is dead")


def _end_offspring(entry: Entry) -> None:
    if not entry.offspring or entry.boot != this_boot():
        return
    for pid in with_variable(entry.offspring):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
