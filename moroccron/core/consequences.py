"""What follows for the jobs downstream when one job stands otherwise than it does. Pure: it changes nothing.

A retry and a mark are carried out by it and previewed by it, so that one is what the other said. Only what a
*rule* had decided can move: what has run, or was marked, stays.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush

from moroccron.core.judging import judge
from moroccron.core.rules import RuleVerdict
from moroccron.core.run_view import RunView
from moroccron.core.tally import ANY_OPEN, KIND_OF, STEPS, Bond, passed
from moroccron.model.run import JobRun
from moroccron.model.states import JobRunState

#: where a rule's verdict leads
AFTER = {
    RuleVerdict.WAIT: JobRunState.WAITING,
    RuleVerdict.RUN: JobRunState.QUEUED,
    RuleVerdict.SKIP: JobRunState.SKIPPED,
    RuleVerdict.UPSTREAM_FAILED: JobRunState.UPSTREAM_FAILED,
}
_BY_RULE = frozenset({JobRunState.SKIPPED, JobRunState.UPSTREAM_FAILED})


@dataclass(frozen=True, slots=True)
class Consequence:
    """A job that stands otherwise then. `cause`: the upstream job that closes it, if one does."""

    position: int
    before: JobRunState
    after: JobRunState
    cause: str | None

    @property
    def reopens(self) -> bool:
        """Whether it was over and is not any more."""
        return self.before.is_terminal and not self.after.is_terminal


def consequences(run: RunView, position: int, state: JobRunState) -> list[Consequence]:
    """All that follows, in topological order, if the job at a position stood in a state."""
    return list(_Supposition(run).follow(position, state))


def rerun_consequences(
    run: RunView, chosen: Collection[int], asked_again: Iterable[int]
) -> list[Consequence]:
    """All that follows, in topological order, if chosen jobs began anew and rules of others were asked again.

    A chosen job that has nothing to wait for runs, whatever its rule says of the jobs upstream: a person wants it.
    """
    return list(_Supposition(run).begin_anew(chosen, asked_again))


def is_movable(job_run: JobRun) -> bool:
    """Whether a rule decides where it stands: it waits, a rule closed it, or it never came to start."""
    if job_run.state is JobRunState.WAITING:
        return True
    if job_run.mark is not None:
        return False
    if job_run.state is JobRunState.KILLED:
        return job_run.attempts == 0  # killed with its run while it waited
    return job_run.state in _BY_RULE and job_run.cause is not None


class _Supposition:
    """A run as it is, but for what is supposed."""

    def __init__(self, run: RunView) -> None:
        self._run = run
        self._states: dict[int, JobRunState] = {}
        self._tallies: dict[int, int] = {}
        self._left: list[int] = []  #: positions to look at, a heap: what is upstream comes first

    def follow(self, position: int, state: JobRunState) -> Iterator[Consequence]:
        self._suppose(position, state)
        last = position
        while self._left:
            position = heappop(self._left)
            if position == last:
                continue
            last = position
            found = self._look_at(position)
            if found is not None:
                yield found

    def begin_anew(
        self, chosen: Collection[int], asked_again: Iterable[int]
    ) -> Iterator[Consequence]:
        for position in chosen:
            self._suppose(position, JobRunState.WAITING)
        for position in (*chosen, *asked_again):
            heappush(self._left, position)
        last = -1
        while self._left:
            position = heappop(self._left)
            if position == last:
                continue
            last = position
            found = self._restart(position) if position in chosen else self._look_at(position)
            if found is not None:
                yield found

    def _restart(self, position: int) -> Consequence:
        tally = self._tallies.get(position, self._run.tallies[position])
        after, cause = JobRunState.QUEUED, None
        if tally & ANY_OPEN:
            said = judge(self._run.graph, position, tally, self._seen_by(position))
            after, cause = AFTER[said.verdict], said.cause
        self._suppose(position, after)
        return Consequence(position, self._run.state_at(position), after, cause)

    def _look_at(self, position: int) -> Consequence | None:
        run = self._run
        job_run = run.job_run(position)
        if not is_movable(job_run):
            return None
        tally = self._tallies.get(position, run.tallies[position])
        said = judge(run.graph, position, tally, self._seen_by(position))
        after = AFTER[said.verdict]
        if after is job_run.state and not self._concerns(job_run.cause, said.cause):
            return None
        self._suppose(position, after)
        return Consequence(position, job_run.state, after, said.cause)

    def _concerns(self, before: str | None, after: str | None) -> bool:
        """Whether a job that stays closed is so for another's sake now, since its cause stands otherwise."""
        if before is None or before == after:
            return False
        position = self._run.graph.position.get(
            before
        )  # none: its cause is gone with another version
        return position is None or position in self._states

    def _state_at(self, position: int) -> JobRunState:
        return self._states.get(position) or self._run.state_at(position)

    def _seen_by(self, child: int) -> Callable[[int], JobRunState]:
        """Where upstream jobs stand, as one that waits for them sees it. A supposed one has chosen nothing."""
        seen = self._run.seen_by(child)
        return lambda position: self._states.get(position) or seen(position)

    def _suppose(self, position: int, state: JobRunState) -> None:
        supposed = position in self._states
        before = self._state_at(position)
        self._states[position] = state
        if before is state:
            return
        old, new = KIND_OF[before], KIND_OF[state]
        run, graph = self._run, self._run.graph
        bonds = [(child, Bond.PLAIN) for child in graph.downstream[position]]
        for child, bond in (*bonds, *graph.bound_downstream.get(position, ())):
            was = passed(old) if not supposed and run.passes_over(position, child) else old
            self._count(child, STEPS[bond][was][new])

    def _count(self, child: int, step: int) -> None:
        self._tallies[child] = self._tallies.get(child, self._run.tallies[child]) + step
        heappush(self._left, child)
