"""One active run in memory: its rows, and what follows from them for the jobs downstream.

The tallies are derived data, kept in step at the one door `set_job_run`; `check` recomputes them from nothing.
"""

from collections.abc import Callable, Iterable

from moroccron.core.graph import JobGraph
from moroccron.core.judging import tally_of
from moroccron.core.launching import environment
from moroccron.core.tally import ANY_OPEN, KIND_OF, STEPS, Bond, Kind, passed
from moroccron.model.run import Attempt, JobRun, PreviousRun, Run
from moroccron.model.states import JobRunState, RunState

_PLAIN = STEPS[Bond.PLAIN]
_WAITING, _OPEN = (
    JobRunState.WAITING,
    Kind.OPEN,
)  # looking into an enumeration costs, and this is a hot path
_BAD = [kind in (Kind.FAILED, Kind.UPSTREAM_FAILED) for kind in Kind]


class RunView:
    """A run that is not over. Job runs exist from the moment that it runs; positions index all lists."""

    __slots__ = (
        "attempts",
        "dirty",
        "environment",
        "failed",
        "gone",
        "graph",
        "held",
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
        #: packed, see `core.tally`
        self.tallies = graph.nothing_over.copy()
        self.open = len(graph.specs)  #: job runs that are not terminal
        self.failed = 0  #: job runs that ended in failure and decide the run
        self.dirty: set[int] = set()  #: waiting jobs whose rule may decide otherwise than before
        self.gone: dict[str, JobRun] = {}  #: of jobs that its version has no more
        self.held: set[int] = set()  #: those whose rule holds, and that wait for the previous run

    def job_run(self, position: int) -> JobRun:
        """The job run at a position of a run that has begun."""
        found = self.job_runs[position]
        assert found is not None, f"{self.run.id} has not begun"
        return found

    def state_at(self, position: int) -> JobRunState:
        """Where the job at a position stands."""
        found = self.job_runs[position]
        return _WAITING if found is None else found.state

    def passes_over(self, position: int, child: int) -> bool:
        """Whether the job at a position chose not to follow one directly downstream."""
        row = self.job_runs[position]
        return row is not None and _passes_over(row, self.graph.specs[child].id)

    def seen_by(self, child: int) -> Callable[[int], JobRunState]:
        """Where upstream jobs stand, as one that waits for them sees it."""
        if not self.graph.chooses:
            return self.state_at

        def state(position: int) -> JobRunState:
            return (
                JobRunState.SKIPPED
                if self.passes_over(position, child)
                else self.state_at(position)
            )

        return state

    def ends_by(self, job_run: JobRun) -> bool:
        """Whether a row, which is not set yet, says that a job has ended, or has come to something else."""
        before = self.job_runs[job_run.position]
        return (
            before is not None and job_run.state.is_terminal and before.state is not job_run.state
        )

    def set_job_run(self, job_run: JobRun) -> None:
        """Replace a row and keep the tallies of the jobs downstream in step."""
        position, state = job_run.position, job_run.state
        if position >= len(self.job_runs):
            self.gone[job_run.job_id] = job_run
            return
        before = self.job_runs[position]
        self.job_runs[position] = job_run
        if state is _WAITING:
            self._awaits(position, fresh=before is None)
        was = _WAITING if before is None else before.state
        if was is state:
            return
        old, new = KIND_OF[was], KIND_OF[state]
        if old is _OPEN and new is _OPEN:
            return
        self.open += (new is _OPEN) - (old is _OPEN)
        if _BAD[old] is not _BAD[new] and self.graph.specs[position].fails_run:
            self.failed += 1 if _BAD[new] else -1
        if job_run.followed is None and (before is None or before.followed is None):
            self._pass_on(position, old, new)
        else:
            self._pass_on_choice(position, before, job_run)

    def _awaits(self, position: int, *, fresh: bool) -> None:
        """A job begins to wait. Of a new run only those whose rule may hold from the start are looked at."""
        if (
            not fresh
            or self.graph.looks_at_success[position]
            or not self.tallies[position] & ANY_OPEN
        ):
            self.dirty.add(position)

    def _pass_on(self, position: int, old: Kind, new: Kind) -> None:
        """Count the job anew for those that wait for it, and note whose rule may be decided by that."""
        graph, tallies, dirty = self.graph, self.tallies, self.dirty
        looks = graph.looks_at_success
        step = _PLAIN[old][new]
        telling = new is not Kind.SUCCEEDED or old is not _OPEN
        for child in graph.downstream[position]:
            tally = tallies[child] = tallies[child] + step
            if telling or not tally & ANY_OPEN or looks[child]:
                dirty.add(child)
        for child, bond in graph.bound_downstream.get(position, ()):
            tallies[child] += STEPS[bond][old][new]
            dirty.add(child)

    def _pass_on_choice(self, position: int, before: JobRun | None, after: JobRun) -> None:
        """The same for a job that chose, or had chosen, whom to follow."""
        graph = self.graph
        bonds = [(child, Bond.PLAIN) for child in graph.downstream[position]]
        for child, bond in (*bonds, *graph.bound_downstream.get(position, ())):
            child_id = graph.specs[child].id
            old = Kind.OPEN if before is None else _kind_for(before, child_id)
            self.tallies[child] += STEPS[bond][old][_kind_for(after, child_id)]
            self.dirty.add(child)

    def as_previous(self, state: RunState) -> PreviousRun:
        """What the runs after it may have to wait for, once it is over."""
        jobs = (
            (spec.id, self.state_at(position))
            for position, spec in enumerate(self.graph.specs)
            if self.job_runs[position] is not None
        )
        return PreviousRun(self.run.id, state, tuple(job for job in jobs if job[1].is_failure))

    def set_attempt(self, attempt: Attempt) -> None:
        """Replace the newest attempt of a job run, or add a newer one."""
        position = self.graph.position.get(attempt.job_id)
        if position is None:
            return  # of a job that is gone
        newest = self.attempts[position]
        if newest is None or attempt.number >= newest.number:
            self.attempts[position] = attempt

    def live_attempts(self) -> Iterable[Attempt]:
        """Newest attempts that may hold an agent's resources."""
        return (a for a in self.attempts if a is not None and a.state.is_live)

    def check(self) -> None:
        """Raise AssertionError when derived data and rows disagree."""
        states = [self.state_at(position) for position in range(len(self.job_runs))]
        deciding = [s for s, spec in zip(states, self.graph.specs, strict=True) if spec.fails_run]
        assert self.open == sum(not state.is_terminal for state in states), self.run.id
        assert self.failed == sum(state.is_failure for state in deciding), self.run.id
        for position, tally in enumerate(self.tallies):
            expected = tally_of(self.graph, position, self.seen_by(position))
            assert tally == expected, (self.run.id, position)


def _passes_over(job_run: JobRun, child_id: str) -> bool:
    if job_run.followed is None or child_id in job_run.followed:
        return False
    return job_run.state is JobRunState.SUCCEEDED


def _kind_for(job_run: JobRun, child_id: str) -> Kind:
    kind = KIND_OF[job_run.state]
    return passed(kind) if _passes_over(job_run, child_id) else kind
