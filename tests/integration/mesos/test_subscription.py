"""The subscription against a scripted master: what is wrong with pymesos, one test each (P1 to P18), and more."""

import itertools
import logging
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moroccron.adapters.mesos.driver import MesosDriver
from moroccron.adapters.mesos.framework import Framework
from moroccron.adapters.mesos.masters import StaticMasters
from moroccron.model.effects import Reconcile, Revive, Suppress
from moroccron.model.events import Disconnected, OfferRescinded, StatusReceived, Subscribed
from moroccron.ports import DriverEnd
from tests.integration.mesos.conftest import HASTY, Connect
from tests.scripted_master import (
    Reply,
    ScriptedMaster,
    error,
    record,
    scripted_master,
    subscribed,
)
from tests.waiting import until


def rescind(name: str) -> dict:
    return {"type": "RESCIND", "rescind": {"offer_id": {"value": name}}}


def io_thread() -> threading.Thread:
    return next(t for t in threading.enumerate() if t.name == "Process IO")


class TestNothingTearsTheFrameworkDown:
    def test_a_listener_that_raises(self, master, connect):  # P1
        scheduler = connect(master.address)
        heard = []

        def emit(event):
            heard.append(event)
            raise RuntimeError("a bug of ours")

        scheduler.driver.start("f", emit)
        master.stream().send(rescind("one"))
        master.stream().send(rescind("two"))
        until(lambda: OfferRescinded("two") in heard, "both events")
        scheduler.driver.stop()
        assert (master.kinds(), len(master.streams)) == ([], 1)

    def test_messages_that_make_no_sense(self, master, connect):  # P2
        scheduler = connect(master.address).start()
        stream = master.stream()
        for message in (
            {},
            {"type": "UPDATE"},
            {"type": "OFFERS", "offers": {"offers": [7]}},
            {"type": "NEWS"},
        ):
            stream.send(message)
        stream.write(b"4\nnull" + b"2\n[]")
        stream.send(rescind("after"))
        scheduler.wait(lambda: scheduler.of(OfferRescinded), "what came after")
        assert len(master.streams) == 1

    def test_a_greeting_that_makes_no_sense_ends_the_connection(self, master, connect):
        # Else we would never be subscribed, and its heartbeats would keep us waiting.
        master.greets = False
        scheduler = connect(master.address).start()
        master.stream().send({"type": "SUBSCRIBED", "subscribed": {}})
        master.stream(2).send(subscribed(master.stream(2).request, 15.0))
        assert scheduler.subscribed()
        assert len(scheduler.of(Subscribed)) == 1

    def test_the_end_of_its_thread_is_the_end_of_the_scheduler(self):
        class Broken(StaticMasters):
            def failed(self, master: str) -> None:
                raise RuntimeError("a bug of ours")

        ends: list[tuple[DriverEnd, str]] = []
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            detector = Broken([f"127.0.0.1:{nobody.getsockname()[1]}"])
            driver = MesosDriver(
                detector, Framework(), on_end=lambda *end: ends.append(end), patience=HASTY
            )
            driver.start(None, lambda _: None)
            until(lambda: ends, "the end")
            driver.stop()
        ((end, message),) = ends
        assert end is DriverEnd.BROKEN
        assert "a bug of ours" in message

    def test_a_record_that_is_no_json_ends_the_connection_alone(self, master, connect):  # P2
        scheduler = connect(master.address).start()
        master.stream().write(b"3\n}{!")
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "a second subscription")
        assert scheduler.of(Disconnected)

    @pytest.mark.parametrize("status", [400, 401, 403, 500, 503])
    def test_a_refused_subscription(self, master, connect, status):  # P2
        master.on_subscribe = lambda _: Reply(status, "no") if master.subscribes < 3 else None
        scheduler = connect(master.address).start()
        assert scheduler.subscribed()
        assert not scheduler.of(Disconnected)

    def test_stopping(self, master, connect):  # P1
        scheduler = connect(master.address).start()
        scheduler.subscribed()
        scheduler.driver.stop()
        assert master.kinds() == []
        assert not scheduler.of(Disconnected)


class TestWaitingIsBounded:
    def test_a_call_that_nobody_answers(self, master, connect):  # P3
        hold = threading.Event()
        master.on_call = lambda _: Reply(hold=hold)
        scheduler = connect(master.address, patience=replace(HASTY, answer=0.2)).start()
        scheduler.subscribed()
        began = time.monotonic()
        scheduler.do(Reconcile())
        assert time.monotonic() - began < 0.1  # the engine does not wait
        event = scheduler.disconnected()
        assert "no answer to RECONCILE" in event.reason
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "a new subscription")

    def test_stopping_while_a_call_waits(self, master, connect):  # P3
        master.on_call = lambda _: Reply(hold=threading.Event())
        scheduler = connect(master.address, patience=replace(HASTY, answer=60.0)).start()
        scheduler.subscribed()
        scheduler.do(Reconcile())
        master.call("RECONCILE")
        began = time.monotonic()
        scheduler.driver.stop()
        assert time.monotonic() - began < 5

    def test_stopping_while_there_is_no_master(self, connect):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{nobody.getsockname()[1]}"
            scheduler = connect(address, patience=replace(HASTY, longest_pause=60, first_pause=60))
            scheduler.start()
            began = time.monotonic()
            scheduler.driver.stop()
            assert time.monotonic() - began < 5

    def test_a_silent_master_is_left(self, connect):  # P4
        with scripted_master(heartbeat=0.05) as master:
            scheduler = connect(master.address).start()
            event = scheduler.disconnected()
            assert "no word from the master for 0.2 s" in event.reason
            scheduler.wait(lambda: len(scheduler.of(Subscribed)) >= 2, "a new subscription")

    def test_any_event_counts_as_a_sign_of_life(self, connect):  # P4
        with scripted_master(heartbeat=0.1) as master:
            scheduler = connect(master.address).start()
            stream = master.stream()
            deadline = time.monotonic() + 0.8  # twice the silence that would end it
            for number in itertools.count(1):
                stream.send(rescind(str(number)))
                scheduler.wait(lambda n=number: len(scheduler.of(OfferRescinded)) >= n, "it")
                if time.monotonic() > deadline:
                    break
                threading.Event().wait(0.02)
            assert not scheduler.of(Disconnected)

    def test_a_master_that_takes_the_connection_and_says_nothing(self, master, connect):  # P4
        master.greets = False
        scheduler = connect(master.address, patience=replace(HASTY, answer=0.1)).start()
        until(lambda: len(master.streams) >= 3, "it tries again and again")
        assert not scheduler.events

    def test_a_master_that_does_not_even_answer_the_connection(self, connect):  # P17
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            port = listener.getsockname()[1]
            crowd = [socket.socket() for _ in range(4)]
            for one in crowd:
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", port))
            with scripted_master() as master:
                scheduler = connect(
                    f"127.0.0.1:{port},{master.address}", patience=replace(HASTY, connect=0.2)
                )
                assert scheduler.start().subscribed()
            for one in crowd:
                one.close()

    def test_the_detectors_thread_never_waits_for_the_master(self, master, connect):  # P9
        scheduler = connect(master.address).start()
        scheduler.subscribed()
        assert master.gets == []


class TestComingBack:
    def test_under_the_same_id(self, master, connect):
        scheduler = connect(master.address).start(None)
        master.stream().close()
        second = master.stream(2).request
        assert second.body["framework_id"] == {"value": "given"}
        assert second.body["subscribe"]["framework_info"]["id"] == {"value": "given"}
        assert "Mesos-Stream-Id" not in second.headers
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "Subscribed")
        kinds = [type(event) for event in scheduler.events]
        assert kinds == [Subscribed, Disconnected, Subscribed]

    def test_after_pauses_that_grow(self, master, connect):  # P5
        master.on_subscribe = lambda _: Reply(503, "recovering")
        patience = replace(HASTY, first_pause=0.05, longest_pause=10.0)
        scheduler = connect(master.address, patience=patience).start()
        threading.Event().wait(1.0)
        scheduler.driver.stop()
        assert 3 <= master.subscribes <= 6  # 0.05, 0.1, 0.2, 0.4, each from half to whole
        assert not scheduler.events

    @pytest.mark.parametrize(
        ("message", "end"),
        [
            ("Framework failed over", DriverEnd.FAILED_OVER),
            ("Framework has been removed", DriverEnd.REMOVED),
        ],
    )
    def test_not_after_a_last_word(self, master, connect, message, end):  # P5
        scheduler = connect(master.address).start()
        master.stream().send(error(message))
        master.stream().close()
        until(lambda: scheduler.ends, "the end")
        assert scheduler.ends == [(end, message)]
        assert scheduler.disconnected().reason == f"{end}: {message}"
        until(lambda: "Process IO" not in {t.name for t in threading.enumerate()}, "thread ended")
        assert len(master.streams) == 1
        assert len(scheduler.of(Disconnected)) == 1

    def test_after_any_other_error(self, master, connect):
        scheduler = connect(master.address).start()
        master.stream().send(error("Framework capacity exceeded"))
        assert "capacity exceeded" in scheduler.disconnected().reason
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "a new subscription")
        assert not scheduler.ends

    def test_lost_is_told_once_for_each_subscription(self, master, connect):  # P14
        master.on_subscribe = lambda _: Reply(503) if master.subscribes in (1, 2, 4, 5) else None
        scheduler = connect(master.address).start()
        master.stream(1).close()
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "Subscribed")
        assert len(scheduler.of(Disconnected)) == 1

    def test_a_master_named_anew_at_once_is_connected_anew(self, master, connect):  # P10
        scheduler = connect(master.address).start()
        scheduler.subscribed()
        scheduler.mesos._subscription.follow(None)
        scheduler.mesos._subscription.follow(master.address)
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "a new subscription")

    def test_without_a_leader_it_waits_for_one(self, master, connect):
        scheduler = connect(master.address).start()
        scheduler.subscribed()
        scheduler.mesos._subscription.follow(None)
        assert "no master leads" in scheduler.disconnected().reason
        with scripted_master() as other:
            scheduler.mesos._subscription.follow(other.address)
            assert other.stream()
        assert len(master.streams) == 1

    def test_suppressed_roles_stay_suppressed(self, master, connect):
        scheduler = connect(master.address, roles=("a", "b")).start()
        scheduler.subscribed()
        assert "suppressed_roles" not in master.stream().request.body["subscribe"]
        scheduler.do(Suppress())
        master.call("SUPPRESS")
        master.stream().close()
        assert master.stream(2).request.body["subscribe"]["suppressed_roles"] == ["a", "b"]
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "Subscribed")
        assert scheduler.of(Subscribed)[1].suppressed == {"a", "b"}
        scheduler.do(Revive())
        master.call("REVIVE")
        master.stream(2).close()
        assert "suppressed_roles" not in master.stream(3).request.body["subscribe"]

    def test_each_role_is_suppressed_by_itself(self, master, connect):
        scheduler = connect(master.address, roles=("a", "b", "c")).start()
        scheduler.subscribed()
        scheduler.do(Suppress(("a", "c")), Revive(("a",)))
        assert master.call("SUPPRESS").body["suppress"] == {"roles": ["a", "c"]}
        assert master.call("REVIVE").body["revive"] == {"roles": ["a"]}
        master.stream().close()
        assert master.stream(2).request.body["subscribe"]["suppressed_roles"] == ["c"]
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "Subscribed")
        assert scheduler.of(Subscribed)[1].suppressed == {"c"}


class TestMasters:
    def test_a_redirect_is_followed(self, master, connect):
        with scripted_master() as leader:
            where = {"Location": f"//{leader.address}"}
            master.on_subscribe = lambda _: Reply(307, headers=where)
            scheduler = connect(master.address).start()
            assert scheduler.subscribed()
            scheduler.do(Reconcile())
            leader.call("RECONCILE")
        assert master.kinds() == []

    def test_a_circle_of_redirects_is_left(self, master, connect):
        where = {"Location": f"http://{master.address}/api"}
        master.on_subscribe = lambda _: (
            Reply(307, headers=where) if master.subscribes < 20 else None
        )
        began = time.monotonic()
        scheduler = connect(master.address, patience=replace(HASTY, first_pause=0.2)).start()
        until(lambda: master.subscribes >= 6, "the first circle")
        threading.Event().wait(0.05)
        assert master.subscribes <= 7
        assert scheduler.subscribed()
        assert time.monotonic() - began > 0.1

    def test_the_next_of_a_list_when_one_is_down(self, master, connect):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            dead = f"127.0.0.1:{nobody.getsockname()[1]}"
            assert connect(f"{dead},{master.address}").start().subscribed()

    def test_an_ipv6_address(self, connect):  # P15
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("no IPv6 here")
        with scripted_master(host="::1") as master:
            scheduler = connect(master.address).start()
            scheduler.subscribed()
            scheduler.do(Reconcile())
            assert master.call("RECONCILE").headers["Host"] == master.address

    def test_a_name(self, master, connect):  # P15
        port = master.address.rpartition(":")[2]
        assert connect(f"localhost:{port}").start().subscribed()


class TestReading:
    @pytest.mark.parametrize("size", [1, 2, 3, 5, 11, 64])
    def test_records_split_anywhere(self, master, connect, size):
        scheduler = connect(master.address).start()
        data = b"".join(record(rescind(str(number))) for number in range(20))
        for at in range(0, len(data), size):
            master.stream().write(data[at : at + size])
        scheduler.wait(lambda: len(scheduler.of(OfferRescinded)) == 20, "all of them")
        ids = [event.offer_id for event in scheduler.of(OfferRescinded)]
        assert ids == [str(number) for number in range(20)]

    def test_a_record_cut_off_says_nothing(self, master, connect):
        scheduler = connect(master.address).start()
        master.stream().write(record(rescind("cut"))[:-3])
        master.stream().close()
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "a new subscription")
        assert not scheduler.of(OfferRescinded)

    def test_ten_megabytes(self, master, connect):
        scheduler = connect(master.address).start()
        master.stream().send({"type": "MESSAGE", "message": {"data": "x" * 10_000_000}})
        master.stream().send(rescind("after"))
        scheduler.wait(lambda: scheduler.of(OfferRescinded), "what came after")

    @settings(
        max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(garbage=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=5))
    def test_garbage_never_ends_the_thread(self, connect, garbage):
        with scripted_master() as master:
            scheduler = connect(master.address).start()
            scheduler.subscribed()
            stream = master.stream()
            for piece in garbage:
                stream.raw(piece)
            stream.close()
            scheduler.wait(lambda: len(scheduler.of(Subscribed)) >= 2, "a new subscription")
            scheduler.driver.stop()

    def test_more_files_than_select_can_count(self, master, connect):  # P16
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 1300:
            pytest.skip("this machine allows too few open files")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1300), hard))
        held = []
        try:
            while not held or held[-1].fileno() < 1100:
                held.append(socket.socket())
            scheduler = connect(master.address).start()
            scheduler.subscribed()
            scheduler.do(Reconcile())
            master.call("RECONCILE")
        finally:
            for one in held:
                one.close()
            scheduler.driver.stop()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class TestTheLibrary:
    def test_importing_it_takes_over_nothing(self):  # P13, P18
        script = """
import logging, signal, sys, threading
before = signal.getsignal(signal.SIGINT)
failed = []
def load():
    try:
        import moroccron.adapters.mesos.driver
    except BaseException as error:
        failed.append(error)
thread = threading.Thread(target=load)
thread.start()
thread.join()
assert not failed, failed
assert signal.getsignal(signal.SIGINT) is before
assert signal.signal is not None and signal.signal(signal.SIGINT, before) is before
log = logging.getLogger("pymesos")
assert not log.handlers and log.level == logging.NOTSET
assert "pymesos.subprocess" not in sys.modules
"""
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def test_its_own_calls_are_closed(self, master, connect):  # P6, P8
        scheduler = connect(master.address).start()
        scheduler.subscribed()
        with pytest.raises(TypeError, match="sender"):
            scheduler.mesos._subscription.killTask({"value": "t"})
        assert master.kinds() == []

    def test_it_only_claims_what_it_understands(self, master, connect):  # P7
        connect(master.address).start().subscribed()
        info = master.stream().request.body["subscribe"]["framework_info"]
        assert {"type": "GPU_RESOURCES"} not in info["capabilities"]

    def test_a_death_of_its_thread_would_not_interrupt_the_program(self, master, connect):  # P2
        before = signal.getsignal(signal.SIGINT)
        scheduler = connect(master.address).start()
        scheduler.wait(lambda: scheduler.of(Subscribed), "the first subscription")
        master.stream().raw(b"this is no chunk\r\n")
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "a new subscription")
        assert io_thread().is_alive()
        assert signal.getsignal(signal.SIGINT) is before
        assert logging.getLogger("pymesos").handlers == []

    def test_it_acknowledges_nothing_by_itself(self, master, connect):  # P12
        scheduler = connect(master.address).start()
        status = {
            "task_id": {"value": "t"},
            "agent_id": {"value": "a"},
            "state": "TASK_RUNNING",
            "uuid": "dXVpZA==",
        }
        master.stream().send({"type": "UPDATE", "update": {"status": status}})
        (update,) = scheduler.wait(lambda: scheduler.of(StatusReceived), "it")  # type: ignore[misc]
        assert master.kinds() == []
        scheduler.acknowledge(update)
        assert master.call("ACKNOWLEDGE").body["acknowledge"]["uuid"] == "dXVpZA=="


def test_the_scripted_master_is_a_master(master: ScriptedMaster, connect: Connect) -> None:
    assert connect(master.address).start(None).subscribed() == Subscribed("given")
