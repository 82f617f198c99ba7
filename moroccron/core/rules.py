"""Trigger rules: the verdict over the states of the upstream jobs. Pure, and blind to the order of arrival.

Failure beats skip: a rule that fails on a failed upstream says so at once, while a skip is only decided when
every upstream job is done, since a failure could still come.
"""

from dataclasses import dataclass
from enum import Enum, auto

from moroccron.model.dag_version import TriggerRule


class RuleVerdict(Enum):
    """What a rule says of a job, given its upstream jobs."""

    WAIT = auto()
    RUN = auto()
    SKIP = auto()
    UPSTREAM_FAILED = auto()


@dataclass(slots=True)
class Tally:
    """How many upstream jobs there are, and how many ended in which of three ways."""

    total: int
    succeeded: int = 0
    failed: int = 0  #: failed, lost, killed or upstream_failed
    skipped: int = 0

    @property
    def done(self) -> int:
        return self.succeeded + self.failed + self.skipped


def rule_verdict(rule: TriggerRule, upstream: Tally) -> RuleVerdict:
    """Whether a job may start. A job without upstream jobs may, whatever its rule."""
    if upstream.total == 0:
        return RuleVerdict.RUN
    all_done = upstream.done == upstream.total
    match rule:
        case TriggerRule.ALL_SUCCESS:
            if upstream.failed:
                return RuleVerdict.UPSTREAM_FAILED
            if not all_done:
                return RuleVerdict.WAIT
            return RuleVerdict.SKIP if upstream.skipped else RuleVerdict.RUN
        case TriggerRule.ALL_DONE:
            return RuleVerdict.RUN if all_done else RuleVerdict.WAIT
        case TriggerRule.ONE_FAILED:
            if upstream.failed:
                return RuleVerdict.RUN
            return RuleVerdict.SKIP if all_done else RuleVerdict.WAIT
        case TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS:
            if upstream.failed:
                return RuleVerdict.UPSTREAM_FAILED
            if not all_done:
                return RuleVerdict.WAIT
            return RuleVerdict.RUN if upstream.succeeded else RuleVerdict.SKIP
