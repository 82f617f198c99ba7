"""Trigger rules: the verdict over how the upstream jobs stand. Pure, and blind to the order of arrival.

A verdict is given as soon as nothing that may still happen could change it, and not before. So failure beats
skip: a rule that fails on a failure says so at once, while a skip that a failure could still overrule waits.
Conditions (`run_if`) are in `core.foresight`: they ask after jobs by name, not by number.
"""

from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from math import ceil

from moroccron.core.tally import Tally
from moroccron.model.dag_version import JobSpec, TriggerRule


class RuleVerdict(Enum):
    """What a rule says of a job, given its upstream jobs."""

    WAIT = auto()
    RUN = auto()
    SKIP = auto()
    UPSTREAM_FAILED = auto()


Judge = Callable[[Tally], RuleVerdict]

WAIT, RUN, SKIP = RuleVerdict.WAIT, RuleVerdict.RUN, RuleVerdict.SKIP
UPSTREAM_FAILED = RuleVerdict.UPSTREAM_FAILED


def rule_verdict(rule: TriggerRule, upstream: Tally) -> RuleVerdict:
    """Whether a job with such upstream jobs may start. One without any may, whatever its rule."""
    return JUDGES[rule](upstream) if any(upstream) else RUN


def judge_of(spec: JobSpec) -> Judge:
    """The rule of a job that has upstream jobs and no condition."""
    if spec.teardown_of:
        return partial(teardown, len(spec.teardown_of))
    if spec.min_success is not None:
        return partial(min_success, needed(spec.min_success, len(spec.upstream)))
    return JUDGES[spec.trigger_rule]


def needed(min_success: int | float, upstream: int) -> int:
    """How many of so many upstream jobs must succeed; a share is rounded up."""
    if isinstance(min_success, int):
        return min_success
    return ceil(
        min_success * upstream - 1e-9
    )  # 0.1 of 30 is 3, whatever binary fractions make of it


def _all_success(up: Tally) -> RuleVerdict:
    if up.bad:
        return UPSTREAM_FAILED
    if up.open:
        return WAIT
    return SKIP if up.skipped else RUN


def _all_failed(up: Tally) -> RuleVerdict:
    if up.succeeded or up.skipped:
        return SKIP
    return WAIT if up.open else RUN


def _all_done(up: Tally) -> RuleVerdict:
    return WAIT if up.open else RUN


def _all_done_min_one_success(up: Tally) -> RuleVerdict:
    if up.open:
        return WAIT
    return RUN if up.succeeded else _unmet(up)


def _all_skipped(up: Tally) -> RuleVerdict:
    if up.succeeded or up.bad:
        return SKIP
    return WAIT if up.open else RUN


def _one_success(up: Tally) -> RuleVerdict:
    if up.succeeded:
        return RUN
    return WAIT if up.open else _unmet(up)


def _one_failed(up: Tally) -> RuleVerdict:
    if up.bad:
        return RUN
    return WAIT if up.open else SKIP


def _one_done(up: Tally) -> RuleVerdict:
    if up.succeeded or up.failed:
        return RUN
    return WAIT if up.open else _unmet(up)


def _none_failed(up: Tally) -> RuleVerdict:
    if up.bad:
        return UPSTREAM_FAILED
    return WAIT if up.open else RUN


def _none_failed_min_one_success(up: Tally) -> RuleVerdict:
    if up.bad:
        return UPSTREAM_FAILED
    if up.open:
        return WAIT
    return RUN if up.succeeded else SKIP


def _none_skipped(up: Tally) -> RuleVerdict:
    if up.skipped:
        return SKIP
    return WAIT if up.open else RUN


def _always(_up: Tally) -> RuleVerdict:
    return RUN


def min_success(count: int, up: Tally) -> RuleVerdict:
    """At once when so many succeeded; never once too few are left that could."""
    if up.succeeded >= count:
        return RUN
    if up.succeeded + up.open >= count:
        return WAIT
    if up.bad:
        return UPSTREAM_FAILED
    return WAIT if up.open else SKIP


def teardown(setups: int, up: Tally) -> RuleVerdict:
    """Once a setup succeeded and all is over; never once all setups are over and none succeeded.

    All but the setups are counted as open or not at all (`Bond.WATCHED`).
    """
    if up.succeeded:
        return WAIT if up.open else RUN
    return _unmet(up) if up.bad + up.skipped == setups else WAIT


def _unmet(up: Tally) -> RuleVerdict:
    return UPSTREAM_FAILED if up.bad else SKIP


JUDGES: dict[TriggerRule, Judge] = {
    TriggerRule.ALL_SUCCESS: _all_success,
    TriggerRule.ALL_FAILED: _all_failed,
    TriggerRule.ALL_DONE: _all_done,
    TriggerRule.ALL_DONE_MIN_ONE_SUCCESS: _all_done_min_one_success,
    TriggerRule.ALL_SKIPPED: _all_skipped,
    TriggerRule.ONE_SUCCESS: _one_success,
    TriggerRule.ONE_FAILED: _one_failed,
    TriggerRule.ONE_DONE: _one_done,
    TriggerRule.NONE_FAILED: _none_failed,
    TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS: _none_failed_min_one_success,
    TriggerRule.NONE_SKIPPED: _none_skipped,
    TriggerRule.ALWAYS: _always,
}

#: rules that the success of one upstream job among others may decide; the rest need not look then
DECIDED_BY_SUCCESS = frozenset(
    {
        TriggerRule.ALL_FAILED,
        TriggerRule.ALL_SKIPPED,
        TriggerRule.ONE_SUCCESS,
        TriggerRule.ONE_DONE,
        TriggerRule.ALWAYS,
    }
)
