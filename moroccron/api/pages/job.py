"""A job of a run: its attempts, their times and skew, what it asked for, what it wrote; retry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from flask import Blueprint, Response, request

from moroccron.api.doors import doors
from moroccron.api.pages.frame import page, submit
from moroccron.api.problems import Refused
from moroccron.model.command import RetryJob
from moroccron.model.dag_version import DagVersion, JobSpec
from moroccron.model.errors import LogUnavailable, NotFound
from moroccron.model.run import Attempt, JobRun
from moroccron.ports import LogChunk, Stream

blueprint = Blueprint("job", __name__)
_TAIL = 64 * 1024
_BARE = LogChunk(b"", 0, 0)


@dataclass(frozen=True, slots=True)
class RetryPreview:
    """What retrying the job would touch: itself, and the jobs downstream that its end had decided."""

    downstream: tuple[str, ...]


@blueprint.get("/runs/<run_id>/jobs/<job_id>")
def show(run_id: str, job_id: str) -> Response:
    queries = doors().queries
    run = queries.run(run_id)
    version = queries.version(run.version_id)
    spec = _spec(version, job_id)
    jobs = {job.job_id: job for job in queries.job_runs(run_id)}
    attempts = queries.attempts(run_id, job_id)
    chosen = _chosen(attempts)
    stream = _stream()
    log, trouble = _log(chosen, stream)
    return page(
        "job.html",
        run=run,
        spec=spec,
        timezone=version.timezone,
        job=jobs.get(job_id),
        upstream=[(name, jobs.get(name)) for name in spec.upstream],
        downstream=[(job.id, jobs.get(job.id)) for job in version.jobs if job_id in job.upstream],
        attempts=attempts,
        chosen=chosen,
        stream=stream,
        streams=list(Stream),
        log=log,
        trouble=trouble,
        preview=RetryPreview(_decided_by(version, jobs, job_id)),
    )


@blueprint.post("/runs/<run_id>/jobs/<job_id>/retry")
def retry(run_id: str, job_id: str) -> Response:
    queries = doors().queries
    _spec(queries.version(queries.run(run_id).version_id), job_id)
    return submit(RetryJob(run_id, job_id), "job.show", run_id=run_id, job_id=job_id)


def _spec(version: DagVersion, job_id: str) -> JobSpec:
    for job in version.jobs:
        if job.id == job_id:
            return job
    raise NotFound(f"{version.dag_id} has no job {job_id} in the version that this run began with.")


def _chosen(attempts: Sequence[Attempt]) -> Attempt | None:
    number = request.args.get("attempt", type=int)
    if number is None:
        return attempts[-1] if attempts else None
    for attempt in attempts:
        if attempt.number == number:
            return attempt
    raise NotFound(f"This job has no attempt {number}.")


def _stream() -> Stream:
    text = request.args.get("stream", Stream.STDOUT.value)
    try:
        return Stream(text)
    except ValueError as error:
        raise Refused(
            HTTPStatus.NOT_FOUND, f"There is no stream {text[:40]!r}.", "Ask for stdout or stderr."
        ) from error


def _log(attempt: Attempt | None, stream: Stream) -> tuple[LogChunk, str | None]:
    """The end of the log, and why it cannot be had just now: no reason to withhold the rest of the page."""
    if attempt is None or attempt.sandbox is None:
        return _BARE, None
    try:
        return doors().logs.read(attempt, stream, -_TAIL, _TAIL), None
    except LogUnavailable as unavailable:
        return _BARE, str(unavailable)


def _decided_by(version: DagVersion, jobs: Mapping[str, JobRun], job_id: str) -> tuple[str, ...]:
    """Jobs downstream that were not run because of how this one ended."""
    closed = {job_id: None}
    for job in version.jobs:  # in topological order: one pass suffices
        if job.id in jobs and jobs[job.id].cause in closed:
            closed[job.id] = None
    return tuple(closed)[1:]
