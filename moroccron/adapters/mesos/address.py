"""`HOST:PORT` or `https://HOST:PORT`, with an IPv6 address in brackets. Pure."""

from dataclasses import dataclass

DEFAULT_PORT = 5050  #: of a Mesos master
_SECURE, _PLAIN = "https://", "http://"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a master listens, and whether it speaks TLS there."""

    host: str
    port: int
    secure: bool = False

    @property
    def netloc(self) -> str:
        """`HOST:PORT`, as the header Host has it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{_SECURE if self.secure else ''}{self.netloc}"


def parse(text: str, secure: bool = False) -> Address:
    """An address, the master's usual port when none is named. Without a scheme, `secure` decides. ValueError."""
    for scheme in (_SECURE, _PLAIN):
        if text.lower().startswith(scheme):
            return _split(text[len(scheme) :].rstrip("/"), scheme == _SECURE)
    return _split(text, secure)


def _split(address: str, secure: bool) -> Address:
    host, colon, port = address.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = address, str(DEFAULT_PORT)
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"an IPv6 address stands in brackets: [{address}]:{DEFAULT_PORT}")
    if not host or "/" in host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"not a master's address: {address!r}; write HOST:PORT")
    return Address(host, int(port), secure)


def sent_on(by: Address, location: str) -> Address:
    """Where a redirect leads: `//HOST:PORT` stays with the scheme of whoever wrote it. ValueError."""
    scheme, separator, rest = location.rpartition("//")
    place = (rest if separator else location).partition("/")[0]
    there = parse(f"{scheme}//{place}" if scheme else place, by.secure)
    if by.secure and not there.secure:
        raise ValueError(f"{by} sends us on to {there}, without TLS; that is not followed")
    return there
