"""A run on another version of its DAG than it had: what it has done stays with the jobs that are still there.

A job that the version has anew begins to wait. One that it has no more is kept as history, in a place behind all
jobs: its attempts' numbers are never used again, should it come back.
"""

from moroccron.core.graph import JobGraph
from moroccron.core.run_view import RunView
from moroccron.model.evolve import evolve
from moroccron.model.run import JobRun, Run
from moroccron.model.states import JobRunState


def rebased(before: RunView, run: Run, graph: JobGraph) -> RunView:
    """The run, whose row is this now, with the jobs of the graph."""
    found = RunView(run, graph)
    if run.started is None:
        return found  # its jobs exist from the moment that it begins
    known = {
        job.job_id: job for job in (*before.job_runs, *before.gone.values()) if job is not None
    }
    for position, spec in enumerate(graph.specs):
        fresh = JobRun(run.id, spec.id, JobRunState.WAITING, position)
        found.set_job_run(evolve(known.pop(spec.id, fresh), position=position))
    behind = sorted(known.values(), key=lambda job: job.position)
    for position, job_run in enumerate(behind, len(graph.specs)):
        found.set_job_run(evolve(job_run, position=position))
    for attempt in before.attempts:
        if attempt is not None:
            found.set_attempt(attempt)
    return found
