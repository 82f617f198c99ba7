"""One connection on which a master sends its events: pymesos' reader, made to fail in order.

pymesos parses the response and splits the records. What it raises, whatever it is, ends this connection and
nothing else, and is told as a reason.
"""

import logging
import ssl
from http import HTTPStatus
from typing import Any

from moroccron.adapters.mesos.address import parse, sent_on
from moroccron.adapters.mesos.library import Connection, HttpParser
from moroccron.adapters.mesos.transport import ENDED, Distrusted, Unblocked, connect

log = logging.getLogger("moroccron.driver")


class Stream(Connection):
    """Connected once it is made: names and IPv6 addresses are taken, and a master that does not answer is not.

    `owner` has what pymesos calls: gen_request, process_event, change_master, stream_id, on_close.
    """

    def __init__(
        self, master: str, owner: Any, timeout: float, tls: ssl.SSLContext | None = None
    ) -> None:
        # Not pymesos' own: that takes IPv4 addresses only, and an unanswered connection for a made one.
        self._master = parse(master)
        self._addr = (self._master.host, self._master.port)
        self._request = owner.gen_request()
        self._sock = Unblocked(connect(self._master, timeout, tls))
        self._parser = HttpParser()
        self._callback = owner
        self._stream_id = None
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
            goes_on = bool(super().read())
            while goes_on and self._sock.pending:
                goes_on = bool(super().read())
            return goes_on
        except Exception as error:
            self._raised = error
            return False

    @property
    def status(self) -> int | None:
        """What the master answered, as soon as it did."""
        complete = self._parser is not None and self._parser.is_headers_complete()
        return int(self._parser.get_status_code()) if complete else None

    @property
    def distrusted(self) -> bool:
        """Whether it ended because one of us does not trust the other."""
        return isinstance(self._raised, Distrusted)

    def redirect(self) -> str | None:
        """Where the master sends us on to, if it does. ValueError when that is nowhere to go."""
        if self.status != HTTPStatus.TEMPORARY_REDIRECT:
            return None
        headers = {name.upper(): value for name, value in self._parser.get_headers().items()}
        location = headers.get("LOCATION")
        return str(sent_on(self._master, location)) if location else None

    def reason(self) -> str:
        """Why reading or writing came to an end."""
        status = self.status
        if status is not None and status != HTTPStatus.OK:
            return f"the master answered {status} {self._detail()}".rstrip()
        if self._raised is not None:
            return f"the connection to the master failed: {self._raised}"
        if status is None:
            end = "the master closed the connection without an answer"
            return f"{end}; {ENDED[self._master.secure]}"
        return "the master closed the connection"

    def _detail(self) -> str:
        body = self._parser.recv_body().decode("utf-8", "replace").strip()
        # pymesos has put the body into what it raised, behind a colon.
        _, _, raised = str(self._raised or "").partition(": ")
        return body or raised
