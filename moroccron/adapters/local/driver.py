"""The scheduler's end of the embedded agent: implements `ports.Driver` over the agent's Unix socket.

Owns one connection and one thread that reads it and makes it anew. Knows nothing of what its events lead to.
"""

import json
import logging
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from moroccron.adapters.local import paths, wire
from moroccron.adapters.local.lines import encode
from moroccron.model.effects import Effect
from moroccron.model.events import Disconnected, Event, Subscribed
from moroccron.refrain import Refrain

log = logging.getLogger("moroccron.driver")

_CHUNK = 262_144
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0  #: seconds between two attempts to connect
_GRACE = 3.0  #: seconds in which an agent that begins beside us should be there
_SEND_TIMEOUT = 5  #: seconds; an agent that reads nothing for so long counts as gone


class LocalDriver:
    """Stays connected to the agent until stopped, or until another scheduler takes the agent over.

    In that case it says so once, to `on_deposed` and as `Disconnected`, and stays away: taking the agent back
    would only depose the other in turn.
    """

    def __init__(self, socket_path: Path, on_deposed: Callable[[str], None] | None = None) -> None:
        self._path = socket_path
        self._on_deposed = on_deposed
        self._stopping = threading.Event()
        self._lock = threading.Lock()  #: guards both below and what is written to them
        self._connection: socket.socket | None = None  #: open, perhaps not subscribed yet
        self._socket: socket.socket | None = None  #: subscribed
        self._thread: threading.Thread | None = None
        self._framework_id: str | None = None
        self._emit: Callable[[Event], None] = lambda _: None

    def start(self, framework_id: str | None, emit: Callable[[Event], None]) -> None:
        """Connect, in a thread of our own, and stay connected."""
        self._framework_id = framework_id
        self._emit = emit
        self._thread = threading.Thread(target=self._stay, name="local-driver", daemon=True)
        self._thread.start()

    def perform(self, effects: Sequence[Effect]) -> None:
        """Send effects, in order and at once. Without a connection they are dropped."""
        if not effects:
            return
        data = "".join([line + "\n" for effect in effects for line in wire.lines(effect)]).encode()
        with self._lock:
            if self._socket is not None:
                self._send(self._socket, data)

    def stop(self) -> None:
        """Disconnect. Tasks run on."""
        self._stopping.set()
        with self._lock:
            if self._connection is not None:
                _shut(self._connection)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    # ------------------------------------------------------------------ the thread

    def _stay(self) -> None:
        pause = _FIRST_PAUSE
        silent = Refrain(grace=_GRACE)
        while not self._stopping.is_set():
            try:
                connection = self._connect()
            except OSError as error:
                if silent.due(str(error)):
                    log.warning("waiting for the agent at %s: %s", self._path, error)
                self._stopping.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            silent.over()
            with connection:
                reason = self._listen(connection)
                with self._lock:
                    was_subscribed, self._socket = self._socket is not None, None
            pause = _FIRST_PAUSE if was_subscribed else min(2 * pause, _LONGEST_PAUSE)
            self._left(reason, was_subscribed)
            self._stopping.wait(pause)

    def _connect(self) -> socket.socket:
        connection = paths.connect(self._path)
        # A timeout for sending alone: reading may wait for ever.
        timeout = struct.pack("ll", _SEND_TIMEOUT, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
        return connection

    def _listen(self, connection: socket.socket) -> str:
        """Subscribe, and emit what comes until the connection ends; why it did."""
        with self._lock:
            self._connection = connection
            if self._stopping.is_set():
                return "stopped"
            self._send(connection, f"{encode(wire.subscribe(self._framework_id))}\n".encode())
        try:
            return self._read(connection)
        except OSError as error:
            return f"the connection to the agent broke: {error}"
        except Exception as error:
            # Whatever it was, this thread goes on: without it nobody would hear of the agent any more.
            log.exception("the agent sent what makes no sense")
            return f"the agent sent what makes no sense: {error!r}"

    def _read(self, connection: socket.socket) -> str:
        rest = b""
        while data := connection.recv(_CHUNK):
            *lines, rest = (rest + data).split(b"\n")
            # All decoded before the first is emitted, so that what came together is decided together.
            for event in [wire.decode(json.loads(line.decode())) for line in lines]:
                if isinstance(event, Disconnected):
                    return event.reason
                self._take(connection, event)
        return "the agent closed the connection"

    def _take(self, connection: socket.socket, event: Event) -> None:
        if isinstance(event, Subscribed):
            self._framework_id = event.framework_id
            with self._lock:
                self._socket = connection
        self._emit(event)

    def _left(self, reason: str, was_subscribed: bool) -> None:
        if self._stopping.is_set():
            return
        deposed = reason == wire.FAILED_OVER
        if deposed:
            self._stopping.set()
            reason = f"{reason}: another scheduler has subscribed to the agent"
        log.warning("disconnected from the agent: %s", reason)
        if was_subscribed:
            self._emit(Disconnected(reason))
        if deposed and self._on_deposed is not None:
            self._on_deposed(reason)

    def _send(self, connection: socket.socket, data: bytes) -> None:
        """The lock is held. A failure ends the connection; the reading thread notices and tells."""
        try:
            connection.sendall(data)
        except OSError as error:
            log.warning("cannot send to the agent: %s", error)
            _shut(connection)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
