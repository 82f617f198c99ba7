"""Trigger rules: every multiset of up to four upstream states, against the rules said in plain words."""

from itertools import combinations_with_replacement

import pytest

from moroccron.core.rules import RuleVerdict, Tally, rule_verdict
from moroccron.model.dag_version import TriggerRule

V = RuleVerdict
WORDS = ("open", "succeeded", "failed", "skipped")


def in_plain_words(rule, states):
    """The definition, spelt out over the states instead of their counts."""
    done = "open" not in states
    failed = "failed" in states
    if rule is TriggerRule.ALL_DONE:
        return V.RUN if done else V.WAIT
    if rule is TriggerRule.ONE_FAILED:
        if failed:
            return V.RUN
        return V.SKIP if done else V.WAIT
    if failed:
        return V.UPSTREAM_FAILED
    if not done:
        return V.WAIT
    if rule is TriggerRule.ALL_SUCCESS:
        return V.RUN if set(states) == {"succeeded"} else V.SKIP
    return V.RUN if "succeeded" in states else V.SKIP


@pytest.mark.parametrize("rule", list(TriggerRule))
def test_every_combination_of_up_to_four(rule):
    for size in range(1, 5):
        for states in combinations_with_replacement(WORDS, size):
            tally = Tally(
                size, states.count("succeeded"), states.count("failed"), states.count("skipped")
            )
            assert rule_verdict(rule, tally) is in_plain_words(rule, states), states


@pytest.mark.parametrize("rule", list(TriggerRule))
def test_without_upstream_a_job_runs(rule):
    assert rule_verdict(rule, Tally(0)) is V.RUN


@pytest.mark.parametrize("rule", list(TriggerRule))
def test_a_decided_rule_stays_decided_whatever_ends_next(rule):
    for size in range(1, 5):
        for states in combinations_with_replacement(WORDS, size):
            now = in_plain_words(rule, states)
            if now is V.WAIT or "open" not in states:
                continue
            for ending in WORDS[1:]:
                later = list(states)
                later[later.index("open")] = ending
                assert in_plain_words(rule, later) is now, (states, ending)
