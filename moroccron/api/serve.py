"""Serving the app with waitress until told to stop. Owns the socket, the threads and the clean end."""

import errno
import logging
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any, cast

from flask import Flask
from waitress.server import create_server

from moroccron.api.doors import Doors
from moroccron.model.errors import MoroccronError

log = logging.getLogger(__name__)


class PortInUse(MoroccronError):
    """Somebody else listens there. The message names the address and the remedy."""


class CannotListen(MoroccronError):
    """The address cannot be listened on. The message says why and what to do."""


def serve(
    app: Flask,
    host: str,
    port: int,
    threads: int = 8,
    *,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT. `ready` is called with the address once requests are answered.

    `threads` answer requests; live streams have as many more as there may be streams.
    Port 0 takes any free one. Raises PortInUse or CannotListen.
    """
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a short queue is no news
    given = cast(Doors, app.extensions["moroccron"])
    listening = listen(host, port)
    server = create_server(
        app,
        sockets=[listening],
        threads=threads + given.tail.max_streams,
        ident="moroccron",
        channel_request_lookahead=1,  # so that a stream learns that its reader has left
        connection_limit=1000,
        channel_timeout=120,
        clear_untrusted_proxy_headers=True,
    )
    stop = _Stop(server, given)
    with stop:
        if ready is not None:
            ready(address(listening))
        server.run()
    log.info("stopped")


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, or an error that says what to do."""
    try:
        family, kind, _, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind)
    except OSError as error:
        raise CannotListen(
            f"Cannot listen on {host!r}: {error.strerror or error}. Set another host."
        ) from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(target)
        listening.listen(1024)
    except OSError as error:
        listening.close()
        raise _refusal(host, port, error) from error
    return listening


def address(listening: socket.socket) -> str:
    """Where a browser finds it."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "localhost"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


class _Stop:
    """Ends the server's loop on a signal: streams first, so that no thread is waited for."""

    def __init__(self, server: Any, given: Doors) -> None:
        self._server = server
        self._given = given
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._on_signal)

    def __exit__(self, *_: object) -> None:
        self._given.tail.stop()
        self._server.close()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: object) -> None:
        self._given.tail.stop()
        raise SystemExit(0)  # waitress takes it as the request to end, and waits for its threads


def _refusal(host: str, port: int, error: OSError) -> MoroccronError:
    if error.errno == errno.EADDRINUSE:
        return PortInUse(
            f"{host}:{port} is taken by another process. Stop that, or set another port."
        )
    return CannotListen(
        f"Cannot listen on {host}:{port}: {error.strerror}. Set another host or port."
    )
