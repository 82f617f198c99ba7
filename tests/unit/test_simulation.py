"""The simulated cluster behaves as a Mesos master and its agents do, and breaks in the ways that it is told to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from moroccron.model.effects import (
    Accept,
    AcceptInverse,
    Acknowledge,
    Decline,
    DeclineInverse,
    Effect,
    Kill,
    Reconcile,
    Revive,
    Suppress,
)
from moroccron.model.events import (
    AgentLost,
    Disconnected,
    Event,
    InverseOffersReceived,
    OfferRescinded,
    OffersReceived,
    StatusReceived,
    Subscribed,
)
from moroccron.model.offer import Launch, Offer, PortRange
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey
from moroccron.model.states import ReportedState as State
from moroccron.simulation.agents import AgentSpec
from moroccron.simulation.clock import VirtualClock
from moroccron.simulation.cluster import SimulatedCluster
from moroccron.simulation.tasks import Course

AGENT = Resources(cpus=4000, mem=4096)
JOB = Resources(cpus=1000, mem=512)


@dataclass
class Desk:
    """A framework on a desk: sends calls, lets time pass, and keeps what it is told."""

    agents: int = 1
    script: Callable[[Launch], Course] = lambda _: Course(10.0)
    acknowledges: bool = True
    options: dict[str, object] = field(default_factory=dict)
    resources: Resources = AGENT
    ports: tuple[PortRange, ...] = ()

    def __post_init__(self) -> None:
        self.clock = VirtualClock()
        specs = [AgentSpec(f"a{n}", self.resources, self.ports) for n in range(self.agents)]
        self.cluster = SimulatedCluster(specs, self.clock, script=self.script, **self.options)  # type: ignore[arg-type]
        self.events: list[Event] = []
        self.cluster.start(None, self.take)
        self.pass_time(0.5)

    def take(self, event: Event) -> None:
        self.events.append(event)
        if self.acknowledges and isinstance(event, StatusReceived) and event.uuid is not None:
            assert event.agent_id is not None
            self.cluster.perform([Acknowledge(event.task_id, event.agent_id, event.uuid)])

    def pass_time(self, seconds: float) -> None:
        end = self.clock.now() + timedelta(seconds=seconds)
        while (due := self.cluster.next_due()) is not None and due <= end:
            self.clock.move_to(due)
            self.cluster.advance()
        self.clock.move_to(end)

    def do(self, *effects: Effect, seconds: float = 0.01) -> None:
        self.cluster.perform(effects)
        self.pass_time(seconds)

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    def offers(self) -> list[Offer]:
        """All that were ever made."""
        return [offer for event in self.of(OffersReceived) for offer in event.offers]

    def launch(self, *names: str, refuse: float = 0.0, **fields: object) -> None:
        """Use the newest offer for one task of each name."""
        offer = self.offers()[-1]
        launches = tuple(task(name, offer.agent_id, **fields) for name in names)
        self.do(Accept((offer.id,), launches, refuse))

    def told(self, name: str) -> list[State]:
        """What was said of a task, in order."""
        return [status.state for status in self.of(StatusReceived) if status.task_id == name]

    def last(self, name: str) -> StatusReceived:
        return [status for status in self.of(StatusReceived) if status.task_id == name][-1]

    def asked(self, name: str, agent: str = "a0") -> list[State]:
        """What reconciliation says of a task."""
        count = len(self.events)
        self.do(Reconcile(((name, agent),)))
        news = [e for e in self.events[count:] if isinstance(e, StatusReceived)]
        return [e.state for e in news if e.reconciled and e.uuid is None and e.task_id == name]


def task(name: str, agent: str, resources: Resources = JOB, ports: tuple[int, ...] = ()) -> Launch:
    return Launch(name, AttemptKey("run", name, 1), agent, ("true",), resources, ports)


class TestMaintenance:
    def test_offers_are_made_anew_with_the_moment(self):
        desk = Desk()
        desk.cluster.maintain("a0", 600)
        assert desk.of(OfferRescinded) == [OfferRescinded(desk.offers()[0].id)]
        begins = desk.clock.now() + timedelta(seconds=600)
        desk.pass_time(1)
        assert [offer.unavailable_from for offer in desk.offers()] == [None, begins]

    def test_as_long_as_something_runs_there_we_are_asked_whether_we_leave(self):
        desk = Desk()
        desk.launch("t")
        desk.cluster.maintain("a0", 600)
        (asked,) = [offer for event in desk.of(InverseOffersReceived) for offer in event.offers]
        desk.do(DeclineInverse((asked.id,), 5.0), seconds=4)
        assert desk.cluster.master.leaves == {"a0": False}
        assert len(desk.of(InverseOffersReceived)) == 1
        desk.pass_time(2)
        (again,) = desk.of(InverseOffersReceived)[1].offers
        desk.do(AcceptInverse((again.id,), 5.0), seconds=60)
        assert desk.cluster.master.leaves == {"a0": True}
        assert len(desk.of(InverseOffersReceived)) == 2


class TestOffers:
    def test_subscribing_brings_one_of_everything_per_agent(self):
        desk = Desk(agents=3)
        assert desk.events[0] == Subscribed("simulated-framework")
        assert [(o.agent_id, o.resources) for o in desk.offers()] == [
            (f"a{n}", AGENT) for n in range(3)
        ]

    def test_what_a_launch_leaves_over_comes_back_with_the_next_allocation(self):
        desk = Desk()
        desk.launch("t")
        assert len(desk.offers()) == 1
        desk.pass_time(1)
        assert desk.offers()[-1].resources == AGENT - JOB

    def test_what_a_task_held_comes_back_after_its_end(self):
        desk = Desk()
        desk.launch("t")
        desk.pass_time(20)
        assert [o.resources for o in desk.offers()] == [AGENT, AGENT - JOB, JOB]

    def test_a_refused_agent_is_not_offered_for_as_long(self):
        desk = Desk()
        desk.do(Decline((desk.offers()[0].id,), 30.0), seconds=29)
        assert len(desk.offers()) == 1
        desk.pass_time(3)
        assert len(desk.offers()) == 2

    def test_a_refusal_does_not_hide_more_than_was_refused(self):
        desk = Desk()
        desk.launch("t", refuse=600.0)
        desk.pass_time(8)
        assert len(desk.offers()) == 1
        desk.pass_time(5)  # the task has ended: the agent has more than was refused
        assert desk.offers()[-1].resources == AGENT

    def test_revive_forgets_refusals_at_once(self):
        desk = Desk()
        desk.do(Decline((desk.offers()[0].id,), 300.0))
        desk.do(Revive())
        assert len(desk.offers()) == 2

    def test_suppress_brings_silence_until_revived(self):
        desk = Desk()
        desk.do(Decline((desk.offers()[0].id,), 0.0), Suppress(), seconds=100)
        assert len(desk.offers()) == 1
        desk.do(Revive())
        assert len(desk.offers()) == 2

    def test_roles_take_turns_and_each_is_silent_by_itself(self):
        desk = Desk(agents=4, options={"roles": ("a", "b")})
        assert [offer.role for offer in desk.offers()] == ["a", "b", "a", "b"]
        ids = tuple(offer.id for offer in desk.offers())
        desk.do(Suppress(("a",)), Decline(ids, 0.0), seconds=1.5)
        assert {offer.role for offer in desk.offers()[4:]} == {"b"}
        desk.do(Suppress(("b",)), Decline(tuple(o.id for o in desk.offers()[4:]), 0.0), seconds=9)
        assert len(desk.offers()) == 8
        desk.do(Revive(("a",)))
        assert [offer.role for offer in desk.offers()[8:]] == ["a"] * 4

    def test_a_refusal_is_of_one_role(self):
        desk = Desk(options={"roles": ("a", "b")})
        desk.do(Decline((desk.offers()[0].id,), 300.0), seconds=400)
        assert [offer.role for offer in desk.offers()] == ["a", "b"]
        desk.do(Decline((desk.offers()[1].id,), 300.0), Revive(("a",)))
        assert [offer.role for offer in desk.offers()] == ["a", "b", "a"]

    def test_roles_stay_silent_on_the_next_connection(self):
        desk = Desk(options={"roles": ("a", "b")})
        desk.do(Suppress(("a",)))
        desk.cluster.disconnect(1.0)
        desk.pass_time(2)
        assert desk.of(Subscribed)[-1].suppressed == {"a"}
        assert desk.offers()[-1].role == "b"

    def test_offers_of_two_roles_in_one_accept_are_refused(self):
        desk = Desk(agents=1, options={"roles": ("a", "b")})
        desk.launch("t")
        desk.pass_time(12)  # the rest to one role, then what the task held to the other
        offers = desk.offers()[1:]
        assert {offer.role for offer in offers} == {"a", "b"}
        desk.do(Accept(tuple(o.id for o in offers), (task("big", "a0"),), 0.0))
        assert desk.told("big") == [State.DROPPED]

    def test_several_offers_of_one_agent_in_one_accept(self):
        desk = Desk()
        desk.launch("t")
        desk.pass_time(12)  # rest offered, then what the task held
        ids = tuple(offer.id for offer in desk.offers()[1:])
        assert len(ids) == 2
        big = task("big", "a0", AGENT)
        desk.do(Accept(ids, (big,), 0.0))
        assert desk.told("big") == [State.RUNNING]

    @pytest.mark.parametrize("spoil", ["twice", "unknown", "two agents"])
    def test_a_bad_offer_drops_every_task_and_frees_the_good_ones(self, spoil):
        desk = Desk(agents=2)
        first, second = desk.offers()
        ids = {
            "twice": (first.id,),
            "unknown": (second.id, "x"),
            "two agents": (first.id, second.id),
        }
        if spoil == "twice":
            desk.do(Decline((first.id,), 100.0))
        desk.do(Accept(ids[spoil], (task("t", first.agent_id), task("u", first.agent_id)), 0.0))
        assert desk.told("t") == desk.told("u") == [State.DROPPED]
        assert (desk.last("t").uuid, desk.last("t").reason) == (None, "invalid_offers")
        desk.pass_time(1)
        assert len(desk.offers()) == 2 + {"twice": 0, "unknown": 1, "two agents": 2}[spoil]

    def test_a_task_that_does_not_fit_is_an_error_and_the_others_go_on(self):
        desk = Desk()
        offer = desk.offers()[0]
        large = Resources(cpus=3500)
        launches = (task("a", "a0"), task("b", "a0", large), task("c", "a0"))
        desk.do(Accept((offer.id,), launches, 0.0))
        assert desk.told("b") == [State.ERROR]
        assert desk.told("a") == desk.told("c") == [State.RUNNING]

    def test_an_id_is_used_once(self):
        desk = Desk(script=lambda _: Course(0.1))
        desk.launch("t")
        desk.pass_time(2)
        desk.launch("t")
        assert desk.told("t") == [State.RUNNING, State.FINISHED, State.ERROR]
        assert list(desk.cluster.starts) == ["t"]

    def test_ports_are_cut_from_the_offer_and_come_back(self):
        desk = Desk(ports=(PortRange(31000, 31004),))
        assert desk.offers()[0].resources.ports == 5
        desk.launch("t", resources=Resources(100, 0, ports=2), ports=(31001, 31004))
        desk.pass_time(1)
        assert desk.offers()[-1].port_ranges == (PortRange(31000, 31000), PortRange(31002, 31003))
        desk.pass_time(11)
        assert desk.offers()[-1].port_ranges == (PortRange(31001, 31001), PortRange(31004, 31004))
        ids = tuple(offer.id for offer in desk.offers()[1:])
        desk.do(Decline(ids, 0.0), seconds=2)
        assert desk.offers()[-1].port_ranges == (PortRange(31000, 31004),)

    def test_a_port_that_was_not_offered_is_an_error(self):
        desk = Desk(ports=(PortRange(31000, 31004),))
        desk.launch("t", ports=(8080,))
        assert desk.told("t") == [State.ERROR]


class TestTasks:
    def test_run_for_as_long_as_scripted_and_end_so(self):
        desk = Desk(script=lambda _: Course(5.0, State.FAILED, 7))
        desk.launch("t")
        began = desk.last("t").at
        desk.pass_time(10)
        assert desk.told("t") == [State.RUNNING, State.FAILED]
        end = desk.last("t")
        assert (end.exit_code, (end.at - began).total_seconds()) == (7, 5.0)

    def test_are_scripted_by_launch(self):
        desk = Desk(script=lambda launch: Course(float(launch.task_id)))
        desk.launch("3", "1", "2")
        desk.pass_time(5)
        ends = [s.task_id for s in desk.of(StatusReceived) if s.state is State.FINISHED]
        assert ends == ["1", "2", "3"]

    def test_are_killed(self):
        desk = Desk()
        desk.launch("t")
        desk.do(Kill("t", "a0", 5.0), seconds=30)
        assert desk.told("t") == [State.RUNNING, State.KILLED]

    def test_a_kill_of_a_task_nobody_knows_is_answered(self):
        desk = Desk()
        desk.do(Kill("t", "a0", 5.0))
        assert desk.told("t") == [State.GONE]

    def test_a_kill_that_names_the_wrong_agent_is_dropped(self):
        desk = Desk(agents=2)
        desk.launch("t")
        other = "a0" if desk.last("t").agent_id == "a1" else "a1"
        desk.do(Kill("t", other, 5.0), seconds=1)
        assert desk.told("t") == [State.RUNNING]


class TestUpdates:
    def test_the_next_waits_for_the_acknowledgement_of_the_one_before(self):
        desk = Desk(acknowledges=False, script=lambda _: Course(1.0))
        desk.launch("t")
        desk.pass_time(5)
        assert desk.told("t") == [State.RUNNING]
        desk.do(Acknowledge("t", "a0", desk.last("t").uuid))
        assert desk.told("t") == [State.RUNNING, State.FINISHED]

    def test_are_repeated_until_acknowledged_after_doubling_times(self):
        desk = Desk(acknowledges=False)
        desk.launch("t")
        desk.pass_time(75)  # at 10, 30, 70
        assert desk.told("t") == [State.RUNNING] * 4
        assert len({status.uuid for status in desk.of(StatusReceived)}) == 1
        desk.do(Acknowledge("t", "a0", desk.last("t").uuid), seconds=0.1)
        assert desk.told("t")[4:] == [State.FINISHED]

    def test_a_stale_acknowledgement_changes_nothing(self):
        desk = Desk(acknowledges=False)
        desk.launch("t")
        desk.do(Acknowledge("t", "a0", "another"), Acknowledge("t", "a9", desk.last("t").uuid))
        desk.pass_time(11)
        assert desk.told("t") == [State.RUNNING] * 2

    def test_may_be_doubled(self):
        desk = Desk()
        desk.cluster.double_updates(1.0)
        desk.launch("t")
        desk.pass_time(20)
        assert desk.told("t") == [State.RUNNING] * 2 + [State.FINISHED] * 2


class TestReconciliation:
    def test_says_what_the_master_knows(self):
        desk = Desk()
        desk.launch("t")
        assert desk.asked("t") == [State.RUNNING]
        assert desk.asked("other") == [State.GONE]
        assert desk.asked("t", "another agent") == [State.UNKNOWN]

    def test_knows_an_end_until_it_is_acknowledged(self):
        desk = Desk(acknowledges=False, script=lambda _: Course(1.0))
        desk.launch("t")
        desk.pass_time(2)
        desk.do(Acknowledge("t", "a0", desk.last("t").uuid))
        assert desk.asked("t") == [State.FINISHED]
        ends = [s for s in desk.of(StatusReceived) if s.state is State.FINISHED and s.uuid]
        desk.do(Acknowledge("t", "a0", ends[0].uuid))
        assert desk.asked("t") == [State.GONE]

    def test_of_nothing_named_tells_of_all_that_can_be_reached(self):
        desk = Desk(agents=2)
        first, second = desk.offers()
        desk.do(
            Accept((first.id,), (task("t", first.agent_id),), 0.0),
            Accept((second.id,), (task("u", second.agent_id),), 0.0),
        )
        desk.cluster.partition(second.agent_id)
        desk.pass_time(76)
        desk.events.clear()
        desk.do(Reconcile())
        assert [s.task_id for s in desk.of(StatusReceived)] == []
        desk = Desk(agents=2)
        desk.launch("t", "u")
        desk.events.clear()
        desk.do(Reconcile())
        assert [s.task_id for s in desk.of(StatusReceived)] == ["t", "u"]


class TestFaults:
    def test_a_short_partition_is_silence_and_then_the_truth(self):
        desk = Desk()
        desk.launch("t")
        desk.cluster.partition("a0")
        desk.pass_time(40)
        assert desk.told("t") == [State.RUNNING]
        assert desk.asked("t") == [State.RUNNING]  # as far as the master knows
        desk.cluster.heal("a0")
        desk.pass_time(2)
        assert desk.told("t")[-1] is State.FINISHED
        assert desk.of(AgentLost) == []
        assert desk.offers()[-1].resources == JOB

    def test_a_long_partition_makes_tasks_unreachable_and_brings_them_back(self):
        desk = Desk(script=lambda _: Course(1000.0))
        desk.launch("t")
        desk.pass_time(1)
        offer = desk.offers()[-1]
        desk.cluster.partition("a0")
        desk.pass_time(80)
        assert desk.told("t") == [State.RUNNING, State.UNREACHABLE]
        assert desk.last("t").uuid is None
        assert desk.of(OfferRescinded) == [OfferRescinded(offer.id)]
        assert desk.of(AgentLost) == [AgentLost("a0")]
        assert desk.asked("t") == desk.asked("unheard of") == [State.UNREACHABLE]
        desk.cluster.heal("a0")
        desk.pass_time(2)
        assert desk.last("t").state is State.RUNNING
        assert desk.offers()[-1].resources == AGENT - JOB

    def test_an_end_inside_a_partition_is_told_by_the_master_first_and_then_by_the_agent(self):
        desk = Desk()
        desk.launch("t")
        desk.cluster.partition("a0")
        desk.pass_time(80)
        desk.cluster.heal("a0")
        desk.pass_time(3)
        ends = [s for s in desk.of(StatusReceived) if s.state is State.FINISHED]
        assert [(s.reason, s.uuid is None) for s in ends] == [
            ("agent_reregistered", True),
            (None, False),
        ]
        assert sum((o.resources for o in desk.offers()[1:]), Resources()) == AGENT + AGENT - JOB

    def test_a_launch_on_its_way_to_a_cut_off_agent_is_dropped_on_its_return(self):
        desk = Desk()
        desk.cluster.partition("a0")
        desk.launch("t")
        assert desk.told("t") == []
        desk.cluster.heal("a0")
        desk.pass_time(2)
        assert desk.told("t") == [State.DROPPED]
        assert list(desk.cluster.starts) == []
        assert sum((o.resources for o in desk.offers()[1:]), Resources()) == AGENT

    def test_a_kill_is_remembered_for_a_cut_off_agent(self):
        desk = Desk()
        desk.launch("t")
        desk.cluster.partition("a0")
        desk.do(Kill("t", "a0", 5.0), seconds=2)
        desk.cluster.heal("a0")
        desk.pass_time(1)
        assert desk.told("t") == [State.RUNNING, State.KILLED]

    def test_a_lost_agent_never_comes_back(self):
        desk = Desk()
        desk.launch("t")
        desk.cluster.lose_agent("a0")
        desk.pass_time(1000)
        assert desk.told("t") == [State.RUNNING, State.UNREACHABLE]
        with pytest.raises(ValueError, match="lost for good"):
            desk.cluster.heal("a0")

    def test_an_agent_marked_gone(self):
        desk = Desk()
        desk.launch("t")
        desk.cluster.mark_gone("a0")
        desk.pass_time(20)
        assert desk.told("t") == [State.RUNNING, State.GONE_BY_OPERATOR]
        assert desk.asked("t") == [State.GONE_BY_OPERATOR]

    def test_a_dropped_accept_launches_nothing_and_the_offer_is_rescinded(self):
        desk = Desk()
        desk.cluster.drop_accepts(1)
        offer = desk.offers()[0]
        desk.launch("t")
        assert desk.asked("t") == [State.GONE]
        desk.pass_time(31)
        assert desk.of(OfferRescinded) == [OfferRescinded(offer.id)]
        desk.launch("t")
        assert desk.last("t").state is State.RUNNING

    def test_a_broken_connection_loses_calls_on_the_way_and_comes_back(self):
        desk = Desk()
        offer = desk.offers()[0]
        desk.cluster.perform([Accept((offer.id,), (task("t", "a0"),), 0.0)])
        desk.cluster.disconnect(10.0)
        desk.do(Revive(), seconds=5)
        assert desk.of(Disconnected) == [Disconnected("connection lost")]
        assert len(desk.of(Subscribed)) == 1
        desk.pass_time(6)
        assert desk.of(Subscribed)[0] == desk.of(Subscribed)[1]
        assert [o.resources for o in desk.offers()] == [AGENT, AGENT]
        assert desk.asked("t") == [State.GONE]

    def test_what_ended_meanwhile_is_told_after_a_reconnect(self):
        desk = Desk()
        desk.launch("t")
        desk.cluster.disconnect(15.0)
        desk.pass_time(40)
        assert desk.told("t") == [State.RUNNING, State.FINISHED]

    def test_a_new_scheduler_takes_over(self):
        desk = Desk()
        desk.launch("t")
        desk.cluster.stop()
        desk.pass_time(60)
        desk.cluster.start("simulated-framework", desk.take)
        desk.pass_time(30)
        assert desk.of(Subscribed)[-1] == Subscribed("simulated-framework")
        assert desk.told("t") == [State.RUNNING, State.FINISHED]

    def test_calls_before_subscribing_are_dropped(self):
        clock = VirtualClock()
        cluster = SimulatedCluster([AgentSpec("a0", AGENT)], clock)
        cluster.perform([Reconcile(((("t"), "a0"),))])
        assert cluster.next_due() is None

    def test_the_same_seed_gives_the_same_story(self):
        def story(seed: int) -> list[Event]:
            desk = Desk(agents=3, options={"seed": seed})
            desk.cluster.double_updates(0.5)
            desk.launch("1", "2", "3")
            desk.cluster.plan(3.0, desk.cluster.partition, "a2")
            desk.cluster.plan(90.0, desk.cluster.heal, "a2")
            desk.pass_time(200)
            return desk.events

        assert story(1) == story(1)
        assert story(1) != story(2)
