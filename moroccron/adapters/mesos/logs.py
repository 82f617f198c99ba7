"""What attempts wrote, from their sandboxes by way of their agents. Implements `ports.Logs` and `ports.Outputs`.

An agent serves the files of a sandbox under a path that needs no container's id, while the task runs and until
the sandbox is collected. Nothing here changes any state. Gone is only what the agent itself says that it has not:
one that does not answer may come back, and its sandboxes with it.
"""

import base64
import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from moroccron.adapters.mesos.address import Address
from moroccron.adapters.mesos.credentials import Authorization, anonymous
from moroccron.adapters.mesos.transport import Distrusted, HttpConnection
from moroccron.model.errors import LogUnavailable
from moroccron.model.outputs import FILE, MOST
from moroccron.model.run import Attempt
from moroccron.ports import LogChunk, Stream

_GONE = LogChunk(b"", 0, 0, gone=True)
_LONGEST = 1 << 20  #: bytes of one answer; who wants more asks again
_TIMEOUT = 10.0
_NOT_FOUND = 404


class AgentLogs:
    """Reads by offset, each time over a connection of its own; may be used from many threads."""

    def __init__(
        self,
        authorization: Authorization = anonymous,
        timeout: float = _TIMEOUT,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._authorization = authorization
        self._timeout = timeout
        self._tls = tls

    def read(self, attempt: Attempt, stream: Stream, offset: int, length: int) -> LogChunk:
        """At most `length` bytes from `offset`; a negative offset counts from the end. Raises `LogUnavailable`."""
        if attempt.sandbox is None:
            return _GONE
        if attempt.agent_url is None:  # it was found on another agent than it was launched on
            raise LogUnavailable(f"the address of the agent {attempt.agent_id} is not known")
        path = f"{attempt.sandbox}/{Stream(stream).value}"
        length = max(0, min(length, _LONGEST))
        if offset < 0:
            # The API counts from the beginning alone: ask for the size first.
            sized = self._ask(attempt.agent_url, path, 0, 0)
            if sized is None:
                return _GONE
            offset = max(0, sized.size + offset)
        return self._ask(attempt.agent_url, path, offset, length) or _GONE

    def read_output(self, attempt: Attempt) -> bytes | None:
        """Implements `ports.Outputs`. In pieces: an agent gives only some of a file at a time."""
        if attempt.sandbox is None:
            raise LogUnavailable("its sandbox is not known")
        if attempt.agent_url is None:
            raise LogUnavailable(f"the address of the agent {attempt.agent_id} is not known")
        path, data = f"{attempt.sandbox}/{FILE}", b""
        while len(data) <= MOST:
            chunk = self._ask(attempt.agent_url, path, len(data), MOST + 1 - len(data))
            if chunk is None:
                return None
            data += chunk.data
            if not chunk.data or len(data) >= chunk.size:
                break
        return data

    def _ask(self, url: str, path: str, offset: int, length: int) -> LogChunk | None:
        """None: the agent has no such file."""
        wanted = {"path": path, "offset": offset, "length": length}
        try:
            status, body = self._post(url, {"type": "READ_FILE", "read_file": wanted})
        except (OSError, http.client.HTTPException) as error:
            what = str(error) or type(error).__name__
            raise LogUnavailable(f"the agent at {url} does not answer: {what}") from error
        except Distrusted as error:
            raise LogUnavailable(f"the agent at {url}: {error}") from error
        if status == _NOT_FOUND:
            return None
        if status != http.client.OK:
            said = body[:200].decode(errors="replace")
            raise LogUnavailable(f"the agent at {url} answered {status} {said}".rstrip())
        try:
            answer = json.loads(body)["read_file"]
            return LogChunk(base64.b64decode(answer.get("data", "")), offset, int(answer["size"]))
        except (ValueError, KeyError, TypeError) as error:
            raise LogUnavailable(f"the agent at {url} answered nonsense: {error!r}") from error

    def _post(self, url: str, message: Mapping[str, Any]) -> tuple[int, bytes]:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        port = parts.port or (http.client.HTTPS_PORT if secure else http.client.HTTP_PORT)
        address = Address(parts.hostname or "", port, secure)
        connection = HttpConnection(address, self._timeout, self._tls)
        try:
            connection.request(
                "POST", f"{parts.path}/api/v1", json.dumps(message).encode(), self._headers()
            )
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if (authorization := self._authorization()) is not None:
            headers["Authorization"] = authorization
        return headers
