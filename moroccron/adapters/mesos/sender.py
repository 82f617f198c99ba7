"""Calls to the master: one thread, one queue, one connection, in order.

A call belongs to the subscription that it was made for, and is not sent under another. Every wait is bounded.
What became of each call is told to whoever gave it.
"""

import http.client
import logging
import queue
import select
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

from moroccron.adapters.mesos.address import parse
from moroccron.adapters.mesos.calls import Body, encode
from moroccron.adapters.mesos.line import Line
from moroccron.adapters.mesos.outcome import SENT, NotConnected, Outcome, Rejected, Unknown
from moroccron.adapters.mesos.patience import Patience
from moroccron.adapters.mesos.transport import Distrusted, HttpConnection

log = logging.getLogger("moroccron.driver")

_PATH = "/api/v1/scheduler"


@dataclass(frozen=True, slots=True)
class Call:
    """What is to be sent, for which subscription, and who wants to know what became of it."""

    line: Line
    body: Body
    done: Callable[["Call", Outcome], None]


class Sender:
    """Begun once, stopped once. `current` tells which subscription holds now, `on_death` hears of a bug of ours."""

    def __init__(
        self,
        current: Callable[[], Line | None],
        patience: Patience,
        tls: ssl.SSLContext | None = None,
        on_death: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._current = current
        self._on_death = on_death
        self._patience = patience
        self._tls = tls
        self._queue: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="mesos-sender", daemon=True)
        self._connection: HttpConnection | None = None
        self._connected_to: str | None = None

    def start(self) -> None:
        self._thread.start()

    def put(self, call: Call) -> None:
        """Send it after all that came before."""
        self._queue.put(call)

    def stop(self) -> None:
        """End soon: a call that waits is broken off, and what is queued is of a subscription that is over."""
        self._queue.put(None)
        connection = self._connection
        if connection is not None:
            with suppress(OSError):
                connection.break_off()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(self._patience.answer + self._patience.connect)

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        try:
            while (call := self._queue.get()) is not None:
                self._serve(call)
        except BaseException as error:
            # Without this thread nothing goes out any more: whoever goes on would only seem to live.
            log.exception("unforeseen: the sender's thread ends")
            self._on_death(f"the sender's thread ended: {error!r}")
        finally:
            self._close()

    def _serve(self, call: Call) -> None:
        try:
            outcome = self._send(call)
        except Exception as error:
            log.exception("unforeseen, while sending %s", call.body.get("type"))
            self._close()
            outcome = Unknown(f"unforeseen: {error!r}")
        try:
            call.done(call, outcome)
        except Exception:
            log.exception("whoever heard of the outcome of a call made trouble")

    def _send(self, call: Call) -> Outcome:
        if self._current() is not call.line:
            return NotConnected("the subscription that it was made for is over")
        try:
            connection = self._connect(call.line.master)
        except (OSError, Distrusted) as error:
            self._close()
            return NotConnected(f"cannot connect to {call.line.master}: {error}")
        body = encode(call.body | {"framework_id": {"value": call.line.framework_id}})
        try:
            connection.request("POST", _PATH, body, self._headers(call.line))
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._close()
            return Unknown(f"{type(error).__name__}: {error}".rstrip(": "))
        if response.will_close:
            self._close()
        if response.status in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
            return SENT
        return Rejected(response.status, text.decode("utf-8", "replace"))

    def _headers(self, line: Line) -> dict[str, str]:
        """Made anew for each call: nothing of one framework may reach another's."""
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Mesos-Stream-Id": line.stream_id,
        }
        if line.authorization is not None:
            headers["Authorization"] = line.authorization
        return headers

    def _connect(self, master: str) -> HttpConnection:
        """The connection to this master; a new one when the old was closed by the other end."""
        if self._connection is None or self._connected_to != master or _dropped(self._connection):
            self._close()
            connection = HttpConnection(parse(master), self._patience.connect, self._tls)
            self._connection, self._connected_to = connection, master
            connection.connect()
            connection.sock.settimeout(self._patience.answer)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._connected_to = None


def _dropped(connection: http.client.HTTPConnection) -> bool:
    """An idle connection has nothing to read; if it has, it is the other end's farewell."""
    if connection.sock is None:
        return True
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))
