"""zk://[user:password@]host[:port],host[:port]/path: where something is kept in ZooKeeper. Pure.

The form is Mesos', so that an operator writes the same words for both. Must not know what is kept there.
"""

import re
from dataclasses import dataclass, field, replace

from moroccron.model.errors import MoroccronError

DEFAULT_PORT = 2181
_SCHEME = "zk://"
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::(\d{1,5}))?")
_EXAMPLE = "write zk://host1:2181,host2:2181/path, or zk://user:password@host/path"


class ZkAddressInvalid(MoroccronError):
    """Not an address in ZooKeeper. The message says what would do, and never shows a password."""


@dataclass(frozen=True, slots=True)
class ZkAddress:
    """Servers, a path without slash at its end, and who we are there."""

    hosts: tuple[str, ...]  #: each with its port
    path: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """For people and logs: without the password."""
        who = f"{self.user}:***@" if self.user is not None else ""
        return f"{_SCHEME}{who}{','.join(self.hosts)}{self.path}"

    def child(self, name: str) -> "ZkAddress":
        """A place below this one."""
        return replace(self, path=f"{self.path}/{name}")


def zk_address(text: str) -> ZkAddress:
    """Read an address, or raise `ZkAddressInvalid`."""
    if not text.startswith(_SCHEME):
        raise ZkAddressInvalid(f"an address in ZooKeeper begins with {_SCHEME}; {_EXAMPLE}")
    authority, slash, path = text.removeprefix(_SCHEME).partition("/")
    credentials, at, servers = authority.rpartition("@")
    user, password = _credentials(credentials) if at else (None, None)
    parts = path.removesuffix("/").split("/")
    if not slash or not all(parts) or {".", ".."} & set(parts):
        raise ZkAddressInvalid(f"the path in ZooKeeper is missing or odd; {_EXAMPLE}")
    hosts = tuple(_host(server.strip()) for server in servers.split(","))
    return ZkAddress(hosts, "/" + "/".join(parts), user, password)


def _credentials(text: str) -> tuple[str, str]:
    user, colon, password = text.partition(":")
    if not user or not colon:
        raise ZkAddressInvalid(f"user and password for ZooKeeper are not user:password; {_EXAMPLE}")
    return user, password


def _host(text: str) -> str:
    found = _HOST.fullmatch(text)
    port = int(found[2] or DEFAULT_PORT) if found else 0
    if found is None or not 0 < port < 65536:
        raise ZkAddressInvalid(f"{text!r} is no server of ZooKeeper; {_EXAMPLE}")
    return f"{found[1]}:{port}"
