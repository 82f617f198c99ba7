"""The agent's end of the executor: finds the one that runs, or starts one.

Owns the executor's socket and process. What is said over it is `tasks`' and `executor`'s business.
"""

import contextlib
import math
import socket
import subprocess
import sys
from pathlib import Path

from moroccron.adapters.local import paths
from moroccron.adapters.local.commands import base_environ
from moroccron.adapters.local.lines import LineConnection
from moroccron.adapters.local.paths import WorkDir

_PROGRAM = str(Path(__file__).with_name("executor.py"))
_LEAVE_TIME = 5.0  #: seconds for a process whose socket closed to be gone


class ExecutorLink:
    """At most one executor per work directory: its socket is bound under the agent's lock."""

    def __init__(self, work_dir: WorkDir) -> None:
        self._work_dir = work_dir
        self._child: subprocess.Popen[bytes] | None = None
        self.connection: LineConnection | None = None

    def find(self) -> bool:
        """Connect to the executor that an earlier agent started, if it lives."""
        try:
            connection = paths.connect(self._work_dir.executor_socket)
        except OSError:
            return False
        self.connection = _speak(connection)
        return True

    def start(self) -> None:
        """Start an executor. It inherits the listening socket, so that it can be spoken to at once."""
        with (
            paths.listen(self._work_dir.executor_socket) as listener,
            open(self._work_dir.executor_log, "ab") as executor_log,
        ):
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-S", _PROGRAM, str(listener.fileno())],
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=executor_log,
                stderr=executor_log,
                cwd=self._work_dir.root,
                env=base_environ(),
                start_new_session=True,
            )
            self.connection = _speak(paths.connect(self._work_dir.executor_socket))

    def dismiss(self) -> None:
        """Let the executor end, now that it has no tasks, and wait a moment until it has."""
        if self.connection is None:
            return
        self.connection.send({"quit": True})
        with contextlib.suppress(OSError):
            self.connection.socket.settimeout(_LEAVE_TIME)
            self.connection.flush()
            while self.connection.receive() is not None:
                continue
        self.lost()

    def lost(self) -> None:
        """The connection broke: the executor is dead, or must be, before another may be started."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None
        if self._child is not None:
            try:
                self._child.wait(_LEAVE_TIME)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
            self._child = None


def _speak(connection: socket.socket) -> LineConnection:
    """It reads as fast as it starts processes; what waits is no more than what the offers had room for."""
    return LineConnection(connection, longest_backlog=math.inf)
