"""The sandboxes and records on disk: what survives the agent, the executor and the machine.

A task's record is a file of JSON lines, each appended by one write: by the agent (`launch`, `kill`, `verdict`)
and by the executor (`spawned`, `ended`). It lies in `live/` until the task's end is acknowledged, then in the
sandbox. So a new agent reads only what is not over, however many sandboxes there are. Nothing is flushed to
the disk: the page cache outlives any process, and a machine that loses power loses its tasks as well.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from moroccron.adapters.local.executor import write_all
from moroccron.adapters.local.lines import encode
from moroccron.adapters.local.paths import WorkDir

RECORD = "task.jsonl"  #: a record's name in the sandbox
_FORBIDDEN = ("/", "\0", "\n")
_LONGEST_NAME = 255  #: bytes of a file's name

Line = dict[str, Any]


class Records:
    """All records and sandboxes of one work directory."""

    def __init__(self, work_dir: WorkDir) -> None:
        self._live = str(work_dir.live)
        self._sandboxes = str(work_dir.sandboxes)

    def sandbox(self, task_id: str) -> str:
        return f"{self._sandboxes}/{task_id}"

    def path(self, task_id: str) -> str:
        """The record of a live task."""
        return f"{self._live}/{task_id}"

    def create(self, task_id: str, line: Line) -> None:
        """A new task's sandbox and record. FileExistsError: the id was used before."""
        os.mkdir(self.sandbox(task_id), 0o755)
        try:
            _write(self.path(task_id), os.O_CREAT | os.O_EXCL, f"{encode(line)}\n")
        except FileExistsError:
            raise
        except OSError:
            # Half a launch would be no record at all for whoever reads it next.
            Path(self.path(task_id)).unlink(missing_ok=True)
            raise

    def append(self, task_id: str, line: Line) -> None:
        """Add a line, or raise. It begins with a line feed too: a torn line before it must not spoil it."""
        _write(self.path(task_id), os.O_APPEND, f"\n{encode(line)}\n")

    def close(self, task_id: str) -> None:
        """The end is acknowledged: the record goes where its outputs are. Harmless when repeated."""
        try:
            os.rename(self.path(task_id), f"{self.sandbox(task_id)}/{RECORD}")
        except FileNotFoundError:
            return

    def live(self) -> Iterator[tuple[str, list[Line]]]:
        """Every live task with its record, in no order."""
        for task_id in os.listdir(self._live):
            yield task_id, read(self.path(task_id))

    def find(self, task_id: str) -> list[Line]:
        """The record of a task, live or over; empty when there is none."""
        if not is_usable(task_id):
            return []
        return read(self.path(task_id)) or read(f"{self.sandbox(task_id)}/{RECORD}")


def is_usable(task_id: str) -> bool:
    """Whether a task's id can name its sandbox."""
    return (
        0 < len(os.fsencode(task_id)) <= _LONGEST_NAME
        and task_id not in (".", "..")
        and not any(mark in task_id for mark in _FORBIDDEN)
    )


def read(path: str) -> list[Line]:
    """The lines of a record. A line that a dying process left torn counts for nothing."""
    try:
        texts = Path(path).read_bytes().split(b"\n")
    except (FileNotFoundError, NotADirectoryError):
        return []
    lines = []
    for text in texts:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        lines.append(line)
    return lines


def _write(path: str, flags: int, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC | flags, 0o600)
    try:
        write_all(fd, text.encode())
    finally:
        os.close(fd)
