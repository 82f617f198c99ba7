"""Which jobs became ready, and which never will be. Derived from states and rules, whatever the order of arrival.

Only jobs whose upstream changed are looked at; `resolve_fully` looks at all and must find nothing more
(a property test holds the two against each other).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from moroccron.core.draft import Draft
from moroccron.core.moves import decide_unrun, queue_attempt
from moroccron.core.rules import RuleVerdict, rule_verdict
from moroccron.core.run_view import RunView
from moroccron.model.states import JobRunState


@dataclass(frozen=True, slots=True)
class Readiness:
    """What the rule of a waiting job says now. `cause` is the upstream job that closed it."""

    position: int
    verdict: RuleVerdict
    cause: str | None = None


def readiness(run: RunView, positions: Iterable[int]) -> list[Readiness]:
    """The verdicts on those of the jobs that wait, in topological order; those that must go on waiting left out."""
    found = []
    for position in sorted(positions):
        if run.job_run(position).state is not JobRunState.WAITING:
            continue
        said = rule_verdict(run.graph.specs[position].trigger_rule, run.tallies[position])
        if said is RuleVerdict.WAIT:
            continue
        cause = None if said is RuleVerdict.RUN else _cause(run, position, said)
        found.append(Readiness(position, said, cause))
    return found


def resolve(draft: Draft, run: RunView) -> None:
    """Decide every job of a begun run whose rule can be decided, until nothing more follows."""
    while run.dirty:
        dirty, run.dirty = run.dirty, set()
        for found in readiness(run, dirty):
            job_run, why = run.job_run(found.position), f"upstream {found.cause}"
            if found.verdict is RuleVerdict.RUN:
                is_root = not run.graph.upstream[found.position]
                queue_attempt(draft, run, job_run, "ready", due=run.run.due if is_root else None)
            elif found.verdict is RuleVerdict.SKIP:
                decide_unrun(draft, job_run, JobRunState.SKIPPED, found.cause, why)
            else:
                decide_unrun(draft, job_run, JobRunState.UPSTREAM_FAILED, found.cause, why)


def resolve_fully(run: RunView) -> list[Readiness]:
    """What `resolve` would decide if it looked at every job."""
    return readiness(run, range(len(run.graph.specs)))


def _cause(run: RunView, position: int, said: RuleVerdict) -> str | None:
    """The first upstream job, in topological order, whose state closed this one."""
    for parent in sorted(run.graph.upstream[position]):
        state = run.job_run(parent).state
        if said is RuleVerdict.UPSTREAM_FAILED and state.is_failure:
            return run.graph.specs[parent].id
        if said is RuleVerdict.SKIP and state is JobRunState.SKIPPED:
            return run.graph.specs[parent].id
    return run.graph.specs[run.graph.upstream[position][0]].id
