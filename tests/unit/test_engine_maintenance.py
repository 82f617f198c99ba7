"""Agents that are to be maintained: what is launched there before, and what their operators are answered."""

from dataclasses import replace
from datetime import timedelta

import pytest

from moroccron.core.policy import DEFAULT_POLICY
from moroccron.model.command import TriggerRun
from moroccron.model.effects import Accept, AcceptInverse, DeclineInverse
from moroccron.model.events import (
    Disconnected,
    InverseOfferRescinded,
    InverseOffersReceived,
    OffersReceived,
)
from moroccron.model.offer import InverseOffer, Offer
from moroccron.model.resources import Resources
from moroccron.model.states import ReportedState as R
from moroccron.testing import a_job, a_version
from moroccron.testing.engine import Engine

POLICY = replace(DEFAULT_POLICY, assumed_runtime=600.0)


def engine_of(*jobs):
    engine = Engine(a_version(jobs=jobs), policy=POLICY)
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    return engine


def offer_until(engine, seconds, agent="a1"):
    """An offer of an agent whose maintenance begins so many seconds from now."""
    begins = engine.now + timedelta(seconds=seconds)
    some = Resources(8000, 8192)
    name = f"{agent}-{engine.now}-{seconds}"
    engine.send(
        OffersReceived((Offer(name, agent, f"{agent}.test", some, unavailable_from=begins),))
    )


def ask(engine, seconds, *, agent="a1", id="i1"):
    begins = engine.now + timedelta(seconds=seconds)
    engine.send(InverseOffersReceived((InverseOffer(id, agent, begins),)))


def answers(engine):
    kinds = {AcceptInverse: True, DeclineInverse: False}
    return [
        (offer_id, kinds[type(effect)])
        for effect in engine.effects
        if type(effect) in kinds
        for offer_id in effect.offer_ids
    ]


class TestLaunching:
    @pytest.mark.parametrize(
        ("fields", "lasts"),
        [({"timeout": 60.0, "kill_grace": 5.0}, 65), ({}, 600)],
    )
    def test_timeout_and_grace_decide_else_what_is_assumed(self, fields, lasts):
        engine = engine_of(a_job("a", **fields))
        offer_until(engine, lasts - 1)
        assert not engine.sent(Accept)
        offer_until(engine, lasts, agent="a2")
        (accept,) = engine.sent(Accept)
        assert accept.launches[0].agent_id == "a2"

    def test_what_it_waits_for_is_told_once_and_names_the_moment(self):
        engine = engine_of("a")
        offer_until(engine, 300)
        engine.pass_time(2)
        offer_until(engine, 298)
        engine.pass_time(2)
        lines = [h.line.message for h in engine.store.history() if h.line.cause == "vetoed"]
        assert lines == [
            "maintenance: counted as lasting 10 min, too long for the only agent, "
            "in maintenance from 2026-01-01 00:05:00 UTC on"
        ]
        assert engine.attempts("a")[0].message == lines[0]

    def test_an_offer_that_is_held_grows_old(self):
        engine = engine_of("a", a_job("b", ["a"]))
        engine.offer()
        offer_until(engine, 600.5, agent="a2")
        engine.pass_time(0.6)
        engine.report(engine.task("a"), R.FINISHED)
        assert engine.jobs()["b"] == "queued"


class TestAnswers:
    def test_who_runs_nothing_there_accepts(self):
        engine = engine_of("a")
        engine.offer(agent="a2")
        ask(engine, 10)
        assert engine.sent(AcceptInverse) == [AcceptInverse(("i1",), POLICY.inverse_interval)]

    def test_what_ends_in_time_is_no_reason_to_decline(self):
        engine = engine_of(a_job("a", timeout=60.0, kill_grace=5.0))
        engine.offer()
        engine.report(engine.task("a"), R.RUNNING)
        engine.pass_time(30)
        ask(engine, 35, id="in time")
        ask(engine, 34, id="not in time")
        assert answers(engine) == [("in time", True), ("not in time", False)]
        (decline,) = engine.sent(DeclineInverse)
        assert decline.refuse_seconds == POLICY.inverse_interval

    def test_all_that_runs_there_counts(self):
        engine = engine_of(a_job("a", timeout=60.0), a_job("b", timeout=900.0))
        engine.offer()
        ask(engine, 300)
        engine.report(engine.task("b"), R.FINISHED)
        ask(engine, 300, id="i2")
        assert answers(engine) == [("i1", False), ("i2", True)]

    def test_what_should_be_over_and_is_not_may_last_for_ever(self):
        engine = engine_of("a")
        engine.offer()
        engine.report(engine.task("a"), R.RUNNING)
        engine.pass_time(601)
        ask(engine, 10**6)
        assert answers(engine) == [("i1", False)]

    def test_what_is_launched_in_the_same_breath_counts(self):
        engine = engine_of("a")
        begins = engine.now + timedelta(seconds=10)
        offer = Offer("o", "a1", "h", Resources(8000, 8192))
        question = InverseOffersReceived((InverseOffer("i1", "a1", begins),))
        engine.send(question, OffersReceived((offer,)))
        assert answers(engine) == [("i1", False)]

    def test_of_no_agent_in_particular_it_is_about_all(self):
        engine = engine_of(a_job("a", timeout=60.0))
        engine.offer()
        ask(engine, 10, agent=None, id="soon")
        ask(engine, 100, agent=None, id="late")
        assert answers(engine) == [("soon", False), ("late", True)]

    def test_what_was_rescinded_is_not_answered(self):
        engine = engine_of("a")
        question = InverseOffersReceived((InverseOffer("i1", "a1", engine.now),))
        engine.send(question, InverseOfferRescinded("i1"))
        engine.send(InverseOfferRescinded("never made"))
        engine.send(question, Disconnected("gone"))
        assert answers(engine) == []
