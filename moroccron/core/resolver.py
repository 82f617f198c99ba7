"""Which jobs became ready, and which never will be. Derived from states and rules, whatever the order of arrival.

Only jobs whose upstream changed are looked at; `resolve_fully` looks at all and must find nothing more
(a property test holds the two against each other).
"""

from collections.abc import Iterable
from typing import NamedTuple

from moroccron.core.draft import Draft
from moroccron.core.judging import Finding, judge
from moroccron.core.moves import decide_unrun, queue_attempt
from moroccron.core.previous import job_is_held
from moroccron.core.rules import RuleVerdict
from moroccron.core.run_view import RunView
from moroccron.model.states import JobRunState

#: what becomes of a job that will not run
UNRUN = {
    RuleVerdict.SKIP: JobRunState.SKIPPED,
    RuleVerdict.UPSTREAM_FAILED: JobRunState.UPSTREAM_FAILED,
}


class Readiness(NamedTuple):
    """A waiting job whose rule is decided."""

    position: int
    finding: Finding


def readiness(run: RunView, positions: Iterable[int]) -> list[Readiness]:
    """Those of the jobs that wait and need not wait any more, in topological order."""
    found = []
    for position in sorted(positions):
        if run.job_run(position).state is not JobRunState.WAITING:
            continue
        said = judge(run.graph, position, run.tallies[position], run.seen_by(position))
        if said.verdict is not RuleVerdict.WAIT:
            found.append(Readiness(position, said))
    return found


def resolve(draft: Draft, run: RunView) -> None:
    """Decide every job of a begun run whose rule can be decided, until nothing more follows."""
    while run.dirty:
        dirty, run.dirty = run.dirty, set()
        for found in readiness(run, dirty):
            job_run, said = run.job_run(found.position), found.finding
            if said.verdict is RuleVerdict.RUN:
                _start(draft, run, found.position)
            else:
                decide_unrun(
                    draft, job_run, UNRUN[said.verdict], said.cause, f"upstream {said.cause}"
                )


def _start(draft: Draft, run: RunView, position: int) -> None:
    """A job's rule holds: give it an attempt, unless the previous run holds it back."""
    looks_back = position in run.graph.after_previous
    if looks_back and job_is_held(draft, run, position):
        return
    due = None if looks_back or run.graph.upstream[position] else run.run.due
    queue_attempt(draft, run, run.job_run(position), "ready", due=due)


def resolve_fully(run: RunView) -> list[Readiness]:
    """What `resolve` would decide if it looked at every job."""
    return readiness(run, range(len(run.graph.specs)))
