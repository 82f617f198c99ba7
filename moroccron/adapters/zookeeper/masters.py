"""What Mesos masters write into ZooKeeper, read without ZooKeeper. Pure.

Each master that would lead has a node `json.info_NNNNNNNNNN` with its MasterInfo as JSON; the lowest number
leads. Replicated logs register beside them (`log_replicas`), and so may others: none of our business.
"""

import json
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from typing import Any

from moroccron.model.errors import MoroccronError

_LABEL = "json.info_"


class MasterUnreadable(MoroccronError):
    """A node that should tell of a master does not."""


def leading(names: Iterable[str]) -> str | None:
    """The node of the master that leads; None: there is none."""
    numbers = {name.removeprefix(_LABEL): name for name in names if name.startswith(_LABEL)}
    lowest = min((text for text in numbers if text.isdecimal()), key=int, default=None)
    return numbers[lowest] if lowest is not None else None


def endpoint(value: bytes, secure: bool = False) -> str:
    """`HOST:PORT` of a MasterInfo, or `https://HOST:PORT`.

    The number of its machine rather than its name, which may mean nothing here; but with TLS the name, which is
    what certificates are made out for.
    """
    try:
        info = json.loads(value)
        address = info.get("address") or info
        host = _host(info, address, secure)
        port = int(address["port"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MasterUnreadable(f"not a MasterInfo: {value[:200]!r}") from error
    return f"{'https://' if secure else ''}{host}:{port}"


def _host(info: dict[str, Any], address: dict[str, Any], named: bool) -> str:
    # At the top `ip` is a number in the byte order of the machine that wrote it: the name is better.
    number = address.get("ip") if address is not info else None
    name = address.get("hostname") or info.get("hostname")
    text = (name or number) if named else (number or name)
    if not isinstance(text, str) or not text:
        raise ValueError("no host")
    try:
        return f"[{text}]" if isinstance(ip_address(text), IPv6Address) else text
    except ValueError:
        return text
