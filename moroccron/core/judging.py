"""What the rule of one job in a run says, and which upstream job closed it. Pure; changes nothing.

The resolver asks it of what is, a preview of what would be: `Standing` is all that either needs to show.
"""

from collections.abc import Callable
from dataclasses import dataclass

from moroccron.core.graph import JobGraph
from moroccron.core.rules import RuleVerdict
from moroccron.core.tally import KIND_OF, WEIGHTS, Bond, Kind, unpack
from moroccron.model.dag_version import TriggerRule
from moroccron.model.states import JobRunState

_FAILURES = frozenset({Kind.FAILED, Kind.UPSTREAM_FAILED})
#: what closes a rule that skips, where that is not a skip
_SKIPS = {
    TriggerRule.ALL_FAILED: frozenset({Kind.SUCCEEDED, Kind.SKIPPED}),
    TriggerRule.ALL_SKIPPED: frozenset({Kind.SUCCEEDED}) | _FAILURES,
}
_SKIPPED = frozenset({Kind.SKIPPED})

StateAt = Callable[[int], JobRunState]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says. `cause` is the upstream job that closed it, unless it may run or must wait."""

    verdict: RuleVerdict
    cause: str | None = None


_WAIT = Finding(RuleVerdict.WAIT)
_RUN = Finding(RuleVerdict.RUN)


def judge(graph: JobGraph, position: int, packed: int, state_at: StateAt) -> Finding:
    """The verdict on the job at a position, given its packed tally and a way to ask after states."""
    if not packed:
        return _RUN  # it has no upstream jobs, or all of them are left out
    condition = graph.conditions.get(position) if graph.conditions else None
    if condition is None:
        verdict = graph.judges[position](unpack(packed))
    else:
        verdict = condition.verdict([state_at(graph.position[job]) for job in condition.jobs])
    if verdict is RuleVerdict.WAIT:
        return _WAIT
    if verdict is RuleVerdict.RUN:
        return _RUN
    return Finding(verdict, _cause(graph, position, verdict, state_at))


def tally_of(graph: JobGraph, position: int, state_at: StateAt) -> int:
    """A packed tally from nothing."""
    return sum(WEIGHTS[bond][KIND_OF[state_at(up)]] for up, bond in graph.upstream[position])


def _cause(graph: JobGraph, position: int, verdict: RuleVerdict, state_at: StateAt) -> str:
    """The first upstream job, in topological order, that stands as the verdict says; else the first of all."""
    spec = graph.specs[position]
    closing = _FAILURES
    if verdict is RuleVerdict.SKIP:
        closing = _SKIPS.get(spec.trigger_rule, _SKIPPED)
        if spec.run_if is not None:
            closing = frozenset(Kind) - {Kind.OPEN, Kind.LEFT_OUT}
    for parent, bond in graph.upstream[position]:
        kind = KIND_OF[state_at(parent)]
        if kind is Kind.LEFT_OUT and bond is Bond.SETUP:
            kind = Kind.SKIPPED
        if bond in (Bond.PLAIN, Bond.SETUP) and kind in closing:
            return graph.specs[parent].id
    return graph.specs[graph.upstream[position][0][0]].id
