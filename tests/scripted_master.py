"""A master that says what a test wants it to say: the exact order of events that a real one shows once a year."""

import json
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

from tests.waiting import until

STREAM = "Mesos-Stream-Id"


@dataclass(frozen=True)
class Request:
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def kind(self) -> str:
        return str(self.body["type"])


@dataclass
class Reply:
    """An answer that is no stream. `hold`: only given once this is set."""

    status: int = 202
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None


class Stream:
    """One subscription, from the master's side: what is put in goes out, None ends it."""

    def __init__(self, request: Request, number: int) -> None:
        self.request = request
        self.id = f"stream-{number}"
        self.pieces: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def send(self, event: dict[str, Any]) -> None:
        self.write(record(event))

    def write(self, data: bytes) -> None:
        """Bytes of the body, in a chunk of their own."""
        if data:
            self.pieces.put(b"%x\r\n%s\r\n" % (len(data), data))

    def raw(self, data: bytes) -> None:
        self.pieces.put(data)

    def close(self) -> None:
        self.pieces.put(None)


def record(event: dict[str, Any]) -> bytes:
    data = json.dumps(event).encode()
    return b"%d\n%s" % (len(data), data)


class ScriptedMaster:
    """Takes every subscription and every call, unless told otherwise."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        heartbeat: float = 15.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.heartbeat = heartbeat
        self.greets = True  #: whether a stream begins with SUBSCRIBED
        self.streams: list[Stream] = []
        self.calls: list[Request] = []
        self.updates: list[
            Request
        ] = []  #: calls of UPDATE_FRAMEWORK, which come with every return under an id
        self.on_update: Callable[[Request], Reply] = lambda _: Reply(200)
        self.gets: list[str] = []
        self.on_subscribe: Callable[[Request], Reply | None] = lambda _: None
        self.on_call: Callable[[Request], Reply] = lambda _: Reply()
        self.subscribes = 0
        self._numbers = count(1)
        self.closing = threading.Event()

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
            daemon_threads = True
            block_on_close = False

            def finish_request(server, request: Any, address: Any) -> None:
                if tls is None:
                    return super().finish_request(request, address)
                with tls.wrap_socket(request, server_side=True) as secured:
                    return super().finish_request(secured, address)

            def handle_error(server, request: Any, address: Any) -> None:
                if tls is None:
                    super().handle_error(request, address)  # else it is whoever does not trust us

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(handler) -> None:
                self._serve(handler)

            def do_GET(handler) -> None:
                self.gets.append(handler.path)
                handler.send_error(404)

            def log_message(handler, *_: object) -> None:
                pass

        self._server = Server((host, 0), Handler)
        port = self._server.server_address[1]
        self.netloc = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.address = f"https://{self.netloc}" if tls is not None else self.netloc
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        self.closing.set()
        for stream in self.streams:
            stream.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def close_the_door(self) -> None:
        """Take no new connection; those that are there go on."""
        self._server.shutdown()
        self._server.server_close()

    # ------------------------------------------------------------------ what a test asks

    def stream(self, number: int = 1) -> Stream:
        """The number-th subscription, once it is there."""
        until(lambda: len(self.streams) >= number, f"subscription {number}")
        return self.streams[number - 1]

    def call(self, kind: str, number: int = 1) -> Request:
        """The number-th call of a kind, once it is there."""

        def found() -> list[Request]:
            return [call for call in self.calls if call.kind == kind]

        until(lambda: len(found()) >= number, f"{kind} {number}; heard {self.kinds()}")
        return found()[number - 1]

    def kinds(self) -> list[str]:
        return [call.kind for call in self.calls]

    # ------------------------------------------------------------------ serving

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        request = Request(dict(handler.headers.items()), body)
        if request.kind == "UPDATE_FRAMEWORK":
            self.updates.append(request)
            self._reply(handler, self.on_update(request))
            return
        if request.kind != "SUBSCRIBE":
            self.calls.append(request)
            self._reply(handler, self.on_call(request))
            return
        self.subscribes += 1
        refusal = self.on_subscribe(request)
        if refusal is not None:
            self._reply(handler, refusal)
        else:
            self._stream(handler, request)

    def _reply(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        if reply.hold is not None:
            while not reply.hold.wait(0.01) and not self.closing.is_set():
                continue
        try:
            handler.send_response(reply.status)
            for name, value in reply.headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(reply.body)))
            handler.end_headers()
            handler.wfile.write(reply.body.encode())
        except OSError:
            handler.close_connection = True

    def _stream(self, handler: BaseHTTPRequestHandler, request: Request) -> None:
        stream = Stream(request, next(self._numbers))
        handler.close_connection = True
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.send_header(STREAM, stream.id)
        handler.end_headers()
        if self.greets:
            stream.send(subscribed(request, self.heartbeat))
        self.streams.append(stream)
        while (piece := stream.pieces.get()) is not None:
            try:
                handler.wfile.write(piece)
            except OSError:
                return


def subscribed(request: Request, heartbeat: float) -> dict[str, Any]:
    framework_id = request.body.get("framework_id", {"value": "given"})
    said = {"framework_id": framework_id, "heartbeat_interval_seconds": heartbeat}
    return {"type": "SUBSCRIBED", "subscribed": said | {"master_info": {"version": "1.11.0-rc1"}}}


def error(message: str) -> dict[str, Any]:
    return {"type": "ERROR", "error": {"message": message}}


@contextmanager
def scripted_master(**options: Any) -> Iterator[ScriptedMaster]:
    master = ScriptedMaster(**options)
    try:
        yield master
    finally:
        master.stop()
