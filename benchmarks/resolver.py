"""A run of 100,000 jobs and 300,000 edges through the core alone: `python -m benchmarks.resolver [JOBS]`.

No store and no packer: each job succeeds in the order in which it became ready. What is measured is the deciding
of rules with all rows and history that follow from it, in batches as the loop makes them. The floor is a plain Kahn
walk of the same graph: counters of open upstream jobs and a queue, no states and no rows.
"""

import random
import sys
import time
from collections import deque

from benchmarks.report import line, title
from moroccron.bootstrap.collector import collect_rarely
from moroccron.core.draft import Draft
from moroccron.core.graph import JobGraph
from moroccron.core.resolver import resolve
from moroccron.core.run_view import RunView
from moroccron.core.view import View
from moroccron.model.changes import JobRunChanged, RunChanged, VersionAdded
from moroccron.model.dag_version import DagVersion, JobSpec
from moroccron.model.evolve import evolve
from moroccron.model.resources import Resources
from moroccron.model.run import JobRun
from moroccron.model.snapshot import Snapshot
from moroccron.model.states import JobRunState
from moroccron.testing import EPOCH, a_run

JOBS = 100_000
PARENTS = 3
BATCH = 500  #: endings that come to the core at once


def main() -> None:
    collect_rarely()
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else JOBS
    version = a_graph(jobs)
    edges = sum(len(job.upstream) for job in version.jobs)
    title(f"a run of {jobs:,} jobs and {edges:,} edges, core alone")
    before = time.process_time()
    graph = JobGraph(version)
    line("making the graph, once per version", f"{time.process_time() - before:.2f} s")
    floor = kahn(graph)
    seconds = play(version)
    line("from start to end", f"{seconds:.2f} s", aim="3 s", floor=f"{floor:.2f} s (Kahn)")
    line("per job", f"{seconds / jobs * 1e6:.1f} us")


def a_graph(jobs: int) -> DagVersion:
    """Every job after three random ones of the thousand before it."""
    dice = random.Random(4)
    shape = Resources(cpus=100, mem=32)
    specs = []
    for n in range(jobs):
        near = range(max(0, n - 1000), n)
        upstream = dice.sample(near, min(PARENTS, len(near)))
        names = tuple(sorted(f"j{up}" for up in upstream))
        specs.append(JobSpec(f"j{n}", "true", shape, names))
    return DagVersion("d", tuple(specs)).with_id()


def kahn(graph: JobGraph) -> float:
    """Seconds for the order alone."""
    before = time.process_time()
    missing = [len(parents) for parents in graph.upstream]
    ready = deque(position for position, count in enumerate(missing) if not count)
    seen = 0
    while ready:
        seen += 1
        for child in graph.downstream[ready.popleft()]:
            missing[child] -= 1
            if not missing[child]:
                ready.append(child)
    assert seen == len(missing)
    return time.process_time() - before


def play(version: DagVersion) -> float:
    """Seconds to decide the whole run."""
    empty = Snapshot(None, (), (), (), (), ())
    view = View(empty, term=1, now=EPOCH)
    draft = Draft(view, EPOCH)
    draft.change(VersionAdded(version, "d.py", EPOCH))
    view.graph(version.id)
    before = time.process_time()
    run = a_run(version)
    draft.change(RunChanged(run))
    found = view.runs[run.id]
    for position, spec in enumerate(version.jobs):
        draft.change(JobRunChanged(JobRun(run.id, spec.id, JobRunState.WAITING, position)))
    resolve(draft, found)
    while found.open:
        draft = Draft(view, EPOCH)
        end_some(draft, found)
        resolve(draft, found)
    return time.process_time() - before


def end_some(draft: Draft, run: RunView) -> None:
    """Let the oldest queued jobs succeed."""
    keys = [key for key, _ in zip(draft.view.queue, range(BATCH), strict=False)]
    for key in keys:
        draft.view.queue.discard(key)
        job_run = run.job_run(run.graph.position[key.job_id])
        draft.change(JobRunChanged(evolve(job_run, state=JobRunState.SUCCEEDED, ended=EPOCH)))


if __name__ == "__main__":
    main()
