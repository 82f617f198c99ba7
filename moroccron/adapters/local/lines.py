"""JSON messages, one a line, over a socket that never blocks. Knows nothing of their meaning."""

import json
import socket
from typing import Any

Message = dict[str, Any]

_CHUNK = 262_144
#: made once, since `dumps` with options makes one per call
encode = json.JSONEncoder(separators=(",", ":")).encode
_decode = json.JSONDecoder().decode
_LONGEST_LINE = 16 * 1024 * 1024
LONGEST_BACKLOG = 64 * 1024 * 1024  #: unsent bytes; a peer that far behind has stopped reading


class LineConnection:
    """Reads whole messages, collects what is to be sent, and sends it in one go."""

    def __init__(self, connection: socket.socket, longest_backlog: float = LONGEST_BACKLOG) -> None:
        connection.setblocking(False)
        self.socket = connection
        self._input = b""
        self._queue: list[str] = []
        self._unsent = b""
        self._longest_backlog = longest_backlog

    def receive(self) -> list[Message] | None:
        """The messages that came; None when the peer is gone or talks nonsense."""
        try:
            data = self.socket.recv(_CHUNK)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        *lines, self._input = (self._input + data).split(b"\n")
        if len(self._input) > _LONGEST_LINE:
            return None
        try:
            messages = [_decode(line.decode()) for line in lines]
        except ValueError:
            return None
        return messages if all(isinstance(message, dict) for message in messages) else None

    def send(self, message: Message) -> None:
        """Queue a message until the next `flush`."""
        self._queue.append(encode(message))

    def flush(self) -> bool | None:
        """Send what is queued. True: all of it; False: call again once writable; None: the peer is gone."""
        if self._queue:
            self._queue.append("")
            self._unsent += "\n".join(self._queue).encode()
            self._queue = []
        if not self._unsent:
            return True
        try:
            sent = self.socket.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            return None
        self._unsent = self._unsent[sent:]
        if len(self._unsent) > self._longest_backlog:
            return None
        return not self._unsent

    def finish(self, patience: float) -> None:
        """Send what is left, for at most so many seconds, and close."""
        self.socket.settimeout(patience)
        while self.flush() is False:
            continue
        self.close()

    def close(self) -> None:
        self.socket.close()
