"""The parser under pymesos: one HTTP response, in whatever pieces it comes."""

import json

import pytest
from http_parser.http import HttpParser
from hypothesis import given
from hypothesis import strategies as st

RECORDS = b"".join(
    b"%d\n%s" % (len(text), text)
    for text in (json.dumps({"type": name}).encode() for name in ("SUBSCRIBED", "HEARTBEAT"))
)


def chunked(body: bytes, size: int) -> bytes:
    """The body in chunks of a size, with the last one."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def stream(size: int) -> bytes:
    head = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
        b"Mesos-Stream-Id: 130ae4e3\r\nContent-Type: application/json\r\n\r\n"
    )
    return head + chunked(RECORDS, size)


def feed(pieces: list[bytes]) -> tuple[HttpParser, bytes]:
    """A parser that took all pieces, and the body that it gave."""
    parser, body = HttpParser(), b""
    for piece in pieces:
        assert parser.execute(piece, len(piece)) == len(piece)
        if parser.is_partial_body():
            body += parser.recv_body()
        assert not parser.is_partial_body()
    return parser, body


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_records_come_whole_through_any_split(size: int) -> None:
    data = stream(size)
    for at in range(len(data) + 1):
        parser, body = feed([data[:at], data[at:]])
        assert body == RECORDS
        assert parser.is_message_complete()


def test_records_come_whole_byte_by_byte() -> None:
    parser, body = feed([bytes([byte]) for byte in stream(5)])
    assert body == RECORDS
    assert parser.is_message_complete()


def test_headers_are_known_before_the_end() -> None:
    data = stream(1000)
    parser = HttpParser()
    head = data.index(b"\r\n\r\n") + 4
    parser.execute(data[: head - 1], head - 1)
    assert not parser.is_headers_complete()
    assert parser.get_status_code() == 0
    parser.execute(data[head - 1 :], 1)
    assert parser.is_headers_complete()
    assert parser.get_status_code() == 200
    assert parser.is_chunked()
    assert parser.get_headers()["Mesos-Stream-Id"] == "130ae4e3"
    assert not parser.is_message_complete()


def test_a_redirect() -> None:
    data = (
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: //10.0.0.2:5050\r\nContent-Length: 0\r\n\r\n"
    )
    parser, body = feed([data])
    assert (parser.get_status_code(), body) == (307, b"")
    assert parser.get_headers()["Location"] == "//10.0.0.2:5050"
    assert parser.is_message_complete()
    assert not parser.is_chunked()


@pytest.mark.parametrize("code", [400, 401, 403, 500, 503])
def test_a_refusal_with_its_reason(code: int) -> None:
    reason = b"Framework is not subscribed"
    data = b"HTTP/1.1 %d No\r\nContent-Length: %d\r\n\r\n%s" % (code, len(reason), reason)
    for at in range(len(data) + 1):
        parser, body = feed([data[:at], data[at:]])
        assert (parser.get_status_code(), body) == (code, reason)
        assert parser.is_message_complete()


def test_a_body_that_ends_with_the_connection() -> None:
    parser, body = feed([b"HTTP/1.1 500 No\r\nConnection: close\r\n\r\n", b"it ", b"broke"])
    assert body == b"it broke"
    assert not parser.is_message_complete()


def test_only_the_named_length_is_read() -> None:
    parser = HttpParser()
    assert parser.execute(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100, 17) == 17
    assert not parser.is_headers_complete()


def test_a_header_sent_twice_keeps_both_values() -> None:
    parser, _ = feed([b"HTTP/1.1 401 No\r\nA: 1\r\nA: 2\r\nContent-Length: 0\r\n\r\n"])
    assert parser.get_headers()["A"] == "1, 2"


def test_nothing_is_taken_behind_the_end() -> None:
    parser, _ = feed([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
    assert parser.execute(b"more", 4) == 0
    assert parser.get_errno() == 0


def test_what_is_no_response_is_refused_for_good() -> None:
    parser = HttpParser()
    assert parser.execute(b"SSH-2.0-OpenSSH_9.2\r\n", 21) == 0
    assert parser.get_errno() == 1
    fine = b"HTTP/1.1 200 OK\r\n\r\n"
    assert parser.execute(fine, len(fine)) == 0


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_garbage_never_raises(pieces: list[bytes]) -> None:
    parser = HttpParser()
    for piece in pieces:
        assert parser.execute(piece, len(piece)) in (0, len(piece))
        parser.recv_body()


@given(st.data())
def test_a_damaged_stream_never_raises(data: st.DataObject) -> None:
    whole = bytearray(stream(9))
    for _ in range(data.draw(st.integers(1, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    parser = HttpParser()
    taken = parser.execute(bytes(whole), len(whole))
    assert taken in (0, len(whole))
    if taken == 0:
        assert parser.get_errno() == 1
