"""Where things lie in a work directory, and how to name its sockets. Knows nothing of what is in the files."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_LONGEST_ADDRESS = 107  #: bytes that the kernel takes for the path of a Unix socket


@dataclass(frozen=True, slots=True)
class WorkDir:
    """The layout of a work directory. One agent, one executor and one leading scheduler share it."""

    root: Path

    @property
    def agent_socket(self) -> Path:
        return self.root / "agent.sock"

    @property
    def executor_socket(self) -> Path:
        return self.root / "executor.sock"

    @property
    def executor_log(self) -> Path:
        return self.root / "executor.log"

    @property
    def agent_lock(self) -> Path:
        return self.root / "agent.lock"

    @property
    def scheduler_lock(self) -> Path:
        return self.root / "scheduler.lock"

    @property
    def identity(self) -> Path:
        return self.root / "agent.json"

    @property
    def sandboxes(self) -> Path:
        """A folder per task: its working directory, its outputs and, once all is over, its record."""
        return self.root / "sandboxes"

    @property
    def live(self) -> Path:
        """A record per task that is not over, or whose end nobody has acknowledged."""
        return self.root / "live"

    def prepare(self) -> None:
        """Make the folders that are not there."""
        for folder in (self.root, self.sandboxes, self.live):
            folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """A name for the socket that the kernel takes: a long one goes by way of its folder's descriptor."""
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def connect(path: Path) -> socket.socket:
    """A connection to a socket, however long its path. OSError when nobody listens."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        with _address(path) as address:
            connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


def listen(path: Path) -> socket.socket:
    """A listening socket in the place of a dead one. The caller holds the lock that says it is dead.

    Who may connect may run commands as this user: the socket is for its owner alone.
    """
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        with _address(path) as address:
            listener.bind(address)
        listener.listen(16)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener
