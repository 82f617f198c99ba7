"""Connections to masters and agents, with TLS where their address says so.

What is wrong with trust is told as `Distrusted`, in words for an operator: to try again soon is of no use then.
Who is trusted is decided by whoever makes the SSLContext; without one it is whom this machine trusts.
"""

import errno
import http.client
import socket
import ssl
from functools import cache
from typing import Any

from moroccron.adapters.mesos.address import Address
from moroccron.model.errors import MoroccronError

_NO_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"}
)
_ALERT = b"\x15\x03"  #: how a TLS server answers whoever speaks no TLS


class Distrusted(MoroccronError):
    """The two ends do not come to trust each other, or only one of them speaks TLS."""


def connect(address: Address, timeout: float, tls: ssl.SSLContext | None) -> socket.socket:
    """A connection, with TLS agreed on if the address wants it. Raises OSError or `Distrusted`."""
    plain = socket.create_connection((address.host, address.port), timeout)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not address.secure:
        return plain
    try:
        return (tls or _usual()).wrap_socket(plain, server_hostname=address.host)
    except ssl.SSLError as error:
        plain.close()
        raise distrust(error) from error
    except OSError:
        plain.close()
        raise


@cache
def _usual() -> ssl.SSLContext:
    return ssl.create_default_context()


def distrust(error: ssl.SSLError) -> Distrusted:
    """What an error of TLS means for an operator, while both ends agree on it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Distrusted(
            f"its certificate is not trusted: {error.verify_message} (see tls_ca and tls_hostname)"
        )
    if isinstance(error, ssl.SSLEOFError) or error.reason in _NO_TLS:
        return Distrusted("it speaks no TLS, it seems; write http:// if that is meant")
    what = (error.reason or str(error)).replace("_", " ").lower()
    return Distrusted(f"TLS fails: {what} (see tls_ca, tls_cert and tls_key)")


class HttpConnection(http.client.HTTPConnection):
    """One that may speak TLS. Its requests raise OSError, HTTPException or `Distrusted`."""

    def __init__(self, address: Address, timeout: float, tls: ssl.SSLContext | None) -> None:
        super().__init__(address.host, address.port, timeout=timeout)
        self._address = address
        self._patience = timeout
        self._tls = tls

    def connect(self) -> None:
        self.sock = connect(self._address, self._patience, self._tls)

    def break_off(self) -> None:
        """From another thread: whoever waits for an answer waits no longer."""
        sock = self.sock
        if sock is not None:
            # Not SSLSocket's own, which drops the TLS state under the thread that reads.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


def hint(address: Address, error: Exception) -> str:
    """What may be behind an error that says nothing of TLS, such as a connection that ends."""
    if not isinstance(
        error, ConnectionResetError | BrokenPipeError | http.client.HTTPException | ssl.SSLError
    ):
        return ""
    return f"; {ENDED[address.secure]}"


#: by whether we speak TLS
ENDED = {
    True: "if it wants a certificate of ours, set tls_cert",
    False: "if it speaks TLS, write https://",
}


class Unblocked:
    """A connected socket that never waits, and says "not now" the same way with TLS as without."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._secure = isinstance(sock, ssl.SSLSocket)
        self._heard = self._secure
        sock.setblocking(False)

    def send(self, data: bytes) -> int:
        try:
            return self._sock.send(data)
        except ssl.SSLError as error:
            raise _not_now_or(error) from error

    def recv(self, size: int) -> bytes:
        if not self._heard:
            if self._sock.recv(len(_ALERT), socket.MSG_PEEK) == _ALERT:
                raise Distrusted("it speaks TLS; write https:// before its address")
            self._heard = True
        try:
            return self._sock.recv(size)
        except ssl.SSLEOFError:
            return b""
        except ssl.SSLError as error:
            raise _not_now_or(error) from error

    @property
    def pending(self) -> bool:
        """Whether there is more to read although the operating system says that there is not."""
        return isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0

    def fileno(self) -> int:
        return self._sock.fileno()

    def close(self) -> None:
        self._sock.close()


def _not_now_or(error: ssl.SSLError) -> Any:
    if isinstance(error, ssl.SSLWantReadError | ssl.SSLWantWriteError):
        return BlockingIOError(errno.EAGAIN, "not now")
    if isinstance(error, ssl.SSLEOFError):
        return BrokenPipeError(errno.EPIPE, "closed by the other end")
    return distrust(error)
