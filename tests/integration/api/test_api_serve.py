"""Serving: a port that is taken, an address that is not ours, and a real server that ends when told to."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import urllib.request
from urllib.parse import urlsplit

import pytest

from moroccron.api.serve import CannotListen, PortInUse, address, listen
from tests.waiting import until

SERVER = """
from moroccron.api.app import create_app
from moroccron.api.serve import serve
from moroccron.bootstrap.previews import StoredPreviews
from moroccron.testing import MemoryStore
from moroccron.testing.world import TextLogs

store = MemoryStore()
app = create_app(store, store, TextLogs(lambda *_: b""), StoredPreviews(store), version="1")
serve(app, "127.0.0.1", 0, 2, ready=lambda url: print(url, flush=True))
print("ended", flush=True)
"""


def test_a_taken_port_is_named_with_the_remedy() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(PortInUse, match=rf"127\.0\.0\.1:{port} is taken.*set another port"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_that_is_not_ours(host: str) -> None:
    with pytest.raises(CannotListen, match="Set another host"):
        listen(host, 0)


def test_the_address_is_one_for_a_browser() -> None:
    with listen("0.0.0.0", 0) as listening:
        assert address(listening) == f"http://localhost:{listening.getsockname()[1]}/"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_ends_when_told_to_with_a_stream_open(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SERVER)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            with urllib.request.urlopen(f"{url}healthz", timeout=10) as response:
                assert response.read() == b"ok\n"
            with urllib.request.urlopen(f"{url}api/v1/events/stream", timeout=10) as stream:
                assert stream.readline().startswith(b"retry: ")
                process.send_signal(number)
                assert process.wait(20) == 0
            assert process.stdout.read() == "ended\n"
        finally:
            process.kill()


def test_streams_whose_readers_left_give_their_places_back() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVER.replace('version="1"', 'version="1", max_streams=1')],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            for _ in range(3):
                wait_for_stream(url)
        finally:
            process.terminate()
            process.wait(20)


def wait_for_stream(url: str) -> None:
    """Open the only stream there may be, and leave; until the last reader's place is free."""
    host = urlsplit(url)

    def opened() -> bool:
        with socket.create_connection((host.hostname, host.port), timeout=10) as talk:
            talk.sendall(b"GET /api/v1/events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            status = talk.recv(4096).split(b" ")[1]
        assert status in (b"200", b"503")
        return status == b"200"

    until(opened, "the place is given back")
