"""Offers by role: whose offers a job uses, and appetite for each role by itself."""

from dataclasses import replace

import pytest

from moroccron.core.policy import DEFAULT_POLICY
from moroccron.model.command import KillRun, TriggerRun
from moroccron.model.constraint import Constraint, Operator
from moroccron.model.effects import Accept, Decline, Revive, Suppress
from moroccron.model.events import Disconnected, Subscribed, TrustChanged
from moroccron.model.resources import Resources
from moroccron.model.states import ReportedState as R
from moroccron.testing import a_job, a_version
from moroccron.testing.engine import Engine

TWO = replace(DEFAULT_POLICY, roles=("batch", "night"))


def engine_of(*jobs, policy=TWO):
    """An engine that is subscribed with two roles, and whose only DAG was triggered."""
    engine = Engine(a_version(jobs=jobs), policy=policy)
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    return engine


def revived(engine):
    return [effect.roles for effect in engine.sent(Revive)]


def suppressed(engine):
    return [effect.roles for effect in engine.sent(Suppress)]


class TestWhoseOffers:
    def test_a_job_goes_to_offers_of_its_role_only(self):
        engine = engine_of(a_job("a", role="night"))
        engine.offer(role="batch")
        assert not engine.sent(Accept)
        engine.offer(role="night")
        (accept,) = engine.sent(Accept)
        assert accept.offer_ids == ("o2",)

    def test_a_job_that_names_none_uses_the_first(self):
        engine = engine_of("a", a_job("b", role="batch"))
        engine.offer(role="night")
        engine.offer(role="batch")
        (accept,) = engine.sent(Accept)
        assert accept.offer_ids == ("o2",)
        assert [launch.key.job_id for launch in accept.launches] == ["a", "b"]

    def test_offers_of_one_agent_and_role_are_used_together_those_of_two_never(self):
        whole = Resources(cpus=3000, mem=64)
        engine = engine_of(a_job("a", resources=whole), a_job("b", resources=whole, role="night"))
        for role in ("batch", "night", "night", "batch"):
            engine.offer(cpus=1500, role=role)
        assert {accept.offer_ids for accept in engine.sent(Accept)} == {("o2", "o3"), ("o1", "o4")}

    def test_where_there_are_no_roles_a_jobs_own_means_nothing(self):
        engine = engine_of(a_job("a", role="night"), policy=DEFAULT_POLICY)
        engine.offer()
        assert engine.jobs() == {"a": "launching"}

    def test_a_group_is_counted_over_all_roles(self):
        unique = (Constraint("hostname", Operator.UNIQUE),)
        engine = engine_of(
            a_job("a", constraints=unique), a_job("b", constraints=unique, role="night")
        )
        engine.offer(agent="a1", role="batch")
        engine.offer(agent="a1", role="night")
        assert engine.jobs() == {"a": "launching", "b": "queued"}
        engine.offer(agent="a2", role="night")
        assert engine.jobs()["b"] == "launching"


class TestGpus:
    """Agents with GPUs are offered to who says that it can use them, and to nobody else."""

    WITHOUT = replace(TWO, gpus=False)

    def test_a_job_that_wants_one_says_what_to_set_and_asks_for_no_offers(self):
        one = Resources(cpus=100, mem=32, gpus=1)
        engine = engine_of(a_job("a", resources=one), policy=self.WITHOUT)
        (attempt,) = engine.attempts("a")
        assert attempt.message == (
            "gpus: asks 1, but the scheduler takes no offers of agents with GPUs; set its setting gpus to on"
        )
        assert revived(engine) == []
        engine.policy = TWO
        engine.crash()
        engine.subscribe()
        engine.offer(role="batch", gpus=1)
        assert engine.jobs() == {"a": "launching"}
        assert engine.attempts("a")[0].message is None

    def test_other_jobs_do_not_care(self):
        engine = engine_of("a", policy=self.WITHOUT)
        engine.offer(role="batch")
        assert engine.jobs() == {"a": "launching"}


class TestARoleThatIsNotOurs:
    def test_is_named_with_the_remedy_at_once_and_once(self):
        engine = engine_of(a_job("a", role="etl"))
        told = engine.attempts("a")[0].message
        assert told == (
            "role etl: the scheduler takes offers of batch, night only; "
            "add etl to its setting role, or name another in the job"
        )
        engine.offer(role="batch")
        engine.crash()
        engine.subscribe()
        lines = [h.line.message for h in engine.store.history() if h.line.cause == "vetoed"]
        assert lines == [told]

    def test_asks_for_no_offers(self):
        engine = engine_of(a_job("a", role="etl"))
        assert revived(engine) == []
        engine.offer(role="batch")
        assert [d.refuse_seconds for d in engine.sent(Decline)] == []
        engine.pass_time(TWO.hold_offers)
        assert len(engine.sent(Decline)) == 1

    def test_is_placed_as_soon_as_it_is_ours(self):
        engine = engine_of(a_job("a", role="etl"))
        engine.policy = replace(TWO, roles=("batch", "etl"))
        engine.crash()
        engine.subscribe()
        engine.offer(role="etl")
        assert engine.jobs() == {"a": "launching"}
        assert engine.attempts("a")[0].message is None

    def test_can_be_killed(self):
        engine = engine_of(a_job("a", role="etl"))
        engine.ask(KillRun(engine.only_run().id))
        assert engine.jobs() == {"a": "killed"}


class TestAppetite:
    def test_with_nothing_to_run_every_role_is_suppressed(self):
        engine = Engine(a_version(), policy=TWO)
        engine.subscribe()
        assert suppressed(engine) == [("batch", "night")]

    def test_the_first_job_of_a_role_revives_that_role_only(self):
        engine = engine_of(a_job("a", role="night"))
        assert revived(engine) == [("night",)]

    def test_a_role_with_nothing_queued_is_suppressed_while_another_waits(self):
        engine = engine_of(a_job("a", ["b"]), a_job("b", role="night"))
        engine.send(Disconnected("gone"), Subscribed("f1"))
        before = suppressed(engine)
        engine.offer(role="batch")
        (decline,) = engine.sent(Decline)
        assert decline.offer_ids == ("o1",), "what another role waits for is given back at once"
        assert suppressed(engine) == [*before, ("batch",)]
        assert revived(engine) == [("night",), ("night",)], "the second on the new subscription"
        engine.offer(role="night")
        engine.report(engine.task("b"), R.FINISHED)
        assert revived(engine)[2:] == [("batch",)]

    def test_a_wish_for_silence_that_reached_the_next_subscription_is_taken_back(self):
        """It was decided on one connection and sent on the next, which was not yet known of."""
        engine = engine_of(a_job("a", ["b"]), a_job("b", role="night"))
        assert suppressed(engine) == [("batch", "night")]
        engine.send(Disconnected("gone"), Subscribed("f1"))  # says nothing of it
        engine.offer(role="night")
        engine.report(engine.task("b"), R.FINISHED)
        assert revived(engine)[-1] == ("batch",)

    def test_what_is_suppressed_is_revived_no_more_often_either(self):
        engine = Engine(a_version(), policy=TWO)
        engine.subscribe()
        for _ in range(10):
            run = engine.ask(TriggerRun("d")).detail
            engine.ask(KillRun(run))
            engine.pass_time(TWO.revive_interval / 10)
        assert len(revived(engine)) <= 2
        run = engine.ask(TriggerRun("d")).detail
        engine.pass_time(TWO.revive_interval)
        assert len(revived(engine)) <= 3
        engine.offer(role="batch")
        assert engine.jobs(run) == {"a": "launching"}

    def test_revivals_are_rationed_by_role(self):
        big = Resources(cpus=64_000, mem=32)
        engine = engine_of(a_job("a", resources=big), a_job("b", resources=big, role="night"))
        engine.offer(role="batch")
        engine.pass_time(0.5)
        engine.offer(agent="a2", role="night")
        engine.pass_time(1.2)  # both are given back, one half a second after the other
        before = len(revived(engine))
        engine.ask(TriggerRun("d"))
        engine.pass_time(TWO.revive_interval)
        asked = [role for roles in revived(engine)[before:] for role in roles]
        assert sorted(asked) == ["batch", "night"]

    def test_those_still_suppressed_on_a_new_subscription_are_revived_for_what_waits(self):
        engine = engine_of(a_job("a", role="night"))
        both = frozenset({"batch", "night"})
        engine.send(Disconnected("gone"), Subscribed("f1", suppressed=both))
        assert revived(engine) == [("night",), ("night",)]

    def test_those_still_suppressed_are_not_suppressed_again(self):
        engine = Engine(a_version(), policy=TWO)
        engine.subscribe()
        engine.send(Disconnected("gone"), Subscribed("f1", suppressed=frozenset({"batch"})))
        assert suppressed(engine) == [("batch", "night"), ("night",)]

    @pytest.mark.parametrize("role", ["batch", "night"])
    def test_what_was_declined_in_doubt_is_asked_for_again(self, role):
        engine = engine_of(a_job("a", role=role))
        engine.send(TrustChanged(False))
        engine.offer(role=role)
        engine.pass_time(2)
        before = len(revived(engine))
        engine.send(TrustChanged(True))
        engine.pass_time(2)
        assert revived(engine)[before:] == [(role,)]
