"""One session with ZooKeeper: kazoo's client with the settings that our promises rest on.

A session is over when it is lost; whoever wants another one opens it. kazoo speaks of CONNECTED, SUSPENDED and
LOST, from a thread of its own that must not be kept waiting. Must not know what a session is wanted for.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from kazoo.client import KazooClient
from kazoo.exceptions import (
    AuthFailedError,
    InvalidACLError,
    KazooException,
    NoAuthError,
    SessionExpiredError,
)
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.protocol.states import KazooState
from kazoo.security import ACL, make_acl

from moroccron.adapters.zookeeper.address import ZkAddress
from moroccron.model.errors import MoroccronError

#: A question that got no answer: the connection broke, or nothing came in time. What became of it is unknown.
NoAnswer = (KazooException, KazooTimeoutError)
#: Answers that stay the same however often one asks.
Forbidden = (NoAuthError, AuthFailedError, InvalidACLError)
Expired = SessionExpiredError

_SLOWEST_RECONNECT = (
    0.5  #: seconds between two tries: a session outlives its server's restart only if we hurry
)
# kazoo tells of every try to connect. What matters of it is told by us.
_kazoo_log = logging.getLogger("moroccron.kazoo")
_kazoo_log.setLevel(logging.ERROR)


class ZooKeeperUnavailable(MoroccronError):
    """ZooKeeper gave no answer for as long as one would wait."""


class Session:
    """Opened at once, connected when its server answers, until `close`."""

    def __init__(
        self, address: ZkAddress, timeout: float, on_state: Callable[[KazooState], None]
    ) -> None:
        self._address = address
        self._timeout = timeout
        self.granted = timeout  #: seconds of silence until the server gives us up
        credentials = [("digest", f"{address.user}:{address.password}")] if address.user else None
        self._client = KazooClient(
            hosts=",".join(address.hosts),
            timeout=timeout,
            auth_data=credentials,
            connection_retry={"max_tries": -1, "delay": 0.05, "max_delay": _SLOWEST_RECONNECT},
            logger=_kazoo_log,
        )
        self._listen_to_grants()
        self._client.add_listener(on_state)
        self._client.start_async()

    def _listen_to_grants(self) -> None:
        """The server may grant another timeout than was asked for. kazoo knows it and keeps it to itself."""
        connection: Any = self._client._connection
        invoke = connection._invoke

        def noting(*words: Any, **named: Any) -> Any:
            answer = invoke(*words, **named)
            if isinstance(answer, tuple) and getattr(answer[0], "time_out", 0) > 0:
                self.granted = answer[0].time_out / 1000
            return answer

        connection._invoke = noting

    @property
    def connected(self) -> bool:
        return bool(self._client.connected)

    def acl(self) -> Sequence[ACL]:
        """Ours to write and everybody's to read when we have a name, as Mesos does it; else open to all."""
        if self._address.user is None:
            return [make_acl("world", "anyone", all=True)]
        return [make_acl("auth", "", all=True), make_acl("world", "anyone", read=True)]

    def create(self, path: str, value: bytes, *, ephemeral: bool = False) -> str:
        """Make a node and its parents; an ephemeral one gets a number at its end. Its path."""
        asked = self._client.create_async(
            path, value, acl=self.acl(), ephemeral=ephemeral, sequence=ephemeral, makepath=True
        )
        return str(asked.get(timeout=self._timeout))

    def put(self, path: str, value: bytes) -> None:
        """Write a node that exists: a question to the whole ensemble, which only a live session may ask."""
        self._client.set_async(path, value).get(timeout=self._timeout)

    def delete(self, path: str) -> None:
        self._client.delete_async(path).get(timeout=self._timeout)

    def read(self, path: str) -> bytes:
        value, _ = self._client.get_async(path).get(timeout=self._timeout)
        return bytes(value)

    def children(self, path: str, on_change: Callable[[object], None]) -> list[str]:
        """Names below a path. `on_change` is called once, when they change or the connection breaks."""
        return list(self._client.get_children_async(path, on_change).get(timeout=self._timeout))

    def exists(self, path: str, on_change: Callable[[object], None]) -> bool:
        """Whether there is a node. `on_change` as for `children`."""
        return self._client.exists_async(path, on_change).get(timeout=self._timeout) is not None

    def close(self) -> None:
        """Say good-bye, which removes our ephemeral nodes at once; without a connection the timeout does."""
        # kazoo complains when it cannot end in time what it began; then the process's end will do so.
        with suppress(Exception):
            self._client.stop()
        with suppress(Exception):
            self._client.close()
