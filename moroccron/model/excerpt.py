"""Some jobs of a DAG, as a DAG of their own: for trying them out. A run that leaves jobs out is another matter."""

from collections.abc import Collection
from dataclasses import replace

from moroccron.model.dag_version import DagVersion, JobSpec, TriggerRule


def excerpt(version: DagVersion, chosen: Collection[str]) -> DagVersion:
    """The version with the chosen jobs alone, in their order.

    A job waits for the nearest chosen ones before it. Where that leaves out a job that it waits for directly,
    what it says about them is void, and it waits for the success of those that are left.
    """
    if all(job.id in chosen for job in version.jobs):
        return version
    nearest: dict[
        str, frozenset[str]
    ] = {}  #: by job: what is chosen among it and what it waits for
    jobs = []
    for job in version.jobs:
        upstream = frozenset[str]().union(*(nearest[id] for id in job.upstream))
        nearest[job.id] = frozenset({job.id}) if job.id in chosen else upstream
        if job.id in chosen:
            jobs.append(_alone(job, upstream))
    return replace(version, jobs=tuple(jobs), id="").with_id()


def _alone(job: JobSpec, upstream: frozenset[str]) -> JobSpec:
    if upstream == set(job.upstream):
        return job
    return replace(
        job,
        upstream=tuple(sorted(upstream)),
        trigger_rule=TriggerRule.ALL_SUCCESS,
        min_success=None,
        run_if=None,
        allow_failure=(),
        teardown_of=(),
    )
