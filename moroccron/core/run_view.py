"""One active run in memory: its rows, and what follows from them for the jobs downstream.

The tallies are derived data, kept in step at the one door `set_job_run`; `check` recomputes them from nothing.
"""

from collections.abc import Iterable

from moroccron.core.graph import JobGraph
from moroccron.core.launching import environment
from moroccron.core.rules import Tally
from moroccron.model.run import Attempt, JobRun, Run
from moroccron.model.states import FAILED_JOB_RUNS, JobRunState

_SUCCEEDED, _FAILED, _SKIPPED, _OPEN = range(4)

_KIND = {
    state: _FAILED
    if state in FAILED_JOB_RUNS
    else {JobRunState.SUCCEEDED: _SUCCEEDED, JobRunState.SKIPPED: _SKIPPED}.get(state, _OPEN)
    for state in JobRunState
}


class RunView:
    """A run that is not over. Job runs exist from the moment that it runs; positions index all lists."""

    __slots__ = (
        "attempts",
        "dirty",
        "environment",
        "failed",
        "graph",
        "job_runs",
        "open",
        "run",
        "tallies",
    )

    def __init__(self, run: Run, graph: JobGraph) -> None:
        self.run = run
        self.graph = graph
        self.environment = environment(run)
        self.job_runs: list[JobRun | None] = [None] * len(graph.specs)
        self.attempts: list[Attempt | None] = [None] * len(graph.specs)
        self.tallies = [Tally(len(parents)) for parents in graph.upstream]
        self.open = len(graph.specs)  #: job runs that are not terminal
        self.failed = 0  #: job runs that ended in failure
        self.dirty: set[int] = set()  #: waiting jobs whose rule may decide otherwise than before

    def job_run(self, position: int) -> JobRun:
        """The job run at a position of a run that has begun."""
        found = self.job_runs[position]
        assert found is not None, f"{self.run.id} has not begun"
        return found

    def set_job_run(self, job_run: JobRun) -> None:
        """Replace a row and keep the tallies of the jobs downstream in step."""
        position = job_run.position
        before = self.job_runs[position]
        old = _OPEN if before is None else _KIND[before.state]
        new = _KIND[job_run.state]
        self.job_runs[position] = job_run
        if job_run.state is JobRunState.WAITING:
            self.dirty.add(position)
        if old == new:
            return
        self.open += (new == _OPEN) - (old == _OPEN)
        self.failed += (new == _FAILED) - (old == _FAILED)
        for child in self.graph.downstream[position]:
            _count(self.tallies[child], old, -1)
            _count(self.tallies[child], new, 1)
            self.dirty.add(child)

    def set_attempt(self, attempt: Attempt) -> None:
        """Replace the newest attempt of a job run, or add a newer one."""
        position = self.graph.position[attempt.job_id]
        newest = self.attempts[position]
        if newest is None or attempt.number >= newest.number:
            self.attempts[position] = attempt

    def live_attempts(self) -> Iterable[Attempt]:
        """Newest attempts that may hold an agent's resources."""
        return (a for a in self.attempts if a is not None and a.state.is_live)

    def check(self) -> None:
        """Raise AssertionError when derived data and rows disagree."""
        kinds = [_OPEN if j is None else _KIND[j.state] for j in self.job_runs]
        assert self.open == kinds.count(_OPEN), self.run.id
        assert self.failed == kinds.count(_FAILED), self.run.id
        for position, parents in enumerate(self.graph.upstream):
            states = [kinds[parent] for parent in parents]
            expected = Tally(
                len(parents),
                states.count(_SUCCEEDED),
                states.count(_FAILED),
                states.count(_SKIPPED),
            )
            assert self.tallies[position] == expected, (self.run.id, position)


def _count(tally: Tally, kind: int, step: int) -> None:
    if kind == _SUCCEEDED:
        tally.succeeded += step
    elif kind == _FAILED:
        tally.failed += step
    elif kind == _SKIPPED:
        tally.skipped += step
