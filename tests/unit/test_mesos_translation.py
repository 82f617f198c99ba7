"""Mesos' messages and our values, on what a real master of Mesos 1.11 said (tests/data/mesos)."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from moroccron.adapters.mesos import calls
from moroccron.adapters.mesos.framework import Framework, framework_info
from moroccron.adapters.mesos.offers import OfferBook, attributes, offer_of, url_of
from moroccron.adapters.mesos.resources import Pool
from moroccron.adapters.mesos.translate import (
    end_of_error,
    end_of_refusal,
    is_unknown_here,
    word_of,
)
from moroccron.adapters.mesos.updates import status_of
from moroccron.model.effects import (
    AcceptInverse,
    Acknowledge,
    Decline,
    DeclineInverse,
    Kill,
    Reconcile,
    Revive,
    Suppress,
)
from moroccron.model.events import (
    AgentLost,
    InverseOfferRescinded,
    InverseOffersReceived,
    OfferRescinded,
    OffersReceived,
    StatusReceived,
)
from moroccron.model.failure import FailureClass, class_of
from moroccron.model.offer import PortRange
from moroccron.model.resources import Resources
from moroccron.model.states import ReportedState
from moroccron.ports import DriverEnd

DATA = Path(__file__).parents[1] / "data" / "mesos"
FRAMEWORK = "f-1"


def recorded(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text())


@pytest.fixture
def updates() -> dict[tuple[str, ReportedState], StatusReceived]:
    """The first word of each kind about each task."""
    found: dict[tuple[str, ReportedState], StatusReceived] = {}
    for message in recorded("updates"):
        event = word_of(message, FRAMEWORK).event
        assert isinstance(event, StatusReceived)
        job = event.task_id.removeprefix("run@").removesuffix("@1.1")
        found.setdefault((job, event.state), event)
    return found


class TestOffers:
    def test_an_offer(self):
        event = word_of(recorded("offers"), FRAMEWORK).event
        assert isinstance(event, OffersReceived)
        (offer,) = event.offers
        assert offer.resources == Resources(cpus=4000, mem=1000, disk=1000, ports=10)
        assert offer.port_ranges == (PortRange(31000, 31009),)
        assert offer.hostname == "localhost"
        assert offer.agent_url == "http://127.0.0.1:15051/slave(1)"
        assert offer.unavailable_from is None

    def test_attributes_are_text(self):
        (offer,) = recorded("offers")["offers"]["offers"]
        assert offer_of(offer).attributes == {
            "rack": "a",
            "zone": "z1",
            "level": "3",
            "ranges": "[1-5]",
        }

    def test_of_two_attributes_with_one_name_the_first_counts(self):
        pair = [{"name": "rack", "type": "TEXT", "text": {"value": v}} for v in ("a", "b")]
        assert attributes({"attributes": pair}) == {"rack": "a"}

    def test_region_and_zone_are_attributes(self):
        domain = {"fault_domain": {"region": {"name": "eu"}, "zone": {"name": "eu-1"}}}
        assert attributes({"domain": domain}) == {"@region": "eu", "@zone": "eu-1"}

    def test_an_agent_that_is_to_be_maintained(self):
        offer = offer_of(recorded("offers_unavailable")["offers"]["offers"][0])
        assert offer.unavailable_from is not None
        assert offer.unavailable_from.tzinfo is UTC
        assert offer.unavailable_from.year == 2026
        assert offer.unavailable_until == offer.unavailable_from + timedelta(minutes=10)

    def test_a_maintenance_that_nobody_knows_the_end_of(self):
        (message,) = recorded("offers")["offers"]["offers"]
        begins = {"start": {"nanoseconds": 2**63 - 1}}
        offer = offer_of({**message, "unavailability": begins})
        assert offer.unavailable_from is not None
        assert offer.unavailable_from.year == 2262
        assert offer.unavailable_until is None

    def test_an_operators_question(self):
        event = word_of(recorded("inverse_offers"), FRAMEWORK).event
        assert isinstance(event, InverseOffersReceived)
        (question,) = event.offers
        assert question.id.endswith("-O8")
        assert (question.agent_id or "").endswith("-S0")
        unavailable = offer_of(recorded("offers_unavailable")["offers"]["offers"][0])
        assert question.unavailable_from == unavailable.unavailable_from

    def test_an_operators_question_withdrawn(self):
        body = {"inverse_offer_id": {"value": "i"}}
        message = {"type": "RESCIND_INVERSE_OFFER", "rescind_inverse_offer": body}
        assert word_of(message, FRAMEWORK).event == InverseOfferRescinded("i")

    def test_the_url_of_an_ipv6_agent(self):
        address = {"hostname": "a", "ip": "fd00::1", "port": 5051}
        assert url_of({"scheme": "http", "address": address}) == "http://[fd00::1]:5051"

    def test_with_tls_an_agent_goes_by_the_name_of_its_certificate(self):
        address = {"hostname": "a", "ip": "10.0.0.1", "port": 5051}
        assert url_of({"scheme": "https", "address": address}) == "https://a:5051"
        assert url_of({"address": address}) == "http://10.0.0.1:5051"
        del address["hostname"]
        assert url_of({"scheme": "https", "address": address}) == "https://10.0.0.1:5051"

    def test_what_may_be_taken_away_is_not_offered(self):
        (message,) = recorded("offers")["offers"]["offers"]
        entries = [{**entry, "revocable": {}} for entry in message["resources"]]
        assert offer_of({**message, "resources": entries}).resources == Resources()

    def test_what_is_empty_is_left_out_by_mesos(self):
        ports = {"name": "ports", "type": "RANGES", "ranges": {}}
        empty = [
            {"name": "set", "type": "SET", "set": {}},
            {"name": "ranges", "type": "RANGES", "ranges": {}},
        ]
        (message,) = recorded("offers")["offers"]["offers"]
        offer = offer_of({**message, "resources": [ports], "attributes": empty})
        assert offer.resources == Resources()
        assert offer.attributes == {"set": "{}", "ranges": "[]"}
        assert Pool([ports]).cut(Resources()) == []

    def test_one_that_cannot_be_read_is_declined_and_spoils_no_other(self):
        message = recorded("offers")
        (offer,) = message["offers"]["offers"]
        bad = {**offer, "id": {"value": "bad"}, "resources": [{"name": "cpus", "scalar": {}}]}
        message["offers"]["offers"] = [bad, 7, offer]
        word = word_of(message, FRAMEWORK)
        assert isinstance(word.event, OffersReceived)
        assert [one.id for one in word.event.offers] == [offer["id"]["value"]]
        (answer,) = word.answers
        assert isinstance(answer, Decline)
        assert answer.offer_ids == ("bad",)
        assert len(word.complaints) == 2
        assert "'bad'" in word.complaints[0]

    def test_rescinded(self):
        event = word_of(recorded("rescind"), FRAMEWORK).event
        assert isinstance(event, OfferRescinded)
        assert event.offer_id.endswith("-O5")

    def test_an_agent_lost_is_a_hint_and_an_executor_lost_is_none(self):
        message = recorded("failure")
        assert isinstance(word_of(message, FRAMEWORK).event, AgentLost)
        message["failure"]["executor_id"] = {"value": "x"}
        assert word_of(message, FRAMEWORK).event is None


class TestUpdates:
    @pytest.mark.parametrize(
        ("job", "state", "code", "reason"),
        [
            ("true", ReportedState.FINISHED, 0, None),
            ("exit", ReportedState.FAILED, 7, "command_executor_failed"),
            ("signal", ReportedState.FAILED, 137, "command_executor_failed"),
            ("none", ReportedState.FAILED, None, "command_executor_failed"),
            ("time", ReportedState.FAILED, None, "max_completion_time_reached"),
            ("sleep", ReportedState.KILLED, None, None),
            ("big", ReportedState.DROPPED, None, "task_invalid"),
            ("stale", ReportedState.DROPPED, None, "invalid_offers"),
            ("cut", ReportedState.UNREACHABLE, None, "agent_removed"),
        ],
    )
    def test_an_end(self, updates, job, state, code, reason):
        update = updates[job, state]
        assert (update.exit_code, update.reason) == (code, reason)
        assert update.agent_id
        assert not update.reconciled

    def test_only_what_an_agent_says_is_to_be_acknowledged(self, updates):
        by_master = {"big", "stale", "cut", "never", "else"}
        for (job, _), update in updates.items():
            assert (update.uuid is None) == (job in by_master), update

    def test_answers_are_told_from_news(self, updates):
        assert updates["never", ReportedState.GONE].reconciled
        assert updates["else", ReportedState.UNKNOWN].reconciled
        assert not updates["cut", ReportedState.RUNNING].reconciled

    def test_its_time_is_the_agents(self, updates):
        at = updates["true", ReportedState.FINISHED].at
        assert at.tzinfo is UTC
        assert at.date() == datetime(2026, 11, 22, tzinfo=UTC).date()

    def test_the_sandbox_is_known_as_soon_as_an_executor_speaks(self, updates):
        sandbox = "/frameworks/f-1/executors/run@true@1.1/runs/latest"
        assert updates["true", ReportedState.STARTING].sandbox == sandbox
        assert updates["never", ReportedState.GONE].sandbox is None

    @pytest.mark.parametrize(
        ("message", "code"),
        [
            ("Command terminated with signal Killed", 137),
            ("Command terminated with signal Terminated", 143),
            ("Command terminated with signal Segmentation fault (core dumped)", 139),
            ("Command terminated with signal Unheard-of", None),
            ("Container exited", None),
        ],
    )
    def test_the_exit_code_is_in_the_words(self, message, code):
        status = {"task_id": {"value": "t"}, "state": "TASK_FAILED", "message": message}
        assert status_of(status, FRAMEWORK).exit_code == code

    @pytest.mark.parametrize(
        ("reason", "state"),
        [
            ("REASON_EXECUTOR_TERMINATED", ReportedState.LOST),
            ("REASON_AGENT_RESTARTED", ReportedState.LOST),
            ("REASON_CONTAINER_PREEMPTED", ReportedState.LOST),
            ("REASON_COMMAND_EXECUTOR_FAILED", ReportedState.FAILED),
            ("REASON_CONTAINER_LIMITATION_MEMORY", ReportedState.FAILED),
            ("REASON_CONTAINER_LAUNCH_FAILED", ReportedState.FAILED),
        ],
    )
    def test_a_failure_of_the_infrastructure_is_a_loss(self, reason, state):
        status = {"task_id": {"value": "t"}, "state": "TASK_FAILED", "reason": reason}
        assert status_of(status, FRAMEWORK).state is state

    def test_a_user_whom_the_agent_does_not_know_is_the_jobs_own_fault(self):
        status = {
            "task_id": {"value": "t"},
            "state": "TASK_DROPPED",
            "reason": "REASON_EXECUTOR_TERMINATED",
            "message": "Failed to chown directory to 'ann': No such user 'ann'",
        }
        assert status_of(status, FRAMEWORK).state is ReportedState.FAILED
        assert status_of(status | {"message": "it died"}, FRAMEWORK).state is ReportedState.DROPPED

    def test_more_than_was_offered_is_our_doing_and_not_the_jobs(self):
        (message,) = (
            m for m in recorded("updates") if m["update"]["status"]["state"] == "TASK_ERROR"
        )
        word = word_of(message, FRAMEWORK)
        assert isinstance(word.event, StatusReceived)
        event = word.event
        assert (
            class_of(event.state, event.reason, event.source, event.message) is FailureClass.MASTER
        )
        assert "was launched on less than it needs" in word.complaints[0]
        message["update"]["status"]["message"] = "Task uses invalid resources"
        word = word_of(message, FRAMEWORK)
        assert isinstance(word.event, StatusReceived)
        assert word.event.state is ReportedState.ERROR
        assert word.complaints == ()

    def test_one_that_cannot_be_read_is_acknowledged_for_it_holds_back_the_next(self):
        status: dict[str, Any] = {
            "task_id": {"value": "t"},
            "agent_id": {"value": "a"},
            "uuid": "dXVpZA==",
            "state": 7,
        }
        word = word_of({"type": "UPDATE", "update": {"status": status}}, FRAMEWORK)
        assert word.event is None
        assert word.answers == (Acknowledge("t", "a", "dXVpZA=="),)
        assert "cannot be read" in word.complaints[0]
        del status["uuid"]
        assert word_of({"type": "UPDATE", "update": {"status": status}}, FRAMEWORK).answers == ()

    def test_a_state_of_a_later_mesos_says_nothing(self):
        status = {"task_id": {"value": "t"}, "state": "TASK_HIBERNATED"}
        assert status_of(status, FRAMEWORK).state is ReportedState.UNKNOWN


class TestFramework:
    def test_what_a_master_is_told(self):
        info = framework_info(Framework(roles=("a", "b"), principal="p", webui_url="http://w"), "f")
        assert info == {
            "user": "root",
            "name": "moroccron",
            "roles": ["a", "b"],
            "checkpoint": True,
            "failover_timeout": 1_814_400.0,
            "capabilities": [
                {"type": "PARTITION_AWARE"},
                {"type": "MULTI_ROLE"},
                {"type": "TASK_KILLING_STATE"},
                {"type": "RESERVATION_REFINEMENT"},
            ],
            "principal": "p",
            "webui_url": "http://w",
            "id": {"value": "f"},
        }

    def test_gpus_only_when_asked(self):
        names = [c["type"] for c in framework_info(Framework(gpus=True), None)["capabilities"]]
        assert names[-1] == "GPU_RESOURCES"
        assert "id" not in framework_info(Framework(), None)

    def test_subscribing_names_the_id_twice_and_the_suppressed_roles(self):
        info = framework_info(Framework(), "f")
        body = calls.subscribe(info, ("moroccron",))
        assert body["framework_id"] == body["subscribe"]["framework_info"]["id"] == {"value": "f"}
        assert body["subscribe"]["suppressed_roles"] == ["moroccron"]
        assert "framework_id" not in calls.subscribe(framework_info(Framework(), None), ())


def sent(effect: Any, book: OfferBook | None = None) -> list[dict[str, Any]]:
    roles = ("batch",)
    return list(calls.bodies(effect, book or OfferBook(), roles))


class TestCalls:
    def test_kill_and_reconcile_name_the_agent(self):
        (kill,) = sent(Kill("t", "a", 2.0))
        task = {"task_id": {"value": "t"}, "agent_id": {"value": "a"}}
        grace = {"kill_policy": {"grace_period": {"nanoseconds": 2_000_000_000}}}
        assert kill == {"type": "KILL", "kill": task | grace}
        (reconcile,) = sent(Reconcile((("t", "a"),)))
        assert reconcile == {"type": "RECONCILE", "reconcile": {"tasks": [task]}}

    def test_an_operator_is_answered(self):
        named = {"inverse_offer_ids": [{"value": "i"}], "filters": {"refuse_seconds": 9.0}}
        assert sent(AcceptInverse(("i",), 9.0)) == [
            {"type": "ACCEPT_INVERSE_OFFERS", "accept_inverse_offers": named}
        ]
        assert sent(DeclineInverse(("i",), 9.0)) == [
            {"type": "DECLINE_INVERSE_OFFERS", "decline_inverse_offers": named}
        ]

    def test_many_are_asked_about_in_batches_and_all_in_one(self):
        asked = sent(Reconcile(tuple((f"t{n}", "a") for n in range(1201))))
        assert [len(body["reconcile"]["tasks"]) for body in asked] == [500, 500, 201]
        assert sent(Reconcile()) == [{"type": "RECONCILE", "reconcile": {"tasks": []}}]

    def test_an_acknowledgement_has_all_three(self):
        (body,) = sent(Acknowledge("t", "a", "dXVpZA=="))
        assert body["acknowledge"] == {
            "task_id": {"value": "t"},
            "agent_id": {"value": "a"},
            "uuid": "dXVpZA==",
        }

    def test_appetite_is_by_role(self):
        assert sent(Suppress(("a",))) == [{"type": "SUPPRESS", "suppress": {"roles": ["a"]}}]
        assert sent(Revive(("a", "b"))) == [{"type": "REVIVE", "revive": {"roles": ["a", "b"]}}]

    def test_appetite_without_a_role_is_for_all_of_ours(self):
        assert sent(Suppress()) == [{"type": "SUPPRESS", "suppress": {"roles": ["batch"]}}]
        assert sent(Revive()) == [{"type": "REVIVE", "revive": {"roles": ["batch"]}}]

    def test_a_declined_offer_leaves_the_book(self):
        book = OfferBook()
        offers = recorded("offers")["offers"]["offers"]
        book.add(offers)
        (body,) = sent(Decline((offers[0]["id"]["value"],), 5.0), book)
        assert body["decline"]["filters"] == {"refuse_seconds": 5.0}
        assert not len(book)


class TestEnds:
    def test_a_master_has_two_last_words(self):
        assert end_of_error("Framework failed over") is DriverEnd.FAILED_OVER
        assert end_of_error("Framework has been removed") is DriverEnd.REMOVED
        assert end_of_error("Master is not elected") is None

    def test_a_call_may_learn_it_too(self):
        text = "The stream ID 'a' included in this request didn't match the stream ID currently ..."
        assert end_of_refusal(400, text) is DriverEnd.FOREIGN_STREAM
        assert end_of_refusal(403, text) is None
        assert end_of_refusal(400, "Failed to convert JSON into Call protobuf") is None

    def test_a_call_never_learns_that_the_framework_was_removed(self):
        # A master that has just begun knows nobody until they subscribe; who was removed learns it then.
        assert end_of_refusal(400, "Framework cannot be found") is None
        assert is_unknown_here(400, "Framework cannot be found")
        assert not is_unknown_here(400, "Failed to convert JSON into Call protobuf")
