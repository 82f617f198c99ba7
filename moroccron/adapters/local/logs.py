"""What attempts wrote, from their sandboxes on this machine. Implements `ports.Logs` and `ports.Outputs`.

A sandbox's content is the task's own, and so is not trusted: only the two logs and the output of a folder directly
below our sandboxes are read, and nothing is followed out of it.
"""

import os
import stat
from pathlib import Path

from moroccron.adapters.local.paths import WorkDir
from moroccron.model.outputs import FILE, MOST
from moroccron.model.run import Attempt
from moroccron.ports import LogChunk, Stream

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_GONE = LogChunk(b"", 0, 0, gone=True)


class SandboxLogs:
    """Reads by offset; opens and closes with each call, so that old sandboxes can be removed."""

    def __init__(self, work_dir: Path) -> None:
        self._sandboxes = WorkDir(work_dir.absolute()).sandboxes

    def read(self, attempt: Attempt, stream: Stream, offset: int, length: int) -> LogChunk:
        """At most `length` bytes from `offset`; a negative offset counts from the end."""
        return self._read(attempt, Stream(stream).value, offset, length)

    def read_output(self, attempt: Attempt) -> bytes | None:
        """Implements `ports.Outputs`."""
        found = self._read(attempt, FILE, 0, MOST + 1)
        return None if found.gone else found.data

    def _read(self, attempt: Attempt, file_name: str, offset: int, length: int) -> LogChunk:
        name = self._folder_name(attempt.sandbox)
        if name is None:
            return _GONE
        try:
            folder = os.open(self._sandboxes / name, _FOLDER)
        except OSError:
            return _GONE
        try:
            file = os.open(file_name, _FILE, dir_fd=folder)
        except OSError:
            return _GONE
        finally:
            os.close(folder)
        try:
            return _read(file, offset, length)
        finally:
            os.close(file)

    def _folder_name(self, sandbox: str | None) -> str | None:
        if sandbox is None:
            return None
        path = Path(sandbox)
        if path.parent != self._sandboxes or path.name in ("", ".", ".."):
            return None
        return path.name


def _read(file: int, offset: int, length: int) -> LogChunk:
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        return _GONE
    size = status.st_size
    begin = max(0, size + offset) if offset < 0 else offset
    return LogChunk(os.pread(file, max(0, length), begin), begin, size)
