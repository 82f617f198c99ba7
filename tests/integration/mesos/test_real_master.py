"""The driver on a real master and agent: what only they can prove."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from moroccron.adapters.mesos.credentials import Authorization, anonymous, basic
from moroccron.adapters.mesos.framework import Framework
from moroccron.adapters.mesos.logs import AgentLogs
from moroccron.adapters.mesos.patience import Patience
from moroccron.model.effects import Accept, Decline, Kill, Reconcile, Revive, Suppress
from moroccron.model.errors import LogUnavailable
from moroccron.model.events import (
    Disconnected,
    OfferRescinded,
    OffersReceived,
    StatusReceived,
    Subscribed,
)
from moroccron.model.offer import Launch
from moroccron.model.resources import Resources
from moroccron.model.run import Attempt, AttemptKey
from moroccron.model.states import AttemptState, ReportedState
from moroccron.ports import DriverEnd, Stream
from tests.cluster.mesos import Agent, Master
from tests.integration.mesos.conftest import Connected
from tests.waiting import until

pytestmark = pytest.mark.cluster

Begin = Callable[..., Agent]


class Acknowledging(Connected):
    """One that acknowledges what is not an end."""

    def __init__(
        self, address: str, framework: Framework, patience: Patience, **options: Any
    ) -> None:
        super().__init__(address, framework, patience, **options)
        self._acknowledges_progress = True


@pytest.fixture
def connected() -> Iterator[Callable[..., Acknowledging]]:
    """Makes schedulers, not started: connected(master, answer=1.0, roles=("batch",))."""
    with ExitStack() as stack:

        def made(
            master: Master,
            *,
            patience: Patience | None = None,
            authorization: Authorization = anonymous,
            **fields: Any,
        ) -> Acknowledging:
            given = patience or Patience()
            framework = Framework(**fields)
            scheduler = Acknowledging(master.address, framework, given, authorization=authorization)
            stack.callback(scheduler.driver.stop)
            return scheduler

        yield made


def launch(offer_agent: str, task_id: str, command: Any = "true", **fields: Any) -> Launch:
    resources = fields.pop("resources", Resources(cpus=100, mem=10))
    key = AttemptKey("dag@run", "job", 1)
    return Launch(task_id, key, offer_agent, command, resources, **fields)


class TestTasks:
    def test_many_in_one_accept(self, mesos_master: Master, mesos_agent: Begin, connected):
        mesos_agent()
        scheduler = connected(mesos_master).start(None)
        offer = scheduler.offer()
        launches = [launch(offer.agent_id, f"t{n}") for n in range(12)]
        scheduler.use([offer], *launches)
        for one in launches:
            assert scheduler.end(one.task_id).state is ReportedState.FINISHED
        framework = scheduler.subscribed().framework_id
        (calls,) = accept_calls(mesos_master, framework)
        assert calls == 1

    def test_reserved_resources_are_used_first(self, mesos_master, mesos_agent, connected):
        mesos_agent(resources="cpus(moroccron):1;cpus:3;mem(moroccron):100;mem:900")
        scheduler = connected(mesos_master).start(None)
        offer = scheduler.offer()
        assert offer.resources.cpus == 4000
        resources = Resources(cpus=1500, mem=150)
        scheduler.use([offer], launch(offer.agent_id, "t", "sleep 1000", resources=resources))
        scheduler.running("t")
        record = next(a for a in mesos_master.records.agents())
        assert record["used_resources"]["cpus"] == 1.5
        until(lambda: scheduler.free_cpus() == 2500, "the rest")
        left = [o for o in scheduler.offers() if o.id != offer.id]
        assert sum(o.resources.mem for o in left) == 850
        (task,) = mesos_master.records.tasks()
        assert task["resources"]["cpus"] == 1.5

    def test_what_an_operator_reserved_meanwhile_is_used_first(
        self, mesos_master, mesos_agent, connected
    ):
        agent = mesos_agent(resources="cpus:3;mem:900")
        reserved = {
            "name": "cpus",
            "type": "SCALAR",
            "scalar": {"value": 1},
            "reservations": [{"type": "DYNAMIC", "role": "moroccron"}],
        }
        where = {"agent_id": {"value": agent.id}, "resources": [reserved]}
        mesos_master.records.call("RESERVE_RESOURCES", reserve_resources=where)
        scheduler = connected(mesos_master).start(None)
        offer = scheduler.offer()
        assert offer.resources.cpus == 3000
        resources = Resources(cpus=1500, mem=100)
        scheduler.use([offer], launch(offer.agent_id, "t", "sleep 1000", resources=resources))
        scheduler.running("t")
        answer = mesos_master.records.call("GET_TASKS")
        (task,) = answer["get_tasks"]["tasks"]
        cpus = [entry for entry in task["resources"] if entry["name"] == "cpus"]
        shares = {
            entry.get("reservations", [{}])[0].get("type"): entry["scalar"]["value"]
            for entry in cpus
        }
        assert shares == {"DYNAMIC": 1.0, None: 0.5}

    def test_the_master_keeps_what_names_the_attempt(self, mesos_master, mesos_agent, connected):
        mesos_agent()
        scheduler = connected(mesos_master).start(None)
        offer = scheduler.offer()
        scheduler.use([offer], launch(offer.agent_id, "t"))
        scheduler.end("t")
        (task,) = mesos_master.records.tasks()
        assert {label["key"]: label["value"] for label in task["labels"]} == {
            "moroccron.run": "dag@run",
            "moroccron.job": "job",
            "moroccron.attempt": "1",
        }

    @pytest.mark.parametrize(
        "fields",
        [
            {"command": ("/bin/sh", "-c", 'test "$0" = "a b"', "a b")},
            {"command": 'test "$A" = "1 2" && test "$PORT0" = "$PORT"', "env": (("A", "1 2"),)},
            {"timeout": 30.0, "kill_grace": 0.5},
        ],
    )
    def test_run_as_they_were_asked_to(self, mesos_master, mesos_agent, connected, fields):
        mesos_agent()
        scheduler = connected(mesos_master).start(None)
        offer = scheduler.offer()
        scheduler.use([offer], launch(offer.agent_id, "t", **fields))
        assert scheduler.end("t").state is ReportedState.FINISHED

    def test_what_cannot_run_here_is_valid_all_the_same(self, mesos_master, mesos_agent, connected):
        # No container can be made by this cluster: the master takes the task, the agent fails it.
        mesos_agent()
        scheduler = connected(mesos_master).start(None)
        offer = scheduler.offer()
        port = offer.port_ranges[0].first
        wanted = launch(
            offer.agent_id,
            "t",
            image="debian:12",
            user="root",
            ports=(port,),
            resources=Resources(cpus=100, mem=10, disk=5, ports=1),
            timeout=10.0,
        )
        scheduler.use([offer], wanted)
        end = scheduler.end("t")
        assert end.reason != "task_invalid", end
        assert end.state in (ReportedState.FAILED, ReportedState.FINISHED)

    def test_that_run_too_long_are_ended_by_the_agent(self, mesos_master, mesos_agent, connected):
        mesos_agent()
        scheduler = connected(mesos_master).start(None)
        offer = scheduler.offer()
        scheduler.use([offer], launch(offer.agent_id, "t", "sleep 1000", timeout=0.3))
        end = scheduler.end("t")
        assert (end.state, end.reason) == (ReportedState.FAILED, "max_completion_time_reached")

    def test_whose_executor_was_killed_are_lost_not_failed(
        self, mesos_master, mesos_agent, connected
    ):
        agent = mesos_agent()
        scheduler = connected(mesos_master).start(None)
        offer = scheduler.offer()
        scheduler.use([offer], launch(offer.agent_id, "t", "sleep 1000"))
        scheduler.running("t")
        for pid in agent.tasks():
            os.kill(pid, signal.SIGKILL)
        end = scheduler.status("t", ReportedState.LOST, ReportedState.FAILED)
        assert (end.state, end.reason) == (ReportedState.LOST, "executor_terminated")
        assert end.uuid

    def test_a_call_that_makes_no_sense_is_an_error_of_its_attempts(
        self, mesos_master, mesos_agent, connected
    ):
        mesos_agent()
        scheduler = connected(mesos_master).start(None)
        offer = scheduler.offer()
        broken = launch(offer.agent_id, "t", resources=Resources(cpus=100, mem=10))
        scheduler.use([offer], replace(broken, env=(("A", 1),)))  # type: ignore[arg-type]
        end = scheduler.end("t")
        assert (end.state, end.reason) == (ReportedState.ERROR, "call_rejected")
        until(lambda: scheduler.free_cpus() == offer.resources.cpus, "what it would have used")

    def test_one_that_makes_no_sense_does_not_sink_the_others(
        self, mesos_master, mesos_agent, connected
    ):
        mesos_agent()
        scheduler = connected(mesos_master).start(None)
        offer = scheduler.offer()
        broken = replace(launch(offer.agent_id, "bad"), env=(("A", 1),))  # type: ignore[arg-type]
        good = [launch(offer.agent_id, name) for name in ("a", "b")]
        scheduler.use([offer], good[0], broken, good[1])
        assert scheduler.end("a").state is ReportedState.FINISHED
        # Not run, and not charged: placed anew, together once more.
        assert scheduler.end("b").state is scheduler.end("bad").state is ReportedState.DROPPED
        again = scheduler.offer()
        scheduler.use([again], replace(broken, task_id="bad2"), replace(good[1], task_id="b2"))
        assert scheduler.end("bad2").state is ReportedState.ERROR
        assert scheduler.end("b2").state is ReportedState.FINISHED

    def test_an_id_that_lives_is_refused_and_the_one_that_lives_runs_on(
        self, mesos_master, mesos_agent, connected
    ):
        mesos_agent()
        scheduler = connected(mesos_master).start(None)
        offer = scheduler.offer()
        scheduler.use([offer], launch(offer.agent_id, "t", "sleep 1000"))
        scheduler.running("t")
        again = scheduler.offer()
        scheduler.use([again], launch(again.agent_id, "t", "sleep 1000"))
        scheduler.status("t", ReportedState.ERROR)
        (refusal,) = [s for s in scheduler.statuses("t") if s.state is ReportedState.ERROR]
        assert (refusal.duplicate, refusal.uuid) == (True, None)
        heard = len(scheduler.statuses("t"))
        scheduler.do(Reconcile((("t", offer.agent_id),)))
        scheduler.wait(lambda: len(scheduler.statuses("t")) > heard, "an answer")
        assert scheduler.statuses("t")[heard].state is ReportedState.RUNNING


def accept_calls(master: Master, framework_id: str) -> list[int]:
    metrics = master.records.metrics()
    wanted = f"/{framework_id}/calls/accept"
    return [int(value) for name, value in metrics.items() if name.endswith(wanted)]


class TestPartitions:
    def test_a_task_on_an_agent_that_is_cut_off_is_unreachable_and_comes_back(
        self, mesos_master, mesos_agent, connected
    ):  # P6
        agent = mesos_agent()
        scheduler = connected(mesos_master).start(None)
        offer = scheduler.offer()
        scheduler.use([offer], launch(offer.agent_id, "t", "sleep 1000"))
        scheduler.running("t")
        agent.pause()
        scheduler.status("t", ReportedState.UNREACHABLE)
        heard = len(scheduler.statuses("t"))
        scheduler.do(Reconcile((("t", offer.agent_id),)))
        scheduler.wait(lambda: len(scheduler.statuses("t")) > heard, "an answer")
        answer = scheduler.statuses("t")[heard]
        assert (answer.state, answer.reconciled) == (ReportedState.UNREACHABLE, True)
        agent.resume()
        states = lambda: [s.state for s in scheduler.statuses("t")[heard + 1 :]]  # noqa: E731
        scheduler.wait(lambda: ReportedState.RUNNING in states(), "it runs again")

    def test_an_offer_of_a_lost_agent_is_rescinded(self, mesos_master, mesos_agent, connected):
        agent = mesos_agent()
        scheduler = connected(mesos_master).start(None)
        offer = scheduler.offer()
        agent.kill()
        scheduler.wait(lambda: OfferRescinded(offer.id) in scheduler.events, "it is rescinded")

    def test_a_killed_agent_comes_back_with_its_tasks(self, mesos_master, mesos_agent, connected):
        agent = mesos_agent()
        scheduler = connected(mesos_master).start(None)
        offer = scheduler.offer()
        scheduler.use([offer], launch(offer.agent_id, "t", "sleep 1000"))
        scheduler.running("t")
        agent.kill()
        agent.start()
        scheduler.do(Kill("t", offer.agent_id, 1.0))
        assert scheduler.end("t").state is ReportedState.KILLED
        states = [s.state for s in scheduler.statuses("t")]
        assert ReportedState.LOST not in states
        assert ReportedState.GONE not in states


class TestMasters:
    def test_a_frozen_master_is_left_and_found_again(self, mesos_master, mesos_agent, connected):
        mesos_agent()
        scheduler = connected(mesos_master, patience=Patience(answer=1.0)).start(None)
        scheduler.offer()
        mesos_master.pause()
        scheduler.do(Reconcile())
        assert "no answer to RECONCILE" in scheduler.disconnected().reason
        mesos_master.resume()
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "subscribed again")
        assert not scheduler.ends
        ids = {event.framework_id for event in scheduler.of(Subscribed)}
        assert len(ids) == 1

    def test_a_restarted_master_knows_our_tasks_again(self, mesos_master, mesos_agent, connected):
        agent = mesos_agent()
        scheduler = connected(mesos_master).start(None)
        offer = scheduler.offer()
        scheduler.use([offer], launch(offer.agent_id, "t", "sleep 1000"))
        scheduler.running("t")
        mesos_master.kill()
        mesos_master.start()
        agent.wait_registered()
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "subscribed again")
        heard = len(scheduler.statuses("t"))
        scheduler.do(Reconcile((("t", offer.agent_id),)))
        scheduler.wait(lambda: len(scheduler.statuses("t")) > heard, "an answer")
        assert scheduler.statuses("t")[heard].state is ReportedState.RUNNING


class TestEnds:
    def test_of_two_schedulers_with_one_id_the_first_is_deposed(
        self, mesos_master, mesos_agent, connected
    ):  # P5
        agent = mesos_agent()
        first = connected(mesos_master).start(None)
        framework = first.subscribed().framework_id
        offer = first.offer()
        second = connected(mesos_master).start(framework)
        second.subscribed()
        until(lambda: first.ends, "the first is deposed")
        assert first.ends[0][0] in (DriverEnd.FAILED_OVER, DriverEnd.FOREIGN_STREAM)
        first.do(Accept((offer.id,), (launch(offer.agent_id, "t"),), 0.0), Revive())
        second.offer()
        (subscriptions,) = subscribe_calls(mesos_master, framework)
        assert subscriptions == 2
        assert not second.ends
        assert not agent.sandboxes()

    def test_a_framework_torn_down(self, mesos_master, mesos_agent, connected):
        agent = mesos_agent()
        scheduler = connected(mesos_master).start(None)
        framework = scheduler.subscribed().framework_id
        scheduler.offer()
        mesos_master.records.teardown(framework)
        until(lambda: scheduler.ends, "the end")
        assert scheduler.ends == [(DriverEnd.REMOVED, "Framework has been removed")]
        assert agent.running

    def test_stopping_tears_nothing_down(self, mesos_master, mesos_agent, connected):  # P1
        mesos_agent()
        scheduler = connected(mesos_master).start(None)
        offer = scheduler.offer()
        scheduler.use([offer], launch(offer.agent_id, "t", "sleep 1000"))
        scheduler.running("t")
        scheduler.driver.stop()
        second = connected(mesos_master).start(scheduler.subscribed().framework_id)
        second.subscribed()
        second.do(Reconcile())
        # Its agent may also repeat what was not acknowledged when the first one left.
        second.wait(lambda: [s for s in second.statuses("t") if s.reconciled], "the master's word")
        assert {s.state for s in second.statuses("t")} == {ReportedState.RUNNING}

    def test_wrong_credentials_are_told_and_asked_again_slowly(
        self, new_mesos_master, tmp_path, connected, caplog
    ):  # P2
        secrets = tmp_path / "credentials"
        secrets.write_text('{"credentials": [{"principal": "me", "secret": "right"}]}')
        flags = {"credentials": str(secrets), "authenticate_http_frameworks": "true"}
        master = new_mesos_master(
            flags=flags | {"http_framework_authenticators": "basic"}, credential="me:right"
        )
        wrong = connected(master, principal="me", authorization=lambda: basic("me", "wrong")).start(
            None
        )
        until(lambda: "refuses us" in caplog.text, "it is told")
        assert not wrong.events
        right = connected(master, principal="me", authorization=lambda: basic("me", "right")).start(
            None
        )
        assert right.subscribed()
        right.do(Reconcile())
        assert caplog.text.count("refuses us") == 1


def subscribe_calls(master: Master, framework_id: str) -> list[int]:
    metrics = master.records.metrics()
    wanted = f"/{framework_id}/calls/subscribe"
    return [int(value) for name, value in metrics.items() if name.endswith(wanted)]


class TestRoles:
    def test_of_two_the_silent_one_gets_no_offers(self, mesos_master, mesos_agent, connected):
        mesos_agent()
        mesos_agent()
        scheduler = connected(mesos_master, roles=("a", "b")).start(None)
        scheduler.wait(lambda: scheduler.free_cpus() == 8000, "all of both agents")
        scheduler.do(Suppress(("a",)), Decline(tuple(o.id for o in scheduler.offers()), 0.0))
        scheduler.wait(lambda: len(of_role(scheduler, "b")) >= 3, "offers of the other role")
        scheduler.mesos._subscription.follow("127.0.0.1:1")
        scheduler.disconnected()
        scheduler.mesos._subscription.follow(mesos_master.address)
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "subscribed again")
        assert scheduler.subscribed().suppressed == {"a"}
        scheduler.wait(lambda: scheduler.free_cpus() == 8000, "all of both agents")
        assert {offer.role for offer in scheduler.offers()} == {"b"}

    def test_offers_of_two_in_one_effect_are_used_apart(self, mesos_master, mesos_agent, connected):
        """Mesos would refuse them together; the engine does not ask for it."""
        mesos_agent(resources="cpus(a):1;cpus(b):1;mem(a):100;mem(b):100;cpus:0;mem:0;disk:0")
        scheduler = connected(mesos_master, roles=("a", "b")).start(None)
        scheduler.wait(lambda: {o.role for o in scheduler.offers()} == {"a", "b"}, "both roles")
        offers = scheduler.offers()
        launches = [
            launch(offers[0].agent_id, f"t{n}", resources=Resources(cpus=900, mem=50))
            for n in range(2)
        ]
        scheduler.use(offers, *launches)
        for one in launches:
            assert scheduler.end(one.task_id).state is ReportedState.FINISHED


def of_role(scheduler: Connected, role: str) -> list[Any]:
    made = [offer for event in scheduler.of(OffersReceived) for offer in event.offers]
    return [offer for offer in made if offer.role == role]


class TestTheFramework:
    def test_what_was_set_anew_holds_from_the_next_subscription_on(self, mesos_master, connected):
        first = connected(mesos_master, webui_url="http://a").start(None)
        framework_id = first.subscribed().framework_id
        first.driver.stop()
        second = connected(mesos_master, webui_url="http://b", roles=("a", "b"), gpus=True)
        second.start(framework_id).subscribed()
        (record,) = mesos_master.records.frameworks()
        assert (record["id"], record["webui_url"]) == (framework_id, "http://b")
        assert sorted(record["roles"]) == ["a", "b"]
        assert "GPU_RESOURCES" in record["capabilities"]

    def test_what_can_never_be_changed_is_told(self, mesos_master, connected, caplog):
        first = connected(mesos_master).start(None)
        framework_id = first.subscribed().framework_id
        first.driver.stop()
        second = connected(mesos_master, user="nobody").start(framework_id)
        second.subscribed()  # as if nothing were wrong: of what it ignores SUBSCRIBE says nothing
        until(lambda: "UPDATE_FRAMEWORK was refused" in caplog.text, "the master's refusal")
        assert "user" in caplog.text
        (record,) = mesos_master.records.frameworks()
        assert record["user"] == "root"
        assert not second.of(Disconnected)

    def test_says_of_itself_what_it_should(self, mesos_master, connected):
        scheduler = connected(mesos_master, webui_url="http://us", roles=("a", "b")).start(None)
        scheduler.subscribed()
        (record,) = mesos_master.records.frameworks()
        assert record["checkpoint"] is True
        assert record["failover_timeout"] == 1_814_400.0
        assert sorted(record["roles"]) == ["a", "b"]
        assert "GPU_RESOURCES" not in record["capabilities"]
        assert "PARTITION_AWARE" in record["capabilities"]

    def test_offers_say_when_an_agent_will_be_away(self, mesos_master, mesos_agent, connected):
        mesos_agent()
        start = datetime.now(UTC) + timedelta(hours=1)
        window = {
            "machine_ids": [{"hostname": "localhost", "ip": "127.0.0.1"}],
            "unavailability": {"start": {"nanoseconds": int(start.timestamp() * 1e9)}},
        }
        schedule = {"windows": [window]}
        mesos_master.records.call(
            "UPDATE_MAINTENANCE_SCHEDULE", update_maintenance_schedule={"schedule": schedule}
        )
        scheduler = connected(mesos_master).start(None)
        away = scheduler.offer().unavailable_from
        assert away is not None
        assert abs(away - start) < timedelta(seconds=1)


class TestLogs:
    def attempt(self, status: StatusReceived, url: str | None) -> Attempt:
        now = datetime.now(UTC)
        return Attempt(
            "dag@run",
            "job",
            1,
            AttemptState.RUNNING,
            now,
            sandbox=status.sandbox,
            agent_url=url,
            agent_id=status.agent_id,
        )

    def text_of(self, logs: AgentLogs, attempt: Attempt) -> bytes | None:
        try:
            return logs.read(attempt, Stream.STDOUT, 0, 100).data
        except LogUnavailable:
            return None

    def test_of_a_running_and_of_an_ended_attempt(
        self, mesos_master, mesos_agent, connected, tmp_path
    ):
        agent = mesos_agent()
        gate = tmp_path / "gate"
        scheduler = connected(mesos_master).start(None)
        offer = scheduler.offer()
        command = f"echo first; echo bad >&2; until [ -e {gate} ]; do sleep 0.01; done; echo second"
        scheduler.use([offer], launch(offer.agent_id, "dag@run@job@1.1", command))
        attempt = self.attempt(scheduler.running("dag@run@job@1.1"), offer.agent_url)
        logs = AgentLogs()
        until(lambda: logs.read(attempt, Stream.STDOUT, 0, 100).data == b"first\n", "first")
        assert logs.read(attempt, Stream.STDERR, 0, 100).data.endswith(b"bad\n")
        gate.touch()
        end = scheduler.end("dag@run@job@1.1")
        scheduler.acknowledge(end)
        chunk = logs.read(attempt, Stream.STDOUT, 0, 100)
        assert (chunk.data, chunk.size, chunk.gone) == (b"first\nsecond\n", 13, False)
        assert logs.read(attempt, Stream.STDOUT, 6, 3).data == b"sec"
        tail = logs.read(attempt, Stream.STDOUT, -7, 100)
        assert (tail.data, tail.offset) == (b"second\n", 6)
        assert logs.read(attempt, Stream.STDOUT, -1000, 5).data == b"first"
        assert logs.read(attempt, Stream.STDOUT, 500, 5).data == b""
        agent.kill()
        with pytest.raises(LogUnavailable, match="does not answer"):
            logs.read(attempt, Stream.STDOUT, 0, 100)  # it may come back, and with it the sandbox
        agent.start()
        until(lambda: self.text_of(logs, attempt) == b"first\nsecond\n", "the log of who came back")

    def test_of_what_was_never_there(self, mesos_master, mesos_agent, connected):
        mesos_agent()
        scheduler = connected(mesos_master).start(None)
        offer = scheduler.offer()
        scheduler.use([offer], launch(offer.agent_id, "t"))
        end = scheduler.end("t")
        lost = replace(self.attempt(end, offer.agent_url), sandbox="/frameworks/x/executors/y")
        assert AgentLogs().read(lost, Stream.STDOUT, 0, 100).gone
        assert not scheduler.of(Disconnected)
