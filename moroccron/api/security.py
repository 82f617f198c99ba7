"""What keeps a stranger's page from acting through a reader's browser.

There is no authentication yet: whoever reaches the port may do everything. What is guarded is the browser of
somebody who does reach it: no cross-site POST, no foreign host name (DNS rebinding), no markup from authors.
"""

import ipaddress
import socket
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask, Response, request

from moroccron.api.problems import Refused

_CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """Checks each request before its view, and marks each response after it."""

    def __init__(self, app: Flask, hosts: frozenset[str]) -> None:
        own = socket.gethostname().lower()
        self._hosts = {"localhost", own, own.partition(".")[0], *(host.lower() for host in hosts)}
        app.before_request(self.check)
        app.after_request(self.mark)

    def check(self) -> None:
        """Refuse a foreign host name, and a change that another site asks for."""
        if not self._is_ours(request.host):
            raise Refused(
                HTTPStatus.MISDIRECTED_REQUEST,
                f"This server is not called {request.host!r}.",
                "Use its address or localhost, or start the web with this name as its host.",
            )
        if request.method not in _SAFE and not _from_here():
            raise Refused(
                HTTPStatus.FORBIDDEN,
                "Another site asked for this change.",
                "Do it from moroccron's own pages, or without a browser.",
            )

    def mark(self, response: Response) -> Response:
        """Tell the browser how little it may do with what we send."""
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-cache")
        return response

    def _is_ours(self, host: str) -> bool:
        name = (urlsplit(f"//{host}").hostname or "").lower()
        return name in self._hosts or name.endswith(".localhost") or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _from_here() -> bool:
    """Browsers tell where a POST comes from; whoever tells nothing is no browser."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host
