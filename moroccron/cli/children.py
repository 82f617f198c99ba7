"""One process under the supervisor: started, watched by descriptors, ended.

Owns a process' beginning and end, and says in words why it ended. Must not know what it does, nor when to
start it again.
"""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from moroccron import settings as declared
from moroccron.cli.exit_codes import MEANINGS, SCHEDULER_MEANINGS, ExitCode
from moroccron.settings import Settings

#: a process that lived this long is believed to be well: its next fall is the first again
_WELL_AFTER = 30.0
_FIRST_DELAY = 0.5
_LONGEST_DELAY = 30.0
_DOUBLINGS = 10  #: more than lead to the longest delay


@dataclass(frozen=True, slots=True)
class Part:
    """A process of moroccron as it is to run."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path | None = None  #: where its words go, if it may outlive us; None: to us


class Child:
    """A part and its process, if one runs now."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.process: subprocess.Popen[bytes] | None = None
        self.pid: int | None = None  #: None: does not run
        self.pidfd: int | None = None  #: readable once the process has ended
        self.output: int | None = None  #: what it says; None: not to us
        self._falls = 0
        self._began = 0.0
        self.due: float | None = None  #: when to start it again, by the monotonic clock

    def start(self) -> None:
        """Begin the process, in a session of its own: the terminal's Ctrl-C is for the supervisor."""
        part = self.part
        log = None if part.log is None else part.log.open("ab")
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "moroccron.cli.main", *part.arguments, "--supervised"],
                env=part.environment,
                stdin=subprocess.PIPE,
                stdout=log or subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        finally:
            if log is not None:
                log.close()
        if self.process.stdout is not None:
            self.output = self.process.stdout.fileno()
        self._watch(self.process.pid)

    def _watch(self, pid: int) -> None:
        self.pidfd = os.pidfd_open(pid)
        self.pid = pid
        self._began = time.monotonic()
        self.due = None

    @property
    def runs(self) -> bool:
        return self.pid is not None

    def has_ended(self) -> bool:
        """Whether the process, though not reaped, is over."""
        if self.pidfd is None:
            return True
        ended = select.poll()
        ended.register(self.pidfd, select.POLLIN)
        return bool(ended.poll(0))

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, never to another that got its number."""
        if self.pidfd is not None:
            try:
                signal.pidfd_send_signal(self.pidfd, number)
            except ProcessLookupError:
                return

    def let_go(self) -> None:
        """End as if we had died: the process notices by its standard input, once and not twice."""
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()

    def reap(self) -> int:
        """Forget the process, which has ended; its exit code, negative for a signal."""
        assert self.process is not None
        assert self.pidfd is not None
        code = self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        os.close(self.pidfd)
        self.process = self.pid = self.pidfd = self.output = None
        return code

    def plan_restart(self) -> float:
        """Set when to start again, later with each fall in a row; in how many seconds that is."""
        now = time.monotonic()
        if now - self._began > _WELL_AFTER:
            self._falls = 0
        delay = min(_FIRST_DELAY * 2 ** min(self._falls, _DOUBLINGS), _LONGEST_DELAY)
        self._falls += 1
        self.due = now + delay
        return delay


def environment(settings: Settings, chosen: Sequence[str]) -> dict[str, str]:
    """This process' environment, with the chosen settings and no other source of any."""
    sources = {declared.variable(setting) for setting in declared.names()}
    sources |= {declared.CONFIG_VARIABLE, *declared.strangers(os.environ)}  # warned of once already
    inherited = {name: value for name, value in os.environ.items() if name not in sources}
    return inherited | declared.as_environment(settings, tuple(chosen))


def reason(code: int) -> str:
    """Why a process ended, in words."""
    if code < 0:
        return f"was ended by {_name(-code)}"
    meanings = {int(known): meaning for known, meaning in MEANINGS.items()} | SCHEDULER_MEANINGS
    if code in meanings and code != ExitCode.FAILED:
        return f"ended with {code} ({meanings[code]})"
    return f"ended with {code}"


def _name(number: int) -> str:
    """Only the first and the last of the real-time signals have a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
