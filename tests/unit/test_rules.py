"""Trigger rules, exhaustively for up to four upstream jobs, against a second implementation.

The second one knows no early decisions. It says in plain words what a rule makes of jobs that are all over, plays
through every way in which the open ones may end, and decides when all of them agree.
"""

from itertools import combinations_with_replacement, product

import pytest

from moroccron.core.rules import RuleVerdict, min_success, needed, rule_verdict, teardown
from moroccron.core.tally import COUNTED, Bond, Kind, Tally, kind_of, unpack, weight
from moroccron.model.dag_version import TriggerRule as R
from moroccron.model.states import JobRunState

V = RuleVerdict
K = Kind
ENDS = [kind for kind in COUNTED if kind is not K.OPEN]
UP_TO_FOUR = [s for n in range(1, 5) for s in combinations_with_replacement(COUNTED, n)]
#: rules that wait for all even when it is clear what will come of it
WAITING_FOR_ALL = {R.ALL_DONE, R.ALL_DONE_MIN_ONE_SUCCESS}


def count(states):
    return Tally(*(states.count(kind) for kind in COUNTED))


def at_the_end(rule, states):
    """What a rule, or a number of successes that is wanted, makes of jobs that are all over."""
    good = [s for s in states if s is K.SUCCEEDED]
    bad = [s for s in states if s in (K.FAILED, K.UPSTREAM_FAILED)]
    skipped = [s for s in states if s is K.SKIPPED]
    otherwise = V.UPSTREAM_FAILED if bad else V.SKIP
    if isinstance(rule, int):
        return V.RUN if len(good) >= rule else otherwise
    match rule:
        case R.ALL_SUCCESS:
            return V.RUN if len(good) == len(states) else otherwise
        case R.ALL_FAILED:
            return V.RUN if len(bad) == len(states) else V.SKIP
        case R.ALL_DONE | R.ALWAYS:
            return V.RUN
        case R.ALL_DONE_MIN_ONE_SUCCESS | R.ONE_SUCCESS:
            return V.RUN if good else otherwise
        case R.ALL_SKIPPED:
            return V.RUN if len(skipped) == len(states) else V.SKIP
        case R.ONE_FAILED:
            return V.RUN if bad else V.SKIP
        case R.ONE_DONE:
            return V.RUN if good or K.FAILED in states else otherwise
        case R.NONE_FAILED:
            return V.UPSTREAM_FAILED if bad else V.RUN
        case R.NONE_FAILED_MIN_ONE_SUCCESS:
            return V.RUN if good and not bad else otherwise
        case R.NONE_SKIPPED:
            return V.SKIP if skipped else V.RUN


def completions(states):
    """Every way in which the open ones may end."""
    return product(*(ENDS if state is K.OPEN else [state] for state in states))


def plainly(rule, states):
    if rule in WAITING_FOR_ALL and K.OPEN in states:
        return V.WAIT
    outcomes = {at_the_end(rule, ended) for ended in completions(states)}
    return outcomes.pop() if len(outcomes) == 1 else V.WAIT


@pytest.mark.parametrize("rule", list(R))
def test_a_verdict_is_due_exactly_when_all_that_may_come_agrees_on_it(rule):
    for states in UP_TO_FOUR:
        assert rule_verdict(rule, count(states)) is plainly(rule, states), states


@pytest.mark.parametrize("wanted", range(1, 5))
def test_so_many_successes_in_the_same_way(wanted):
    for states in UP_TO_FOUR:
        if len(states) >= wanted:
            assert min_success(wanted, count(states)) is plainly(wanted, states), states


@pytest.mark.parametrize("rule", list(R))
def test_without_upstream_a_job_runs(rule):
    assert rule_verdict(rule, Tally()) is V.RUN


@pytest.mark.parametrize("rule", list(R))
def test_a_decided_rule_stays_decided_whatever_ends_next(rule):
    for states in UP_TO_FOUR:
        now = rule_verdict(rule, count(states))
        if now is V.WAIT or K.OPEN not in states:
            continue
        for end in ENDS:
            later = list(states)
            later[later.index(K.OPEN)] = end
            assert rule_verdict(rule, count(later)) is now, (states, end)


def test_a_teardown_asks_its_setups_and_waits_for_all():
    for setups in (n for n in UP_TO_FOUR if len(n) <= 2):
        for others in ((), (K.OPEN,), (K.FAILED,), (K.SKIPPED, K.SUCCEEDED), (K.FAILED, K.OPEN)):
            packed = sum(weight(kind, Bond.PLAIN) for kind in setups)
            packed += sum(weight(kind, Bond.WATCHED) for kind in others)
            ends = {at_the_end(R.ONE_SUCCESS, ended) for ended in completions(setups)}
            expected = ends.pop() if len(ends) == 1 else V.WAIT
            if expected is V.RUN and K.OPEN in setups + others:
                expected = V.WAIT
            assert teardown(len(setups), unpack(packed)) is expected, (setups, others)


def test_a_share_is_rounded_up_and_an_exact_one_is_not():
    assert [needed(0.1, 30), needed(0.1, 31), needed(5 / 6, 6), needed(1.0, 7)] == [3, 4, 5, 7]
    assert [needed(0.01, 3), needed(1 / 14, 14), needed(3, 8)] == [1, 1, 3]


def test_a_forgiven_failure_counts_as_a_success():
    for kind in COUNTED:
        forgiven = unpack(weight(kind, Bond.FORGIVEN))
        is_failure = kind in (K.FAILED, K.UPSTREAM_FAILED)
        assert forgiven == count([K.SUCCEEDED if is_failure else kind])


def test_what_is_left_out_is_not_there_but_as_a_setup_it_is_skipped():
    for bond in (Bond.PLAIN, Bond.FORGIVEN, Bond.WATCHED):
        assert weight(K.LEFT_OUT, bond) == 0
    assert unpack(weight(K.LEFT_OUT, Bond.SETUP)) == count([K.SKIPPED])


def test_every_state_counts_as_its_kind():
    kinds = {state: kind_of(state) for state in JobRunState if kind_of(state) is not K.OPEN}
    assert kinds == {
        JobRunState.SUCCEEDED: K.SUCCEEDED,
        JobRunState.FAILED: K.FAILED,
        JobRunState.LOST: K.FAILED,
        JobRunState.KILLED: K.FAILED,
        JobRunState.UPSTREAM_FAILED: K.UPSTREAM_FAILED,
        JobRunState.SKIPPED: K.SKIPPED,
        JobRunState.NOT_SELECTED: K.LEFT_OUT,
    }
