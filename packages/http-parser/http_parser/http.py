"""`HttpParser`, fed with the bytes of one HTTP response as they come in.

The interface is that of http-parser 0.9 as far as pymesos calls it. What comes after a failure, or after the
response's end, is not taken: `execute` then returns less than it was given.
"""

import httptools


class HttpParser:
    """One response. Feed it with `execute`, then ask."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._headers_complete = False
        self._message_complete = False
        self._failed = False

    def execute(self, data: bytes, length: int) -> int:
        """Parse the first `length` bytes; how many of them were taken."""
        if self._failed or self._message_complete:
            return 0
        try:
            self._parser.feed_data(data[:length])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            # Bytes behind a complete response are no fault of the response.
            self._failed = not self._message_complete
            return 0 if self._failed else length
        return length

    def get_errno(self) -> int:
        """0, or 1 once something was no HTTP response."""
        return int(self._failed)

    def is_headers_complete(self) -> bool:
        return self._headers_complete

    def is_message_complete(self) -> bool:
        return self._message_complete

    def is_chunked(self) -> bool:
        """Whether the body comes in chunks."""
        codings = self._header("transfer-encoding").lower().split(",")
        return codings[-1].strip() == "chunked"

    def is_partial_body(self) -> bool:
        """Whether there is body that was not received yet."""
        return bool(self._body)

    def get_status_code(self) -> int:
        return int(self._parser.get_status_code()) if self._headers_complete else 0

    def get_headers(self) -> dict[str, str]:
        """Headers by the name they were sent with; one sent twice has both values, joined by a comma."""
        return dict(self._headers)

    def recv_body(self) -> bytes:
        """The body that came since the last call, without the chunks' frames."""
        body = b"".join(self._body)
        self._body.clear()
        return body

    def _header(self, wanted: str) -> str:
        return next((v for name, v in self._headers.items() if name.lower() == wanted), "")

    # ------------------------------------------------------------------ called by httptools

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        self._headers_complete = True

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        self._message_complete = True
