"""What an operator asks a master: what it knows of a framework, and to end it. For commands, not for the engine."""

import http.client
import json
import queue
import ssl
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from moroccron.adapters.mesos.address import Address, parse, sent_on
from moroccron.adapters.mesos.credentials import Authorization, anonymous
from moroccron.adapters.mesos.transport import Distrusted, HttpConnection, hint
from moroccron.model.errors import MoroccronError
from moroccron.ports import MasterDetector

_REDIRECTS = 5
_PATIENCE = 10.0  #: seconds for an answer, and for the detector to name a leader
_UNKNOWN = "No framework found"  #: a master's own words
_REDIRECTED = (HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT)


class MasterUnavailable(MoroccronError):
    """No master answers, or none leads."""


class MasterRefuses(MoroccronError):
    """The master does not let us do this, or says that it makes no sense."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Operator:
    """Asks whichever master leads; follows where masters send it."""

    def __init__(
        self,
        detector: MasterDetector,
        authorization: Authorization = anonymous,
        patience: float = _PATIENCE,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._detector = detector
        self._authorization = authorization
        self._tls = tls
        self._patience = patience

    def framework(self, framework_id: str) -> Mapping[str, Any] | None:
        """The master's record, also of one that is no more; None when it never heard of it, or forgot."""
        path = f"/frameworks?framework_id={quote(framework_id, safe='')}"
        answer = json.loads(self._ask("GET", path))
        records = [*answer["frameworks"], *answer["completed_frameworks"]]
        return next((record for record in records if record["id"] == framework_id), None)

    def awaited_agents(self) -> Sequence[str]:
        """Hosts of agents that a master which began anew waits for: what they run it does not know yet."""
        answer = json.loads(self._ask("GET", "/slaves"))
        return [agent["hostname"] for agent in answer.get("recovered_slaves", ())]

    def teardown(self, framework_id: str) -> bool:
        """End the framework and all its tasks. False: the master has none of this id, or no more."""
        known = {"framework_id": {"value": framework_id}}
        call = {"type": "TEARDOWN", "teardown": known}
        try:
            self._ask("POST", "/api/v1", json.dumps(call).encode())
        except MasterRefuses as refusal:
            if refusal.status == HTTPStatus.BAD_REQUEST and _UNKNOWN in str(refusal):
                return False
            raise
        return True

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """The answer of the first master that gives one."""
        named: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._detector.watch(lambda master: None if master is None else named.put(master))
        try:
            return self._ask_each(named, method, path, body)
        finally:
            self._detector.stop()

    def _ask_each(
        self, named: "queue.SimpleQueue[str]", method: str, path: str, body: bytes | None
    ) -> bytes:
        tried: list[str] = []
        troubles: list[str] = []
        while (master := self._next(named, wait=not tried)) is not None and master not in tried:
            tried.append(master)
            try:
                return self._ask_from(parse(master), method, path, body)
            except MasterUnavailable as unavailable:
                troubles.append(str(unavailable))
                self._detector.failed(master)
        if not tried:
            raise MasterUnavailable(f"nobody names a leading master within {self._patience:g} s")
        raise MasterUnavailable("; ".join(troubles))

    def _next(self, named: "queue.SimpleQueue[str]", *, wait: bool) -> str | None:
        """Whom the detector names; after a failure only whom it names at once."""
        try:
            return named.get(timeout=self._patience) if wait else named.get_nowait()
        except queue.Empty:
            return None

    def _ask_from(self, master: Address, method: str, path: str, body: bytes | None) -> bytes:
        """The answer of this master, or of whom it sends us on to."""
        for _ in range(_REDIRECTS + 1):
            try:
                status, location, content = self._request(master, method, path, body)
            except (OSError, http.client.HTTPException, Distrusted) as error:
                message = f"no answer from the master {master}: {error}{hint(master, error)}"
                raise MasterUnavailable(message) from error
            if status in _REDIRECTED and location:
                master = _follow(master, location)
            elif status in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
                return content
            elif status == HTTPStatus.SERVICE_UNAVAILABLE:
                raise MasterUnavailable(f"the master {master} is not ready: {_text(content)}")
            else:
                said = f"the master {master} answered {status} {_text(content)}".strip()
                raise MasterRefuses(said, status)
        raise MasterUnavailable(f"sent on {_REDIRECTS} times, at last to {master}")

    def _request(
        self, master: Address, method: str, path: str, body: bytes | None
    ) -> tuple[int, str | None, bytes]:
        connection = HttpConnection(master, self._patience, self._tls)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if (authorization := self._authorization()) is not None:
            headers["Authorization"] = authorization
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.getheader("Location"), response.read()
        finally:
            connection.close()


def _text(content: bytes) -> str:
    return content.decode(errors="replace").strip()


def _follow(master: Address, location: str) -> Address:
    try:
        return sent_on(master, location)
    except ValueError as error:
        raise MasterUnavailable(str(error)) from error
