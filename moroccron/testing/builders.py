"""Builders: whole values from the few fields that a test is about.

Every other field has a plain default, and any field can be named.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from moroccron.model.changes import (
    Change,
    DagChanged,
    DagState,
    JobRunChanged,
    RunChanged,
    VersionAdded,
)
from moroccron.model.dag_version import DagVersion, JobSpec
from moroccron.model.resources import Resources
from moroccron.model.run import Attempt, DataInterval, JobRun, Run, run_id
from moroccron.model.states import AttemptState, JobRunState, RunKind, RunState

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)  #: when tests begin

Jobs = Iterable[JobSpec | str] | Mapping[str, Iterable[str]]


def a_job(id: str = "a", upstream: Iterable[str] = (), **fields: Any) -> JobSpec:
    """A job that runs `true` on a tenth of a cpu and 32 MiB."""
    values: dict[str, Any] = {"command": "true", "resources": Resources(cpus=100, mem=32)}
    return JobSpec(id=id, upstream=tuple(sorted(upstream)), **(values | fields))


def a_version(dag_id: str = "d", jobs: Jobs = ("a",), **fields: Any) -> DagVersion:
    """A version with its id. `jobs`, in topological order: specs, ids, or ids with their upstream.

    `a_version(jobs={"a": [], "b": ["a"]})` makes b wait for a.
    """
    return DagVersion(dag_id=dag_id, jobs=tuple(_specs(jobs)), **fields).with_id()


def _specs(jobs: Jobs) -> Iterable[JobSpec]:
    if isinstance(jobs, Mapping):
        return [a_job(id, upstream) for id, upstream in jobs.items()]
    return [a_job(job) if isinstance(job, str) else job for job in jobs]


def a_dag(version: DagVersion, **fields: Any) -> DagState:
    """The state of the version's DAG: active, not paused, declared by a file of its name."""
    values: dict[str, Any] = {"file": f"{version.dag_id}.py"}
    return DagState(dag_id=version.dag_id, version_id=version.id, **(values | fields))


def a_run(version: DagVersion, day: int = 0, **fields: Any) -> Run:
    """A running run of the version for the n-th day after EPOCH, created the moment it was due."""
    interval = DataInterval(EPOCH + timedelta(days=day), EPOCH + timedelta(days=day + 1))
    values: dict[str, Any] = {
        "id": run_id(version.dag_id, interval.end),
        "kind": RunKind.SCHEDULED,
        "state": RunState.RUNNING,
        "interval": interval,
        "due": interval.end,
        "created": interval.end,
        "started": interval.end,
    }
    return Run(dag_id=version.dag_id, version_id=version.id, **(values | fields))


def a_job_run(run_id: str, job_id: str = "a", **fields: Any) -> JobRun:
    """A job run that waits."""
    values: dict[str, Any] = {"state": JobRunState.WAITING, "position": 0}
    return JobRun(run_id=run_id, job_id=job_id, **(values | fields))


def an_attempt(run_id: str, job_id: str = "a", number: int = 1, **fields: Any) -> Attempt:
    """An attempt that is queued since EPOCH."""
    values: dict[str, Any] = {"state": AttemptState.QUEUED, "ready": EPOCH}
    return Attempt(run_id=run_id, job_id=job_id, number=number, **(values | fields))


def a_run_of(version: DagVersion, run: Run | None = None, **dag_fields: Any) -> list[Change]:
    """The changes that store a version, its DAG, a run and a waiting job run per job."""
    run = run or a_run(version)
    dag = a_dag(version, **dag_fields)
    changes: list[Change] = [
        VersionAdded(version, dag.file, run.created),
        DagChanged(dag),
        RunChanged(run),
    ]
    changes.extend(
        JobRunChanged(a_job_run(run.id, job.id, position=position))
        for position, job in enumerate(version.jobs)
    )
    return changes
