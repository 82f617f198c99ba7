"""TLS to masters and agents: who is trusted, what is told when somebody is not, and that nothing is stuck in it."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from moroccron.adapters.mesos.logs import AgentLogs
from moroccron.adapters.mesos.masters import StaticMasters
from moroccron.adapters.mesos.operator import MasterUnavailable, Operator
from moroccron.bootstrap.tls import build_tls
from moroccron.model.effects import Acknowledge, Kill, Reconcile
from moroccron.model.errors import LogUnavailable
from moroccron.model.events import OfferRescinded, Subscribed
from moroccron.model.run import Attempt
from moroccron.model.states import AttemptState
from moroccron.ports import Stream
from moroccron.settings import Settings
from tests.authority import Authority
from tests.integration.mesos.conftest import HASTY
from tests.scripted_master import Reply, ScriptedMaster, record, scripted_master
from tests.waiting import until

SLOW = replace(HASTY, longest_pause=60.0)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def secured(authority: Authority) -> Iterator[ScriptedMaster]:
    with scripted_master(tls=authority.server()) as master:
        yield master


def rescind(name: str) -> dict:
    return {"type": "RESCIND", "rescind": {"offer_id": {"value": name}}}


class TestTrusted:
    def test_events_come_and_calls_go(self, secured, connect, authority):
        scheduler = connect(secured.address, tls=authority.client()).start()
        scheduler.subscribed()
        for number in range(50):
            scheduler.do(Kill(f"t{number}", "a", 1.0), Acknowledge(f"t{number}", "a", "u"))
        scheduler.do(Reconcile())
        assert secured.call("RECONCILE").headers["Host"] == secured.netloc
        assert secured.stream().request.headers["Host"] == secured.netloc
        assert secured.kinds() == [*["KILL", "ACKNOWLEDGE"] * 50, "RECONCILE"]
        assert len(secured.streams) == 1

    @pytest.mark.parametrize("size", [1000, 4000, 5000, 16000, 17000, 24000])
    def test_whatever_the_size_of_what_is_sent_at_once(self, secured, connect, authority, size):
        # pymesos reads 4096 bytes; a record of TLS holds 16384, of which the rest is with us and not with the
        # operating system, which therefore has nothing more to tell of.
        scheduler = connect(secured.address, tls=authority.client()).start()
        for turn in range(1, 4):
            names = [f"{turn}-{number}" for number in range(size // 50)]
            secured.stream().write(b"".join(record(rescind(name)) for name in names))
            count = turn * len(names)
            scheduler.wait(lambda n=count: len(scheduler.of(OfferRescinded)) == n, "all of them")

    def test_ten_megabytes(self, secured, connect, authority):
        scheduler = connect(secured.address, tls=authority.client()).start()
        secured.stream().send({"type": "MESSAGE", "message": {"data": "x" * 10_000_000}})
        secured.stream().send(rescind("after"))
        scheduler.wait(lambda: scheduler.of(OfferRescinded), "what came after")

    def test_stopping_while_a_call_waits(self, secured, connect, authority):
        secured.on_call = lambda _: Reply(hold=threading.Event())
        patience = replace(HASTY, answer=600.0)
        scheduler = connect(secured.address, tls=authority.client(), patience=patience).start()
        scheduler.subscribed()
        scheduler.do(Reconcile())
        secured.call("RECONCILE")
        scheduler.driver.stop()
        assert "mesos-sender" not in {thread.name for thread in threading.enumerate()}

    def test_a_connection_that_ends_is_made_anew(self, secured, connect, authority):
        scheduler = connect(secured.address, tls=authority.client()).start()
        secured.stream().close()
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "a new subscription")

    def test_we_show_who_we_are_when_asked(self, connect, authority, tmp_path):
        trusted, own = authority.files(tmp_path)
        tls = build_tls(Settings(tls_ca=str(trusted), tls_cert=str(own)))
        with scripted_master(tls=authority.server(asks=True)) as master:
            scheduler = connect(master.address, tls=tls).start()
            scheduler.subscribed()
            scheduler.do(Reconcile())
            assert master.call("RECONCILE")


class TestRedirects:
    def test_without_a_scheme_stay_with_tls(self, secured, connect, authority):
        with scripted_master(tls=authority.server()) as leader:
            secured.on_subscribe = lambda _: Reply(307, headers={"Location": f"//{leader.netloc}"})
            scheduler = connect(secured.address, tls=authority.client()).start()
            scheduler.subscribed()
            scheduler.do(Reconcile())
            leader.call("RECONCILE")

    def test_to_https_are_followed(self, secured, master, connect, authority):
        master.on_subscribe = lambda _: Reply(307, headers={"Location": f"{secured.address}/api"})
        scheduler = connect(master.address, tls=authority.client()).start()
        scheduler.subscribed()
        scheduler.do(Reconcile())
        secured.call("RECONCILE")

    def test_away_from_tls_are_not(self, secured, master, connect, authority, caplog):
        where = {"Location": f"http://{master.netloc}"}
        secured.on_subscribe = lambda _: (
            Reply(307, headers=where) if secured.subscribes < 3 else None
        )
        connect(secured.address, tls=authority.client()).start().subscribed()
        assert f"sends us on to {master.netloc}, without TLS" in caplog.text
        assert not master.streams

    def test_that_go_on_and_on_are_told(self, secured, connect, authority, caplog):
        where = {"Location": f"//{secured.netloc}"}
        secured.on_subscribe = lambda _: Reply(307, headers=where)
        scheduler = connect(secured.address, tls=authority.client(), patience=SLOW).start()
        until(lambda: "sent on 5 times, at last to" in caplog.text, "it gives up")
        scheduler.driver.stop()
        assert secured.subscribes == 6


#: what is wrong, and what is said of it
STRANGERS = {
    "another authority": "its certificate is not trusted: unable to get local issuer",
    "another name": "its certificate is not trusted: IP address mismatch",
    "no TLS there": "it speaks no TLS, it seems; write http://",
    "TLS there": "speaks TLS",
}


@pytest.fixture(params=list(STRANGERS))
def stranger(request, authority, master):
    """The address of a master with whom we do not come together, whom we trust, and what is to be said of it."""
    with ExitStack() as stack:

        def begun(context) -> ScriptedMaster:
            return stack.enter_context(scripted_master(tls=context))

        match request.param:
            case "another authority":
                server = begun(Authority().server())
            case "another name":
                server = begun(authority.server("elsewhere.example"))
            case "no TLS there":
                server = master
                server.address = f"https://{master.netloc}"
            case _:
                server = begun(authority.server())
                server.address = server.netloc
        yield server, STRANGERS[request.param]


class TestDistrusted:
    def test_a_master_is_told_and_asked_again_slowly(self, stranger, connect, authority, caplog):
        server, said = stranger
        scheduler = connect(server.address, tls=authority.client(), patience=SLOW).start()
        until(lambda: said in caplog.text, f"{said!r} in {caplog.text}")
        scheduler.driver.stop()
        assert not scheduler.events
        assert not scheduler.refusals
        assert caplog.text.count("not subscribed to") == 1

    def test_a_master_that_wants_to_know_us_first(self, connect, authority, caplog):
        # By its alert, or, where its farewell overtook it, by the end of the connection.
        with scripted_master(tls=authority.server(asks=True)) as master:
            scheduler = connect(master.address, tls=authority.client()).start()
            until(lambda: "tls_cert" in caplog.text, "the remedy")
            assert not scheduler.events
            operator = Operator(StaticMasters([master.address]), tls=authority.client())
            with pytest.raises(MasterUnavailable, match="tls_cert"):
                operator.framework("f1")

    def test_the_next_of_a_list_is_tried(self, secured, connect, authority):
        with scripted_master(tls=Authority().server()) as other:
            both = f"{other.address},{secured.address}"
            connect(both, tls=authority.client()).start().subscribed()

    def test_an_operator_is_told(self, stranger, authority):
        server, said = stranger
        operator = Operator(StaticMasters([server.address]), tls=authority.client(), patience=5.0)
        with pytest.raises(MasterUnavailable) as told:
            operator.framework("f1")
        assert said in str(told.value)

    def test_names_may_be_ignored(self, connect, authority, tmp_path):
        trusted, _ = authority.files(tmp_path)
        tls = build_tls(Settings(tls_ca=str(trusted), tls_hostname="ignore"))
        with scripted_master(tls=authority.server("elsewhere.example")) as master:
            assert connect(master.address, tls=tls).start().subscribed()


class TestAgents:
    """Their logs, by `https` when the agent's own address says so."""

    @pytest.fixture
    def agent(self, authority) -> Iterator[str]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                data = base64.b64encode(self.headers["Authorization"].encode()).decode()
                body = json.dumps({"read_file": {"data": data, "size": 8}}).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        class Server(ThreadingHTTPServer):
            def finish_request(self, request: Any, address: Any) -> None:
                with context.wrap_socket(request, server_side=True) as secured:
                    super().finish_request(secured, address)

            def handle_error(self, *_: object) -> None: ...

        context = authority.server()
        with Server(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            yield f"https://127.0.0.1:{server.server_port}/slave(1)"
            server.shutdown()

    def attempt(self, url: str) -> Attempt:
        now = datetime.now(UTC)
        where = {"sandbox": "/s", "agent_url": url, "agent_id": "a"}
        return Attempt("dag@run", "job", 1, AttemptState.RUNNING, now, **where)  # type: ignore[arg-type]

    def test_are_read(self, agent, authority):
        tokens = iter(["Bearer 1", "Bearer 2"])
        logs = AgentLogs(lambda: next(tokens), tls=authority.client())
        assert logs.read(self.attempt(agent), Stream.STDOUT, 0, 100).data == b"Bearer 1"
        assert logs.read(self.attempt(agent), Stream.STDOUT, 0, 100).data == b"Bearer 2"

    def test_of_one_who_is_not_trusted_are_not_gone_but_refused(self, agent):
        with pytest.raises(LogUnavailable, match="certificate is not trusted"):
            AgentLogs(tls=Authority().client()).read(self.attempt(agent), Stream.STDOUT, 0, 100)
