"""A TCP proxy of the tests' own: forwards bytes, and does harm when a request that it waits for comes by.

A trap is for one request, known by bytes in it, on any connection. Either the request is lost: it never arrives
whole, and its connection breaks. Or its answer is: the request is passed on, and when the other end answers,
something may be done before the connection breaks; who asked never sees the answer.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

CHUNK = 1 << 16
Act = Callable[[], object]


def nothing() -> None:
    """The connection breaks, and that is all."""


@dataclass
class Trap:
    pattern: bytes
    lose_request: bool
    act: Act
    caught: threading.Event = field(default_factory=threading.Event)  #: a request is in it
    sprung: threading.Event = field(default_factory=threading.Event)  #: its harm is done


class Proxy:
    """Listens from the beginning until `close`; `address` stands for the target's."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._traps: list[Trap] = []
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_request(self, pattern: bytes) -> Trap:
        """The next request with these bytes never arrives."""
        return self._lay(Trap(pattern, True, nothing))

    def lose_answer(self, pattern: bytes, act: Act = nothing) -> Trap:
        """The next request with these bytes arrives; when it is answered, `act`, and cut."""
        return self._lay(Trap(pattern, False, act))

    def close(self) -> None:
        with self._lock:
            ends = [self._listener, *self._open]
        for end in ends:
            _shut(end)

    def _lay(self, trap: Trap) -> Trap:
        with self._lock:
            self._traps.append(trap)
        return trap

    def _spring(self, seen: bytes) -> Trap | None:
        with self._lock:
            trap = next((trap for trap in self._traps if trap.pattern in seen), None)
            if trap is not None:
                self._traps.remove(trap)
                trap.caught.set()
            return trap

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._target, timeout=5)
            except OSError:
                _shut(near)
                continue
            far.settimeout(None)
            with self._lock:
                self._open |= {near, far}
            _Connection(near, far, self._spring, self._forget).begin()

    def _forget(self, *ends: socket.socket) -> None:
        with self._lock:
            self._open -= set(ends)


class _Connection:
    """Both directions of one connection; the request's direction looks for traps."""

    def __init__(
        self,
        near: socket.socket,
        far: socket.socket,
        spring: Callable[[bytes], Trap | None],
        forget: Callable[..., None],
    ) -> None:
        self._near, self._far = near, far
        self._spring, self._forget = spring, forget
        self._trap: Trap | None = None

    def begin(self) -> None:
        for direction in (self._requests, self._answers):
            threading.Thread(target=self._run, args=(direction,), daemon=True).start()

    def _run(self, direction: Act) -> None:
        with suppress(OSError):
            direction()
        _shut(self._near)
        _shut(self._far)
        self._forget(self._near, self._far)

    def _requests(self) -> None:
        seen = b""  # of the request at hand: a pattern may be split between two reads
        while data := self._near.recv(CHUNK):
            seen = (seen + data)[-2 * CHUNK :]
            trap = self._trap = self._trap or self._spring(seen)
            if trap is not None and trap.lose_request:
                trap.sprung.set()
                return
            self._far.sendall(data)

    def _answers(self) -> None:
        while data := self._far.recv(CHUNK):
            if (trap := self._trap) is not None:
                trap.act()
                trap.sprung.set()
                return
            self._near.sendall(data)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
