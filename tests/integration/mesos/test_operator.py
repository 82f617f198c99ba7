"""What an operator asks: of the master that leads, wherever the first one sends us; never without an answer."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from moroccron.adapters.mesos.masters import StaticMasters
from moroccron.adapters.mesos.operator import MasterRefuses, MasterUnavailable, Operator

Reply = tuple[int, dict[str, str], str]
NewMaster = Callable[[Reply], str]
KNOWN = json.dumps({"frameworks": [{"id": "f1"}], "completed_frameworks": [{"id": "f0"}]})


class Silent:
    """A detector that knows of nobody."""

    def watch(self, on_change: Callable[[str | None], None]) -> None:
        on_change(None)

    def failed(self, master: str) -> None: ...

    def stop(self) -> None: ...


@pytest.fixture
def new_master() -> Iterator[NewMaster]:
    """Begins masters that always answer the same; their address."""
    with ExitStack() as stack:

        def begin(reply: Reply) -> str:
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    self.rfile.read(int(self.headers.get("Content-Length", 0)))
                    status, headers, body = reply
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body.encode())

                do_POST = do_GET

                def log_message(self, *_: object) -> None: ...

            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            stack.callback(server.shutdown)
            return f"127.0.0.1:{server.server_port}"

        yield begin


def test_it_goes_where_it_is_sent(new_master: NewMaster) -> None:
    leader = new_master((200, {}, KNOWN))
    other = new_master((307, {"Location": f"//{leader}/frameworks"}, ""))
    assert Operator(StaticMasters([other])).framework("f1") == {"id": "f1"}
    assert Operator(StaticMasters([other])).framework("f0") == {"id": "f0"}
    assert Operator(StaticMasters([other])).framework("f2") is None


def test_masters_that_send_us_around(new_master: NewMaster) -> None:
    there = new_master((307, {"Location": "//127.0.0.1:1/"}, ""))
    with pytest.raises(MasterUnavailable, match="no answer from the master"):
        Operator(StaticMasters([there])).teardown("f1")


def test_a_refusal_is_told_in_the_masters_words(new_master: NewMaster) -> None:
    master = new_master((403, {}, "not authorized"))
    with pytest.raises(MasterRefuses, match="403 not authorized"):
        Operator(StaticMasters([master])).teardown("f1")


def test_the_next_of_a_list_when_one_is_down_or_not_ready(new_master: NewMaster) -> None:
    leader = new_master((200, {}, KNOWN))
    recovering = new_master((503, {}, "recovering"))
    masters = StaticMasters(["127.0.0.1:1", recovering, leader])
    assert Operator(masters).framework("f1") == {"id": "f1"}


def test_when_none_of_a_list_answers(new_master: NewMaster) -> None:
    recovering = new_master((503, {}, "recovering"))
    with pytest.raises(MasterUnavailable) as told:
        Operator(StaticMasters(["127.0.0.1:1", recovering])).teardown("f1")
    assert "no answer from the master 127.0.0.1:1" in str(told.value)
    assert f"the master {recovering} is not ready: recovering" in str(told.value)


def test_a_refusal_is_an_answer(new_master: NewMaster) -> None:
    first = new_master((403, {}, "not authorized"))
    second = new_master((200, {}, KNOWN))
    with pytest.raises(MasterRefuses):
        Operator(StaticMasters([first, second])).framework("f1")


def test_when_nobody_leads() -> None:
    with pytest.raises(MasterUnavailable, match="nobody names a leading master"):
        Operator(Silent(), patience=0.1).teardown("f1")
