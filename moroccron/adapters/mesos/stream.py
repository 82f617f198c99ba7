"""One connection on which a master sends its events: pymesos' reader, made to fail in order.

pymesos parses the response and splits the records. What it raises, whatever it is, ends this connection and
nothing else, and is told as a reason.
"""

import logging
import socket
from http import HTTPStatus
from typing import Any

from moroccron.adapters.mesos.address import split
from moroccron.adapters.mesos.library import Connection, HttpParser

log = logging.getLogger("moroccron.driver")


class Stream(Connection):
    """Connected once it is made: names and IPv6 addresses are taken, and a master that does not answer is not.

    `owner` has what pymesos calls: gen_request, process_event, change_master (for a redirect), stream_id, on_close.
    """

    def __init__(self, master: str, owner: Any, timeout: float) -> None:
        # Not pymesos' own: that takes IPv4 addresses only, and an unanswered connection for a made one.
        self._addr = split(master)
        self._sock = socket.create_connection(self._addr, timeout)
        self._sock.setblocking(False)
        self._parser = HttpParser()
        self._callback = owner
        self._stream_id = None
        self._request = owner.gen_request()
        self._response = b""
        self.connected = True
        self._raised: Exception | None = None

    def write(self) -> bool:
        try:
            return bool(super().write())
        except Exception as error:
            self._raised = error
            return False

    def read(self) -> bool:
        try:
            return bool(super().read())
        except Exception as error:
            self._raised = error
            return False

    @property
    def status(self) -> int | None:
        """What the master answered, as soon as it did."""
        complete = self._parser is not None and self._parser.is_headers_complete()
        return int(self._parser.get_status_code()) if complete else None

    def reason(self) -> str:
        """Why reading or writing came to an end."""
        status = self.status
        if status is not None and status != HTTPStatus.OK:
            return f"the master answered {status} {self._detail()}".rstrip()
        if self._raised is not None:
            return f"the connection to the master failed: {self._raised}"
        return "the master closed the connection"

    def _detail(self) -> str:
        body = self._parser.recv_body().decode("utf-8", "replace").strip()
        # pymesos has put the body into what it raised, behind a colon.
        _, _, raised = str(self._raised or "").partition(": ")
        return body or raised
