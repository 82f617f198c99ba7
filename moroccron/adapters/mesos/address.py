"""`HOST:PORT`, with an IPv6 address in brackets. Pure."""

DEFAULT_PORT = 5050  #: of a Mesos master


def split(address: str) -> tuple[str, int]:
    """Host and port, the master's usual one when none is named. Raises ValueError."""
    host, colon, port = address.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = address, str(DEFAULT_PORT)
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"an IPv6 address stands in brackets: [{address}]:{DEFAULT_PORT}")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"not a master's address: {address!r}; write HOST:PORT")
    return host, int(port)


def join(host: str, port: int) -> str:
    """The address as text."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
