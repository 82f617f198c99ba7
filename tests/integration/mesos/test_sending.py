"""Calls against a scripted master: their order, what becomes of each, and that none goes astray."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from moroccron.adapters.mesos.credentials import basic, bearer
from moroccron.adapters.mesos.line import Line
from moroccron.adapters.mesos.outcome import NotConnected, Outcome, Rejected, Sent, Unknown
from moroccron.adapters.mesos.sender import Call, Sender
from moroccron.model.effects import (
    Accept,
    AcceptInverse,
    Acknowledge,
    Decline,
    Kill,
    Reconcile,
    Revive,
    Suppress,
)
from moroccron.model.errors import MoroccronError
from moroccron.model.events import (
    Disconnected,
    Event,
    InverseOfferRescinded,
    InverseOffersReceived,
    OfferRescinded,
    OffersReceived,
    StatusReceived,
    Subscribed,
)
from moroccron.model.failure import FailureClass, class_of
from moroccron.model.offer import Launch
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey
from moroccron.model.states import ReportedState
from moroccron.ports import DriverEnd
from tests.integration.mesos.conftest import HASTY, Connected
from tests.scripted_master import Reply, Request, ScriptedMaster, error
from tests.waiting import until

FOREIGN = (
    "The stream ID 'a' included in this request didn't match the stream ID currently associated "
    "with framework ID f"
)


def launch(task_id: str) -> Launch:
    key = AttemptKey("dag@run", "job", 1)
    return Launch(task_id, key, "agent", "true", Resources(cpus=100, mem=10))


def offer(offer_id: str, cpus: float = 1.0) -> dict[str, Any]:
    allocation = {"allocation_info": {"role": "moroccron"}}
    amounts = (("cpus", cpus), ("mem", 1000.0))
    return {
        "id": {"value": offer_id},
        "agent_id": {"value": "agent"},
        "hostname": "here",
        "resources": [
            {"name": name, "type": "SCALAR", "scalar": {"value": value}} | allocation
            for name, value in amounts
        ],
        **allocation,
    }


def offered(master: ScriptedMaster, scheduler: Connected, *offers: dict[str, Any]) -> None:
    """The newest subscription gets offers, and has heard of them."""
    before = len(scheduler.of(OffersReceived))
    message = {"type": "OFFERS", "offers": {"offers": list(offers)}}
    master.streams[-1].send(message)
    scheduler.wait(lambda: len(scheduler.of(OffersReceived)) > before, "the offers")


def tasks_of(call: Request) -> list[str]:
    accept = call.body["accept"]
    infos = [info for part in accept["operations"] for info in part["launch"]["task_infos"]]
    return [info["task_id"]["value"] for info in infos]


def cannot_read(task_id: str, call: Request) -> Reply:
    """As a master answers that cannot read one of the tasks: nothing of the call is done."""
    bad = call.kind == "ACCEPT" and task_id in tasks_of(call)
    return Reply(400, "Failed to convert JSON into Call protobuf") if bad else Reply()


@pytest.fixture
def send(master: ScriptedMaster) -> Iterator[Callable[..., Outcome]]:
    """What becomes of a RECONCILE, for a subscription that holds or another."""
    line = Line(master.address, "f", "s", 1)
    sender = Sender(lambda: line, replace(HASTY, answer=0.1))
    sender.start()

    def sent(of: Line = line) -> Outcome:
        told: list[Outcome] = []
        body = {"type": "RECONCILE", "reconcile": {}}
        sender.put(Call(of, body, lambda _, outcome: told.append(outcome)))
        until(lambda: told, "an outcome")
        return told[0]

    yield sent
    sender.stop()


class TestOrder:
    def test_is_kept_over_all_kinds_and_threads(self, master, connect):
        scheduler = connect(master.address).start()
        scheduler.subscribed()
        scheduler.do(Decline(("o",), 1.0), Suppress(), Revive())
        for number in range(50):
            scheduler.do(Kill(f"t{number}", "a", 1.0), Acknowledge(f"t{number}", "a", "u"))
        scheduler.do(Reconcile())
        master.call("RECONCILE")
        expected = ["DECLINE", "SUPPRESS", "REVIVE", *["KILL", "ACKNOWLEDGE"] * 50, "RECONCILE"]
        assert master.kinds() == expected
        killed = [c.body["kill"]["task_id"]["value"] for c in master.calls if c.kind == "KILL"]
        assert killed == [f"t{number}" for number in range(50)]

    def test_each_call_names_framework_and_stream(self, master, connect):
        scheduler = connect(master.address).start("mine")
        scheduler.subscribed()
        scheduler.do(Reconcile())
        call = master.call("RECONCILE")
        assert call.body["framework_id"] == {"value": "mine"}
        assert call.headers["Mesos-Stream-Id"] == master.stream().id

    def test_an_accept_carries_all_its_tasks(self, master, connect):
        scheduler = connect(master.address).start()
        scheduler.subscribed()
        offered(master, scheduler, offer("o1"), offer("o2"))
        scheduler.do(Accept(("o1", "o2"), tuple(launch(f"t{n}") for n in range(3)), 0.0))
        accept = master.call("ACCEPT").body["accept"]
        assert len(accept["offer_ids"]) == 2
        assert len(accept["operations"][0]["launch"]["task_infos"]) == 3
        assert accept["filters"] == {"refuse_seconds": 0.0}


class TestHeaders:
    def test_of_one_framework_never_reach_another(self, master, connect):  # P11
        first = connect(master.address, authorization=lambda: basic("p1", "s1")).start("one")
        second = connect(master.address).start("two")
        for scheduler in (first, second):
            scheduler.subscribed()
            scheduler.do(Reconcile())
        master.call("RECONCILE", 2)
        by_id = {call.body["framework_id"]["value"]: call.headers for call in master.calls}
        assert by_id["one"]["Authorization"] == "Basic cDE6czE="
        assert "Authorization" not in by_id["two"]
        assert by_id["one"]["Mesos-Stream-Id"] != by_id["two"]["Mesos-Stream-Id"]

    def test_the_subscription_is_authenticated_too(self, master, connect):
        connect(master.address, authorization=lambda: basic("p1", "s1")).start().subscribed()
        assert master.stream().request.headers["Authorization"] == "Basic cDE6czE="

    def test_who_we_are_is_asked_anew_for_each_subscription(self, master, connect):
        tokens = iter(["old", "new"])
        master.on_call = lambda call: (
            Reply(401) if call.headers["Authorization"] == "Bearer old" else Reply()
        )
        scheduler = connect(master.address, authorization=lambda: bearer(next(tokens))).start()
        scheduler.subscribed()
        scheduler.do(Reconcile())  # the token has run out: the master refuses it from now on
        assert "answered by 401" in scheduler.disconnected().reason
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "a new subscription")
        scheduler.do(Revive())
        assert master.call("REVIVE").headers["Authorization"] == "Bearer new"
        assert master.stream(2).request.headers["Authorization"] == "Bearer new"
        assert not scheduler.refusals

    def test_what_cannot_be_read_is_tried_again(self, master, connect):
        class Unreadable(MoroccronError):
            """As when the file is away for a moment."""

        found = iter([Unreadable("no file"), None])

        def read() -> str:
            if error := next(found):
                raise error
            return bearer("there")

        connect(master.address, authorization=read).start().subscribed()
        assert master.stream().request.headers["Authorization"] == "Bearer there"

    def test_a_secret_shows_in_nothing_that_is_told_of_a_subscription(self):
        assert "aHVzaA" not in repr(Line("m", "f", "s", 1, "Basic aHVzaA"))


class TestOutcomes:
    @pytest.mark.parametrize("status", [200, 202])
    def test_sent(self, master, send, status):
        master.on_call = lambda _: Reply(status)
        assert send() == Sent()

    def test_not_connected(self, master, send):  # P8
        assert isinstance(send(Line(master.address, "f", "s", 1, "another")), NotConnected)
        assert master.kinds() == []

    def test_not_connected_when_nobody_is_there(self, master, send):
        master.close_the_door()
        outcome = send()
        assert isinstance(outcome, NotConnected)
        assert "cannot connect" in outcome.why

    def test_rejected(self, master, send):
        master.on_call = lambda _: Reply(400, "no")
        assert send() == Rejected(400, "no")

    def test_unknown(self, master, send):
        master.on_call = lambda _: Reply(hold=threading.Event())
        assert isinstance(send(), Unknown)

    def test_trouble_that_nobody_foresaw_is_as_good_as_no_answer(self, master, connect):
        tokens = iter(["\u20ac", "plain"])  # the first is nothing that a header can carry
        scheduler = connect(master.address, authorization=lambda: bearer(next(tokens))).start(None)
        scheduler.subscribed()
        scheduler.do(Reconcile())
        assert "no answer to RECONCILE: unforeseen" in scheduler.disconnected().reason
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "a new subscription")
        scheduler.do(Revive())
        assert master.call("REVIVE").headers["Authorization"] == "Bearer plain"
        assert not scheduler.ends

    def test_the_end_of_its_thread_is_the_end_of_the_scheduler(self, master, connect):
        def emit(event: Event) -> None:
            if isinstance(event, StatusReceived):
                raise SystemExit  # no ordinary exception

        scheduler = connect(master.address)
        scheduler.driver.start("f", emit)
        until(lambda: scheduler.mesos._subscription.line, "a subscription")
        master.on_call = lambda call: cannot_read("t", call)
        master.streams[-1].send({"type": "OFFERS", "offers": {"offers": [offer("o")]}})
        until(lambda: len(scheduler.mesos._book), "the offer")
        scheduler.do(Accept(("o",), (launch("t"),), 0.0))
        until(lambda: scheduler.ends, "the end")
        ((end, message),) = scheduler.ends
        assert end is DriverEnd.BROKEN
        assert "the sender's thread ended" in message

    def test_nothing_of_an_old_subscription_goes_out_under_a_new_one(self, master, connect):
        hold = threading.Event()
        scheduler = connect(master.address).start()
        scheduler.subscribed()
        master.on_call = lambda _: Reply(hold=hold)
        scheduler.do(Reconcile(), *(Kill(f"t{n}", "a", 1.0) for n in range(20)))
        master.call("RECONCILE")
        master.stream().close()
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "a new subscription")
        hold.set()
        scheduler.do(Revive())
        assert master.call("REVIVE").headers["Mesos-Stream-Id"] == master.stream(2).id
        assert "KILL" not in master.kinds()

    def test_a_call_that_cannot_go_out_gives_the_subscription_up(self, master, connect):
        scheduler = connect(master.address).start(None)
        scheduler.subscribed()
        master.close_the_door()
        scheduler.do(Revive())
        assert "REVIVE dropped: cannot connect" in scheduler.disconnected().reason

    def test_an_unknown_accept_is_not_sent_again(self, master, connect):
        answers = [Reply(hold=threading.Event())]
        scheduler = connect(master.address, patience=replace(HASTY, answer=0.1)).start()
        scheduler.subscribed()
        master.on_call = lambda _: answers.pop() if answers else Reply()
        offered(master, scheduler, offer("o"))
        scheduler.do(Accept(("o",), (launch("t"),), 0.0))
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "a new subscription")
        scheduler.do(Reconcile())
        master.call("RECONCILE")
        assert master.kinds() == ["ACCEPT", "RECONCILE"]


class TestRefusals:
    def test_that_are_the_end(self, master, connect):
        scheduler = connect(master.address).start()
        scheduler.subscribed()
        master.on_call = lambda _: Reply(400, FOREIGN)
        scheduler.do(Reconcile(), Revive(), Reconcile())
        until(lambda: scheduler.ends, "the end")
        assert [given for given, _ in scheduler.ends] == [DriverEnd.FOREIGN_STREAM]
        assert str(DriverEnd.FOREIGN_STREAM) in scheduler.disconnected().reason
        scheduler.driver.stop()
        assert len(master.streams) == 1

    def test_a_master_that_does_not_know_us_yet_is_asked_whether_it_will(self, master, connect):
        answers = [Reply(400, "Framework cannot be found")]
        scheduler = connect(master.address).start("mine")
        scheduler.subscribed()
        master.on_call = lambda _: answers.pop() if answers else Reply()
        offered(master, scheduler, offer("o"))
        scheduler.do(Accept(("o",), (launch("t"),), 0.0))
        assert "Framework cannot be found" in scheduler.disconnected().reason
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "a new subscription")
        assert master.stream(2).request.body["framework_id"] == {"value": "mine"}
        assert not scheduler.ends
        assert not scheduler.of(StatusReceived)  # reconciliation tells what became of the launch

    def test_a_framework_that_was_removed_is_told_so_by_subscribing(self, master, connect):
        removed = "Framework has been removed"
        scheduler = connect(master.address).start("mine")
        scheduler.subscribed()
        master.on_call = lambda _: Reply(400, "Framework cannot be found")
        master.greets = False
        scheduler.do(Reconcile())
        master.stream(2).send(error(removed))
        until(lambda: scheduler.ends, "the end")
        assert scheduler.ends == [(DriverEnd.REMOVED, removed)]

    @pytest.mark.parametrize("status", [403, 503, 307, 500])
    def test_that_ask_for_a_new_subscription(self, master, connect, status):
        scheduler = connect(master.address).start()
        scheduler.subscribed()
        master.on_call = lambda _: Reply(status, "Framework is not subscribed")
        scheduler.do(Reconcile())
        assert f"answered by {status}" in scheduler.disconnected().reason
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "a new subscription")
        assert not scheduler.ends

    def test_of_a_task_that_makes_no_sense_end_its_attempt(self, master, connect):
        scheduler = connect(master.address).start()
        scheduler.subscribed()
        master.on_call = lambda call: cannot_read("t", call)
        offered(master, scheduler, offer("o"))
        scheduler.do(Accept(("o",), (launch("t"),), 3.0))
        status = scheduler.status("t", ReportedState.ERROR)
        assert "Failed to convert" in (status.message or "")
        assert status.uuid is None
        given_back = master.call("DECLINE").body["decline"]
        assert given_back == {"offer_ids": [{"value": "o"}], "filters": {"refuse_seconds": 3.0}}
        assert not scheduler.of(Disconnected)

    def test_one_bad_task_does_not_sink_the_others(self, master, connect):
        scheduler = connect(master.address).start()
        scheduler.subscribed()
        master.on_call = lambda call: cannot_read("bad", call)
        offered(master, scheduler, offer("o1"))
        scheduler.do(Accept(("o1",), tuple(map(launch, ["a", "b", "bad", "c"])), 0.0))
        for other in ("bad", "c"):
            assert scheduler.end(other).state is ReportedState.DROPPED  # free: to be placed anew
        offered(master, scheduler, offer("o2"))
        scheduler.do(Accept(("o2",), tuple(map(launch, ["bad", "d"])), 0.0))
        scheduler.status("bad", ReportedState.ERROR)
        until(lambda: len(master.calls) == 5, "all calls")
        assert [(tasks_of(call), cannot_read("bad", call).status) for call in master.calls] == [
            (["a", "b", "bad", "c"], 400),
            (["a", "b"], 202),
            (["bad", "d"], 400),
            (["bad"], 400),
            (["d"], 202),
        ]
        assert not scheduler.statuses("a") + scheduler.statuses("b") + scheduler.statuses("d")

    def test_of_a_refused_call_the_next_goes_out(self, master, connect):
        answers = [Reply(400, "no")]
        scheduler = connect(master.address).start()
        scheduler.subscribed()
        master.on_call = lambda _: answers.pop() if answers else Reply()
        scheduler.do(Revive(), Reconcile())
        assert master.call("RECONCILE")


class TestOffers:
    def test_one_that_was_rescinded_takes_only_its_own_tasks_along(self, master, connect):
        scheduler = connect(master.address).start()
        scheduler.subscribed()
        offered(master, scheduler, offer("o1"), offer("o2", cpus=0.1))
        withdrawn = {"type": "RESCIND", "rescind": {"offer_id": {"value": "o1"}}}
        master.stream().send(withdrawn)
        scheduler.wait(lambda: scheduler.of(OfferRescinded), "it")
        scheduler.do(Accept(("o1", "o2"), (launch("t1"), launch("t2")), 0.0))
        call = master.call("ACCEPT")
        assert call.body["accept"]["offer_ids"] == [{"value": "o2"}]
        assert tasks_of(call) == ["t1"]
        end = scheduler.end("t2")
        assert (end.state, end.uuid) == (ReportedState.DROPPED, None)
        assert class_of(end.state, end.reason, end.source, end.message) is FailureClass.MASTER

    def test_one_that_cannot_be_read_is_declined(self, master, connect):
        scheduler = connect(master.address).start()
        scheduler.subscribed()
        bad = {"id": {"value": "bad"}, "agent_id": "agent"}
        offered(master, scheduler, bad, offer("good"))
        (event,) = scheduler.of(OffersReceived)
        assert [one.id for one in event.offers] == ["good"]
        assert master.call("DECLINE").body["decline"]["offer_ids"] == [{"value": "bad"}]


class TestUpdates:
    def test_one_that_cannot_be_read_holds_nothing_back(self, master, connect):
        scheduler = connect(master.address).start()
        scheduler.subscribed()
        named = {"task_id": {"value": "t"}, "agent_id": {"value": "a"}, "uuid": "dXVpZA=="}
        master.stream().send({"type": "UPDATE", "update": {"status": named}})
        acknowledged = master.call("ACKNOWLEDGE").body["acknowledge"]
        assert acknowledged == named
        assert not scheduler.of(StatusReceived)


class TestTheFramework:
    def test_is_told_once_more_under_an_id_of_before(self, master, connect):
        scheduler = connect(master.address, webui_url="http://new").start("mine")
        scheduler.subscribed()
        until(lambda: master.updates, "UPDATE_FRAMEWORK")
        (update,) = master.updates
        info = master.stream().request.body["subscribe"]["framework_info"]
        assert update.body["update_framework"] == {"framework_info": info, "suppressed_roles": []}
        assert info["webui_url"] == "http://new"
        master.stream().close()
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "a new subscription")
        scheduler.do(Reconcile())
        master.call("RECONCILE")
        assert len(master.updates) == 1

    def test_is_not_told_twice_when_it_is_new(self, master, connect):
        scheduler = connect(master.address).start(None)
        scheduler.subscribed()
        scheduler.do(Reconcile())
        master.call("RECONCILE")
        assert master.updates == []

    def test_what_can_never_be_changed_is_told_with_the_remedy(self, master, connect, caplog):
        master.on_update = lambda _: Reply(400, "Updating 'FrameworkInfo.user' is unsupported")
        scheduler = connect(master.address, user="other").start("mine")
        scheduler.subscribed()
        until(lambda: "'FrameworkInfo.user' is unsupported" in caplog.text, "the master's words")
        assert "set back what can never be changed (framework_user, principal)" in caplog.text
        scheduler.do(Reconcile())
        master.call("RECONCILE")
        assert not scheduler.of(Disconnected)


class TestMaintenance:
    def test_whether_we_leave_an_agent_is_for_the_engine_to_say(self, master, connect):
        scheduler = connect(master.address).start()
        begins = {"start": {"nanoseconds": 10**18}}
        offers = {"inverse_offers": [{"id": {"value": "i"}, "unavailability": begins}]}
        master.stream().send({"type": "INVERSE_OFFERS", "inverse_offers": offers})
        gone = {"inverse_offer_id": {"value": "i"}}
        master.stream().send({"type": "RESCIND_INVERSE_OFFER", "rescind_inverse_offer": gone})
        scheduler.wait(lambda: InverseOfferRescinded("i") in scheduler.events, "both events")
        (asked,) = scheduler.of(InverseOffersReceived)
        assert [offer.id for offer in asked.offers] == ["i"]
        assert master.kinds() == []
        scheduler.do(AcceptInverse(("i",), 60.0))
        assert master.call("ACCEPT_INVERSE_OFFERS").body["accept_inverse_offers"] == {
            "inverse_offer_ids": [{"value": "i"}],
            "filters": {"refuse_seconds": 60.0},
        }
