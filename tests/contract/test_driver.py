"""What every cluster must do for the engine, whatever stands behind the Driver port.

To put another driver under this contract, add a parameter to `cluster` that yields a `Cluster` of it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from moroccron.adapters.mesos.driver import MesosDriver
from moroccron.adapters.mesos.framework import Framework
from moroccron.adapters.mesos.masters import StaticMasters
from moroccron.model.effects import (
    AcceptInverse,
    Decline,
    DeclineInverse,
    Kill,
    Reconcile,
    Revive,
    Suppress,
)
from moroccron.model.events import OffersReceived, StatusReceived, Subscribed
from moroccron.model.offer import Launch
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey
from moroccron.model.states import ReportedState
from tests.cluster.mesos import Agent, Master
from tests.local_agent import AgentProcess, Scheduler, scheduler_of
from tests.waiting import until

#: of a task that nobody knows, by its agent's word or by the master's
NOBODYS = (ReportedState.GONE, ReportedState.UNKNOWN)
CPUS = 4000  #: thousandths that a cluster under contract has in all


@dataclass
class Cluster:
    """A cluster of one agent with four cpus, and how to speak to it."""

    connect: Callable[[], Scheduler]  #: a new scheduler, not started
    #: cut its connection; it is to come back by itself
    connection_lost: Callable[[Scheduler], None]
    #: Mesos holds the next update of a task back until the one before is acknowledged, and forgets the id of
    #: a task with the last acknowledgement.
    is_mesos: bool = False
    roles: tuple[str, ...] = ()  #: whose offers it makes; an agent of our own knows none


@pytest.fixture(params=["local", pytest.param("mesos", marks=pytest.mark.cluster)])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    found = request.getfixturevalue(f"{request.param}_cluster")
    assert isinstance(found, Cluster)
    return found


@pytest.fixture
def mesos_cluster(mesos_master: Master, mesos_agent: Callable[..., Agent]) -> Iterator[Cluster]:
    agent = mesos_agent(resources="cpus:4;mem:1000;disk:1000;ports:[31000-31009]")
    schedulers = []

    def connect() -> Scheduler:
        driver = MesosDriver(StaticMasters([mesos_master.address]), Framework())
        schedulers.append(Scheduler(driver, acknowledges_progress=True))
        return schedulers[-1]

    def restart(_: Scheduler) -> None:
        mesos_master.kill()
        mesos_master.start()
        agent.wait_registered()

    yield Cluster(connect, restart, is_mesos=True, roles=Framework().roles)
    for scheduler in schedulers:
        scheduler.driver.stop()


@pytest.fixture
def local_cluster(tmp_path: Path) -> Iterator[Cluster]:
    agent = AgentProcess(tmp_path / "work")
    agent.start()
    schedulers = []

    def connect() -> Scheduler:
        schedulers.append(scheduler_of(agent))
        return schedulers[-1]

    def restart(_: Scheduler) -> None:
        agent.kill()
        agent.start()

    yield Cluster(connect, restart)
    for scheduler in schedulers:
        scheduler.driver.stop()
    agent.clean_up()


@pytest.fixture
def scheduler(cluster: Cluster) -> Scheduler:
    scheduler = cluster.connect().start()
    scheduler.subscribed()
    return scheduler


def known(scheduler: Scheduler, task_id: str) -> ReportedState:
    """What a reconciliation says of a task."""
    count = len(scheduler.events)
    scheduler.do(Reconcile(((task_id, scheduler.agent_id()),)))

    def answer() -> list[StatusReceived]:
        news = [e for e in scheduler.events[count:] if isinstance(e, StatusReceived)]
        return [e for e in news if e.reconciled and e.task_id == task_id]

    scheduler.wait(answer, f"an answer about {task_id}")
    return answer()[0].state


class TestSubscribing:
    def test_comes_first_and_under_the_given_id(self, cluster):
        scheduler = cluster.connect().start("framework-9")
        assert scheduler.subscribed() == Subscribed("framework-9")
        assert scheduler.events[0] == Subscribed("framework-9")

    def test_without_an_id_gives_one(self, cluster):
        assert cluster.connect().start(None).subscribed().framework_id

    def test_brings_an_offer_of_everything(self, scheduler):
        offer = scheduler.offer()
        assert offer.resources.cpus == CPUS
        assert offer.resources.ports == sum(len(part) for part in offer.port_ranges)
        assert offer.hostname

    def test_again_after_a_lost_connection_under_the_same_id(self, cluster):
        scheduler = cluster.connect().start(None)
        first = scheduler.subscribed()
        cluster.connection_lost(scheduler)
        scheduler.disconnected()
        scheduler.wait(lambda: len(scheduler.of(Subscribed)) == 2, "a second Subscribed")
        assert scheduler.subscribed() == first
        assert scheduler.offer().resources.cpus == CPUS

    def test_effects_before_it_are_dropped(self, cluster):
        scheduler = cluster.connect()
        scheduler.do(Revive(), Reconcile())
        assert scheduler.start().subscribed()


class TestTasks:
    def test_run_and_finish_in_order(self, scheduler):
        task_id = scheduler.launch(("/bin/true",))
        end = scheduler.end(task_id)
        assert end.state is ReportedState.FINISHED
        assert end.exit_code == 0
        states = [
            s.state for s in scheduler.statuses(task_id) if s.state is not ReportedState.STARTING
        ]
        assert states == [ReportedState.RUNNING, ReportedState.FINISHED]

    def test_updates_carry_what_an_acknowledgement_needs(self, scheduler):
        task_id = scheduler.launch("true")
        scheduler.end(task_id)
        updates = scheduler.statuses(task_id)
        assert all(update.uuid and update.agent_id for update in updates)
        assert len({update.uuid for update in updates}) == len(updates)
        assert not any(update.reconciled for update in updates)

    def test_fail_with_their_exit_code(self, scheduler):
        end = scheduler.run("exit 7")
        assert (end.state, end.exit_code) == (ReportedState.FAILED, 7)
        assert end.message

    def test_are_killed(self, scheduler):
        task_id = scheduler.launch("sleep 1000")
        status = scheduler.running(task_id)
        scheduler.do(Kill(task_id, status.agent_id, grace=5.0))
        assert scheduler.end(task_id).state is ReportedState.KILLED

    def test_run_on_when_the_scheduler_leaves(self, cluster, scheduler, tmp_path):
        gate = tmp_path / "gate"
        task_id = scheduler.launch(f"until [ -e {gate} ]; do sleep 0.01; done")
        scheduler.running(task_id)
        scheduler.driver.stop()
        gate.touch()
        assert cluster.connect().start().end(task_id).state is ReportedState.FINISHED

    def test_one_id_is_used_once(self, cluster, scheduler, tmp_path):
        witness = tmp_path / "witness"
        task_id = scheduler.launch(f"echo >> {witness}; sleep 1000", task_id="once")
        scheduler.running(task_id)
        until(lambda: witness.exists() and witness.read_text(), "the command has begun")
        if not cluster.is_mesos:
            scheduler.do(Kill(task_id, scheduler.agent_id(), 1.0))
            scheduler.acknowledge(scheduler.end(task_id))
        scheduler.launch(f"echo >> {witness}", task_id="once")
        assert scheduler.status("once", ReportedState.ERROR).message
        assert witness.read_text() == "\n"


class TestUpdates:
    def test_come_again_until_acknowledged(self, cluster, scheduler):
        task_id = scheduler.launch("exit 3")
        before = scheduler.end(task_id)
        scheduler.driver.stop()
        second = cluster.connect().start()
        after = second.end(task_id)
        assert after == before
        if not cluster.is_mesos:
            assert second.statuses(task_id)[0].state is ReportedState.RUNNING

    def test_come_no_more_once_acknowledged(self, cluster, scheduler):
        end = scheduler.run("true")
        later = scheduler.run("true", task_id="later")
        known(scheduler, later.task_id)  # asked after the acknowledgement, so it has arrived
        scheduler.driver.stop()
        second = cluster.connect().start()
        second.offer()
        assert not second.statuses(end.task_id)
        assert not second.statuses(later.task_id)


class TestOffers:
    def test_what_a_launch_leaves_is_offered_again(self, scheduler):
        task_id = scheduler.launch("sleep 1000", cpus=1500)
        scheduler.running(task_id)
        scheduler.wait(lambda: scheduler.free_cpus() == CPUS - 1500, "the rest")

    def test_what_a_task_frees_is_offered_again(self, scheduler):
        scheduler.run("true", cpus=CPUS)
        scheduler.wait(lambda: scheduler.free_cpus() == CPUS, "everything")

    def test_ports_are_given_to_the_task_and_come_back(self, scheduler, tmp_path):
        offer = scheduler.offer()
        port = offer.port_ranges[0].first
        out = tmp_path / "port"
        resources = Resources(cpus=1000, mem=10, ports=1)
        task_id = scheduler.launch(
            f"echo $PORT0 > {out}; sleep 1000", resources=resources, ports=(port,)
        )
        scheduler.running(task_id)
        until(lambda: out.exists() and out.read_text() == f"{port}\n", "PORT0 in its environment")
        rest = scheduler.offer()
        assert rest.resources.ports == offer.resources.ports - 1
        assert not any(part.first <= port <= part.last for part in rest.port_ranges)
        scheduler.do(Kill(task_id, offer.agent_id, 1.0))
        scheduler.end(task_id)
        scheduler.wait(
            lambda: sum(o.resources.ports for o in scheduler.offers()) == offer.resources.ports,
            "all ports",
        )

    def test_a_refused_offer_stays_away_until_revived(self, scheduler):
        offer = scheduler.offer()
        scheduler.do(Decline((offer.id,), 1000.0))
        assert known(scheduler, "nobody") in NOBODYS  # a round trip
        assert len(scheduler.of(OffersReceived)) == 1
        scheduler.do(Revive())
        scheduler.wait(lambda: len(scheduler.of(OffersReceived)) == 2, "an offer")

    def test_more_than_was_refused_is_offered(self, scheduler):
        task_id = scheduler.launch("sleep 1000", cpus=1000)
        scheduler.running(task_id)
        rest = scheduler.offer()
        scheduler.do(Decline((rest.id,), 1000.0))
        scheduler.do(Kill(task_id, rest.agent_id, 1.0))
        scheduler.end(task_id)
        scheduler.wait(lambda: scheduler.offer().resources.cpus == CPUS, "everything in one offer")

    def test_an_offer_declined_for_no_time_comes_back(self, scheduler):
        offer = scheduler.offer()
        scheduler.do(Decline((offer.id,), 0.0))
        scheduler.wait(lambda: len(scheduler.of(OffersReceived)) == 2, "another offer")

    def test_none_while_suppressed(self, scheduler):
        task_id = scheduler.launch("true", cpus=CPUS)
        scheduler.do(Suppress())
        scheduler.end(task_id)
        assert known(scheduler, task_id) is ReportedState.FINISHED  # a round trip
        assert scheduler.free_cpus() == 0
        scheduler.do(Revive())
        scheduler.wait(lambda: scheduler.free_cpus() == CPUS, "everything")

    def test_tell_whose_they_are(self, cluster, scheduler):
        assert scheduler.offer().role == (cluster.roles[0] if cluster.roles else None)

    def test_silence_may_be_asked_for_by_role(self, cluster, scheduler):
        task_id = scheduler.launch("true", cpus=CPUS)
        scheduler.do(Suppress(cluster.roles))
        scheduler.end(task_id)
        assert known(scheduler, task_id) is ReportedState.FINISHED  # a round trip
        assert scheduler.free_cpus() == 0
        scheduler.do(Revive(cluster.roles))
        scheduler.wait(lambda: scheduler.free_cpus() == CPUS, "everything")

    def test_answers_to_questions_that_nobody_asked_do_no_harm(self, scheduler):
        scheduler.subscribed()
        scheduler.do(AcceptInverse(("never",), 1.0), DeclineInverse(("asked",), 1.0))
        assert scheduler.run("true").state is ReportedState.FINISHED

    def test_a_used_offer_launches_nothing(self, scheduler, tmp_path):
        witness = tmp_path / "witness"
        offer = scheduler.offer()
        scheduler.do(Decline((offer.id,), 0.0))
        key = AttemptKey("r", "j", 1)
        late = Launch("late", key, offer.agent_id, f"touch {witness}", Resources(cpus=1000, mem=10))
        scheduler.use([offer], late)
        end = scheduler.end("late")
        assert end.state in (ReportedState.DROPPED, ReportedState.LOST)
        scheduler.run("true")
        assert not witness.exists()

    def test_more_than_was_offered_never_runs(self, scheduler):
        resources = Resources(cpus=CPUS + 1, mem=10)
        task_id = scheduler.launch("true", resources=resources)
        assert scheduler.end(task_id).state in (ReportedState.ERROR, ReportedState.DROPPED)
        scheduler.wait(lambda: scheduler.free_cpus() == CPUS, "everything")


class TestReconciling:
    def test_a_live_task(self, scheduler):
        task_id = scheduler.launch("sleep 1000")
        scheduler.running(task_id)
        assert known(scheduler, task_id) is ReportedState.RUNNING

    def test_a_task_that_nobody_knows(self, scheduler):
        assert known(scheduler, "never-launched") in NOBODYS

    def test_a_task_of_an_agent_that_is_no_more(self, scheduler):
        scheduler.subscribed()
        scheduler.do(Reconcile((("elsewhere", "another-agent"),)))
        assert scheduler.status("elsewhere", *NOBODYS).reconciled

    def test_everything_names_the_live_tasks_only(self, scheduler):
        over = scheduler.run("true")
        tasks = {scheduler.launch("sleep 1000") for _ in range(2)}
        for task_id in tasks:
            scheduler.running(task_id)
        scheduler.do(Reconcile())

        def answers() -> set[str]:
            return {s.task_id for s in scheduler.of(StatusReceived) if s.reconciled}

        scheduler.wait(lambda: answers() >= tasks, "all live tasks")
        assert over.task_id not in answers()
