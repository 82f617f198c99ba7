"""Keeps agent, scheduler and web alive while people use this machine's moroccron, and ends them in order.

Owns the order of beginning and end, and when to start again what fell. Sleeps in one `select` on signals,
ends and outputs of its children, so that watching costs nothing. Must not load what the children load.
"""

import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from moroccron.cli.children import Child, reason
from moroccron.cli.exit_codes import ExitCode

#: the web process says so on its output, with its address
READY = "@ready "

_END_PATIENCE = 10.0  #: seconds from SIGTERM to SIGKILL for web and scheduler
_IDLE_AGENT_PATIENCE = 2.0  #: seconds in which an agent that runs nothing has ended
_LAST_WORD_PATIENCE = 10.0  #: seconds in which a second Ctrl-C ends the jobs
_KILL_PATIENCE = 30.0  #: seconds that ending the jobs may take, with their grace


class Voice(Protocol):
    """Where the supervisor's words and its children's go."""

    def ready(self, url: str) -> None: ...
    def relay(self, name: str, line: str) -> None: ...
    def tell(self, message: str) -> None: ...
    def warn(self, message: str) -> None: ...


class Supervisor:
    """`front`: ends with us. `agent`: outlives us while jobs run."""

    def __init__(
        self,
        *,
        front: Sequence[Child],
        agent: Child,
        count_jobs: Callable[[], int],
        voice: Voice,
    ) -> None:
        self._front = front
        self._agent = agent
        self._count_jobs = count_jobs
        self._voice = voice
        self._selector = selectors.DefaultSelector()
        self._lines: dict[str, _Lines] = {}
        self._signals: list[int] = []
        self._stopping = False
        self._fatal: ExitCode | None = None
        self._listen_to_signals()

    def run(self) -> ExitCode:
        """Until SIGINT or SIGTERM; the exit code."""
        for child in (*self._front, self._agent):
            self._start(child)
        self._pump(lambda: bool(self._signals) or self._fatal is not None)
        self._end()
        return self._fatal or ExitCode.OK

    # ------------------------------------------------------------------ beginnings

    def _start(self, child: Child) -> None:
        child.start()
        assert child.pidfd is not None
        self._selector.register(child.pidfd, selectors.EVENT_READ, lambda: self._on_end(child))
        if child.output is not None:
            self._lines[child.part.name] = _Lines(child, self._voice, self._selector)

    # ------------------------------------------------------------------ watching

    def _pump(self, until: Callable[[], bool], patience: float | None = None) -> bool:
        """Handle what comes until the condition holds; False when patience ran out first."""
        deadline = None if patience is None else time.monotonic() + patience
        while not until():
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                return False
            moments = [child.due for child in self._all() if child.due is not None]
            moments += [deadline] if deadline is not None else []
            self._handle(max(min(moments) - now, 0) if moments else None)
            self._start_due()
        return True

    def _handle(self, patience: float | None) -> None:
        for key, _ in self._selector.select(patience):
            # One that was handled before it may have ended what this one is about.
            if self._selector.get_map().get(key.fileobj) == key:
                key.data()

    def _all(self) -> Sequence[Child]:
        return (*self._front, self._agent)

    def _start_due(self) -> None:
        now = time.monotonic()
        for child in self._all():
            if child.due is not None and child.due <= now and not self._stopping:
                self._start(child)

    def _on_end(self, child: Child) -> None:
        assert child.pidfd is not None
        self._selector.unregister(child.pidfd)
        lines = self._lines.pop(child.part.name, None)
        if lines is not None:
            lines.finish()
        pid = child.pid
        code = child.reap()
        if self._stopping:
            return
        if code == ExitCode.USAGE:
            self._fatal = ExitCode.USAGE
            self._voice.warn(f"{child.part.name} (pid {pid}) {reason(code)}")
            return
        delay = child.plan_restart()
        self._voice.warn(
            f"{child.part.name} (pid {pid}) {reason(code)}; starting it again in {delay:g} s"
        )

    # ------------------------------------------------------------------ the end

    def _end(self) -> None:
        self._stopping = True
        for child in self._all():
            child.due = None
        self._voice.tell("Stopping ...")
        for child in self._front:
            child.send(signal.SIGTERM)
        if not self._pump(lambda: not any(child.runs for child in self._front), _END_PATIENCE):
            for child in self._front:
                child.send(signal.SIGKILL)
            self._pump(lambda: not any(child.runs for child in self._front))
        if self._agent.runs:
            self._end_agent()

    def _end_agent(self) -> None:
        """An agent that runs nothing ends; else the jobs go on under it, unless a person says no."""
        self._agent.let_go()
        if self._pump(lambda: not self._agent.runs, _IDLE_AGENT_PATIENCE):
            return
        by_hand = bool(self._signals) and self._signals[0] == signal.SIGINT
        jobs = self._count_jobs()
        what = f"{jobs} job{' still runs and goes' if jobs == 1 else 's still run and go'} on"
        self._voice.warn(
            f"{what} under the agent (pid {self._agent.pid}); "
            "start standalone again to pick up"
            + (", or press Ctrl-C again to end them." if by_hand else ".")
        )
        if not by_hand:
            return
        self._signals.clear()
        self._pump(lambda: not self._agent.runs or bool(self._signals), _LAST_WORD_PATIENCE)
        if self._agent.runs and self._signals:
            self._voice.tell("Ending the jobs ...")
            self._agent.send(signal.SIGINT)
            if self._pump(lambda: not self._agent.runs, _KILL_PATIENCE):
                self._voice.tell("Ended. Their runs are not over: the next start begins them anew.")
            else:
                self._voice.warn(f"the agent (pid {self._agent.pid}) has not ended yet")

    # ------------------------------------------------------------------ signals

    def _listen_to_signals(self) -> None:
        ours, kernels = socket.socketpair()
        ours.setblocking(False)
        kernels.setblocking(False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, frame: None)
        signal.set_wakeup_fd(kernels.detach())
        self._selector.register(
            ours, selectors.EVENT_READ, lambda: self._signals.extend(ours.recv(64))
        )


class _Lines:
    """Turns what a child writes into whole lines for the voice. Never waits."""

    def __init__(self, child: Child, voice: Voice, selector: selectors.BaseSelector) -> None:
        assert child.output is not None
        self._name = child.part.name
        self._voice = voice
        self._selector = selector
        self._descriptor = child.output
        self._rest = b""
        os.set_blocking(self._descriptor, False)
        selector.register(self._descriptor, selectors.EVENT_READ, self.read)

    def read(self) -> bool:
        """Take what is there now; False when there is no more, now or ever."""
        try:
            data = os.read(self._descriptor, 65536)
        except BlockingIOError:
            return False
        if not data:
            self._selector.unregister(self._descriptor)
            return False
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._say(line)
        return True

    def finish(self) -> None:
        """The process has ended: take its last words, of which the last line need not be a whole one.

        A process that it left behind may hold the pipe open; what that has to say is not for us.
        """
        if self._descriptor in self._selector.get_map():
            while self.read():
                pass
        if self._descriptor in self._selector.get_map():
            self._selector.unregister(self._descriptor)
        if self._rest:
            self._say(self._rest)

    def _say(self, line: bytes) -> None:
        text = line.decode(errors="replace")
        if text.startswith(READY):
            self._voice.ready(text.removeprefix(READY))
        else:
            self._voice.relay(self._name, text)
