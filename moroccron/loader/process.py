"""One child process that reads files: started, listened to, timed, and put away with all it started.

Owns the process and the socket; knows an answer's line but not its meaning. The other side is
`moroccron.loader_child`.
"""

import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from moroccron.model.amounts import SANE
from moroccron.model.resources import Resources

Answer = dict[str, Any]

_COMMAND = (sys.executable, "-P", "-X", "faulthandler", "-m", "moroccron.loader_child")

_START_SECONDS = 30.0  #: for the interpreter itself, on a machine that is busy
_LAST_WORDS_SECONDS = 2.0  #: for a process to end by itself, and to say where it hung
_TAIL = 20_000  #: bytes of what a dead process printed that are looked at
_OUR_SETTINGS = "MOROCCRON_"  #: not for authors' eyes: a database address may hold a password


@dataclass(frozen=True, slots=True)
class Limits:
    """What the reading of one file may take, what one job may ask for, and the year in which it is read."""

    timeout_seconds: float = 30.0
    memory_mib: int = 1024
    most: Resources = SANE
    year: int = field(default_factory=lambda: datetime.now(UTC).year)


@dataclass(frozen=True, slots=True)
class Death:
    """How a process ended before it answered. `code` as subprocess gives it; `output` is the end of it."""

    code: int
    hung: bool
    output: str

    def line_in(self, path: str) -> int | None:
        """The line of the file at which the process was, if it could still tell."""
        found = re.search(rf'File "{re.escape(path)}", line (\d+)', self.output)
        return int(found.group(1)) if found else None


class Child:
    """A process at work on a list of files. Use it as a context manager: leaving kills what is left of it."""

    def __init__(self, root: Path, files: Sequence[str], limits: Limits) -> None:
        self._limits = limits
        self._output = os.memfd_create("output")
        self._buffer = bytearray()
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [*_COMMAND, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                cwd=root,
                env={k: v for k, v in os.environ.items() if not k.startswith(_OUR_SETTINGS)},
                start_new_session=True,
            )
        self._ended = os.pidfd_open(self._process.pid)
        request = {
            "root": str(root),
            "files": list(files),
            "timeout_seconds": limits.timeout_seconds,
            "memory_mib": limits.memory_mib,
            "most": limits.most.as_tuple(),
            "year": limits.year,
        }
        with suppress(OSError):  # a process that died at once is told of by its first answer
            self._channel.sendall(json.dumps(request).encode() + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()
        os.close(self._ended)
        self._channel.close()
        os.close(self._output)

    def start(self) -> Death | None:
        """Wait until it is ready for files."""
        first = self._next(_START_SECONDS)
        return first if isinstance(first, Death) else None

    def next_answer(self) -> Answer | Death:
        """What it says of the next file, or how it ended over it."""
        return self._next(self._limits.timeout_seconds)

    def _next(self, seconds: float) -> Answer | Death:
        deadline = time.monotonic() + seconds
        line = self._line(deadline)
        if line is not None:
            answer: Answer = json.loads(line)
            return answer
        hung = time.monotonic() >= deadline
        if hung:
            # Python's fault handler answers an abort with the lines at which it is
            self._process.send_signal(signal.SIGABRT)
        self._wait(_LAST_WORDS_SECONDS)
        return Death(self._end(), hung, self._tail())

    def _line(self, deadline: float) -> bytes | None:
        """The next whole line; None when the process ended or the time is over."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._channel, selectors.EVENT_READ)
            selector.register(self._ended, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                channel_ready = any(key.fileobj is self._channel for key, _ in ready)
                chunk = self._received() if channel_ready else b""
                if not chunk:
                    return None  # what it had sent before it ended came first
                self._buffer += chunk
        line, _, rest = self._buffer.partition(b"\n")
        self._buffer = rest
        return bytes(line)

    def _received(self) -> bytes:
        try:
            return self._channel.recv(1 << 18)
        except ConnectionError:
            return b""

    def _wait(self, seconds: float) -> None:
        """Let it end by itself, which tells the true exit code."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._ended, selectors.EVENT_READ)
            selector.select(seconds)

    def _end(self) -> int:
        """Kill it and all it started: its group before it is reaped, while the number is still its own."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait()

    def _tail(self) -> str:
        size = os.fstat(self._output).st_size
        return os.pread(self._output, _TAIL, max(0, size - _TAIL)).decode(errors="replace")
