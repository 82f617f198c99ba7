"""The engine: priority grows with waiting, and owners share the cluster by weight and within caps."""

from collections import Counter

import pytest

from moroccron.core.policy import Policy
from moroccron.model.command import Outcome, RemoveShare, SetShare, TriggerRun
from moroccron.model.effects import Revive
from moroccron.model.resources import Resources
from moroccron.model.share import Share, ShareUse
from moroccron.model.states import ReportedState
from moroccron.testing import a_job, a_version
from moroccron.testing.engine import Engine

BIG = Resources(cpus=1000, mem=100)


def work(owner, number=20, **fields):
    """A DAG of an owner with as many jobs side by side as are named."""
    values = {"resources": BIG} | fields
    jobs = [a_job(f"{owner}{n:02}", **values) for n in range(number)]
    return a_version(f"of-{owner}", jobs=jobs, owners=(owner,))


def started(*versions, policy=None):
    engine = Engine(*versions, policy=policy or Policy())
    engine.subscribe()
    for version in versions:
        engine.ask(TriggerRun(version.dag_id))
    return engine


def active(engine):
    """How many attempts of each DAG may run."""
    return Counter(a.run_id.partition("@")[0] for a in engine.view.live_attempts())


def offer(engine, cpus=8):
    engine.offer(1000 * cpus, 64_000)


class TestWeights:
    def test_owners_with_as_much_to_do_have_as_much(self):
        engine = started(work("ada"), work("bob"))
        offer(engine)
        assert active(engine) == {"of-ada": 4, "of-bob": 4}

    def test_twice_the_weight_is_twice_as_much(self):
        engine = started(work("ada"), work("bob"))
        assert engine.ask(SetShare("ada", weight=3)).outcome is Outcome.DONE
        offer(engine)
        assert active(engine) == {"of-ada": 6, "of-bob": 2}

    def test_who_comes_late_catches_up(self):
        engine = started(work("ada"))
        offer(engine)
        engine.load(work("ada"), work("bob"))
        engine.ask(TriggerRun("of-bob"))
        offer(engine)
        assert active(engine) == {"of-ada": 8, "of-bob": 8}

    def test_what_is_more_urgent_goes_first_whosever_it_is(self):
        engine = started(work("ada", priority=1), work("bob"))
        offer(engine)
        assert active(engine) == {"of-ada": 8}

    def test_a_job_counts_for_its_own_owner_before_its_dags(self):
        jobs = [a_job(f"j{n}", resources=BIG, owners=("bob",)) for n in range(9)]
        engine = started(a_version("shared", jobs=jobs, owners=("ada",)), work("bob"))
        offer(engine)
        assert {use.share.owner: use.jobs for use in engine.store.shares()} == {"bob": 8}


class TestCaps:
    @pytest.mark.parametrize(
        ("share", "most"),
        [
            (SetShare("ada", cpus=2500), 2),
            (SetShare("ada", mem=300), 3),
            (SetShare("ada", jobs=1), 1),
            (SetShare("ada", jobs=0), 0),
        ],
    )
    def test_no_more_is_held_than_the_cap_and_the_others_have_the_rest(self, share, most):
        engine = started(work("ada"), work("bob"))
        engine.ask(share)
        offer(engine)
        assert active(engine)["of-ada"] == most
        assert active(engine)["of-bob"] == 8 - most

    def test_who_waits_for_it_is_told(self):
        engine = started(work("ada", 2))
        engine.ask(SetShare("ada", cpus=1500))
        offer(engine)
        engine.pass_time(2)
        offer(engine)
        waiting = engine.attempts("ada01", engine.runs()[0].id)[-1]
        assert (
            waiting.message
            == "owner ada: asks for 1 cpus, and has 1 cpus of the 1.5 cpus that they may"
        )

    def test_what_can_never_be_is_told(self):
        engine = started(work("ada", 1))
        engine.ask(SetShare("ada", mem=64))
        engine.pass_time(2)
        offer(engine)
        waiting = engine.attempts("ada00", engine.runs()[0].id)[-1]
        assert waiting.message == "owner ada: asks for 100 MiB, and may have 64 MiB at most"

    def test_when_one_ends_the_next_asks_for_offers(self):
        engine = started(work("ada", 2))
        engine.ask(SetShare("ada", jobs=1))
        for _ in range(3):  # one is used, the others are refused: filters of ours are in force
            offer(engine)
            engine.pass_time(10)
        before = len(engine.sent(Revive))
        engine.report(engine.task("ada00"), ReportedState.FINISHED)
        engine.pass_time(10)
        assert len(engine.sent(Revive)) > before
        offer(engine)
        assert engine.jobs(engine.runs()[0].id) == {"ada00": "succeeded", "ada01": "launching"}

    def test_it_is_changed_live_and_what_runs_runs_on(self):
        engine = started(work("ada"))
        offer(engine, cpus=4)
        engine.ask(SetShare("ada", jobs=2))
        offer(engine)
        assert active(engine) == {"of-ada": 4}
        engine.ask(RemoveShare("ada"))
        assert active(engine) == {"of-ada": 12}, "the offer at hand is used at once"

    def test_a_new_leader_keeps_to_it(self):
        engine = started(work("ada"))
        engine.ask(SetShare("ada", jobs=3))
        offer(engine, cpus=2)
        engine.crash()
        engine.subscribe()
        offer(engine)
        assert active(engine) == {"of-ada": 3}


class TestAsking:
    def test_what_is_no_share_is_refused(self):
        engine = Engine()
        assert engine.ask(SetShare("ada", weight=0)).outcome is Outcome.REFUSED
        assert engine.ask(SetShare("", weight=1)).outcome is Outcome.REFUSED
        assert engine.ask(SetShare("ada", cpus=-1)).outcome is Outcome.REFUSED
        refused = engine.ask(RemoveShare("ada"))
        assert refused.detail == "ada has no share of their own"

    def test_what_there_is(self):
        engine = started(work("ada", 3))
        engine.ask(SetShare("bob", weight=2, jobs=5))
        offer(engine, cpus=2)
        assert engine.store.shares() == [
            ShareUse(Share("ada"), cpus=2000, mem=200, jobs=2, queued=1, set=False),
            ShareUse(Share("bob", weight=2, jobs=5)),
        ]


class TestAging:
    """One slot, and every 20 seconds another job of priority 5 that wants it."""

    def turns(self, aging):
        """After how many of the urgent ones the job of priority 0 had its turn; None: not within forty."""
        urgent = work("ada", 1, priority=5)
        engine = started(urgent, urgent, work("bob", 1), policy=Policy(aging=aging))
        for turn in range(40):
            engine.ask(TriggerRun("of-ada"))
            offer(engine, cpus=1)
            (live,) = list(engine.view.live_attempts())
            if live.job_id == "bob00":
                return turn
            engine.report(live.task_id, ReportedState.FINISHED)
            engine.pass_time(20)
        return None

    def test_what_waited_long_enough_goes_before_what_is_more_urgent(self):
        assert self.turns(60.0) == pytest.approx(15, abs=3)

    def test_without_it_the_less_urgent_wait_for_ever(self):
        assert self.turns(0.0) is None
