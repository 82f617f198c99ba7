"""What agents say of logs, and what it means: gone is only what an agent says that it has not."""

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from moroccron.adapters.mesos.logs import AgentLogs
from moroccron.model.errors import LogUnavailable
from moroccron.model.outputs import FILE, MOST
from moroccron.model.run import Attempt
from moroccron.model.states import AttemptState
from moroccron.ports import LogChunk, Stream

NewAgent = Callable[[int, bytes], str]


@pytest.fixture
def new_agent() -> Iterator[NewAgent]:
    """Begins agents that always answer the same; their address."""
    with ExitStack() as stack:

        def begin(status: int, body: bytes) -> str:
            class Handler(BaseHTTPRequestHandler):
                def do_POST(self) -> None:
                    self.rfile.read(int(self.headers["Content-Length"]))
                    self.send_response(status)
                    self.end_headers()
                    self.wfile.write(body)

                def log_message(self, *_: object) -> None: ...

            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}/slave(1)"

        yield begin


def read(url: str | None) -> LogChunk:
    now = datetime.now(UTC)
    attempt = Attempt(
        "dag@run", "job", 1, AttemptState.RUNNING, now, sandbox="/s", agent_url=url, agent_id="a"
    )
    return AgentLogs(timeout=2.0).read(attempt, Stream.STDOUT, 0, 100)


def test_what_an_agent_has(new_agent: NewAgent) -> None:
    answer = {"read_file": {"data": base64.b64encode(b"said").decode(), "size": 4}}
    chunk = read(new_agent(200, json.dumps(answer).encode()))
    assert (chunk.data, chunk.size, chunk.gone) == (b"said", 4, False)


def test_what_it_says_that_it_has_not_is_gone(new_agent: NewAgent) -> None:
    assert read(new_agent(404, b"")).gone


def test_of_one_that_does_not_answer_nothing_is_known() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/slave(1)"
        with pytest.raises(LogUnavailable, match=r"does not answer: .*refused") as told:
            read(url)
    assert url in str(told.value)


def test_of_one_whose_address_is_not_known_it_is_not_gone_either() -> None:
    with pytest.raises(LogUnavailable, match="address of the agent a is not known"):
        read(None)


@pytest.mark.parametrize(
    ("status", "body", "what"),
    [
        (503, b"recovering", "answered 503 recovering"),
        (401, b"", "answered 401"),
        (200, b"<html>", "answered nonsense"),
        (200, b'{"read_file": {}}', "answered nonsense"),
    ],
)
def test_nor_is_it_when_the_answer_says_nothing_of_the_log(
    new_agent: NewAgent, status: int, body: bytes, what: str
) -> None:
    with pytest.raises(LogUnavailable, match=what):
        read(new_agent(status, body))


# ------------------------------------------------------------------ outputs


@pytest.fixture
def miser() -> Iterator[tuple[str, bytearray]]:
    """An agent that gives a kilobyte at a time of one file; its address, and the file."""
    content = bytearray()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["read_file"]
            known = asked["path"] == f"/s/{FILE}" and bool(content)
            self.send_response(200 if known else 404)
            self.end_headers()
            length = min(asked["length"], 1024)
            data = bytes(content[asked["offset"] : asked["offset"] + length])
            said = {"read_file": {"data": base64.b64encode(data).decode(), "size": len(content)}}
            self.wfile.write(json.dumps(said).encode() if known else b"")

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/slave(1)", content
        server.shutdown()


def read_output(url: str) -> bytes | None:
    now = datetime.now(UTC)
    attempt = Attempt(
        "dag@run", "job", 1, AttemptState.RUNNING, now, sandbox="/s", agent_url=url, agent_id="a"
    )
    return AgentLogs(timeout=2.0).read_output(attempt)


def test_an_output_is_read_to_its_end_in_as_many_pieces_as_it_takes(
    miser: tuple[str, bytearray],
) -> None:
    url, content = miser
    assert read_output(url) is None
    content += bytes(n % 256 for n in range(5000))
    assert read_output(url) == bytes(content)
    content += b"x" * (2 * MOST)
    assert read_output(url) == bytes(content[: MOST + 1])


def test_nothing_is_known_of_the_output_of_an_agent_that_does_not_answer(
    new_agent: NewAgent,
) -> None:
    with pytest.raises(LogUnavailable, match="answered 503"):
        read_output(new_agent(503, b""))
