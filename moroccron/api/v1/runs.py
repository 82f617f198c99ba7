"""Runs, their jobs and attempts; killing a run, retrying a job, marking one."""

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlencode

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from flask_openapi3.types import ResponseDict

from moroccron.api.doors import doors
from moroccron.api.params import (
    JobPath,
    JobsQuery,
    MarkBody,
    PreviewQuery,
    RerunBody,
    RunPath,
    RunsQuery,
    WaitQuery,
)
from moroccron.api.problems import Problem, Refused
from moroccron.api.schemas import (
    AttemptOut,
    AttemptsOut,
    CommandOut,
    JobRunOut,
    JobRunsOut,
    PreviewOut,
    RunOut,
    RunPreviewOut,
    RunsOut,
)
from moroccron.api.v1.replies import PROBLEMS, accept, reply
from moroccron.model.command import Amendment, KillRun, MarkJob, Rerun, RetryJob, RetryRun
from moroccron.model.errors import NotFound
from moroccron.model.run import Run
from moroccron.model.states import JobRunState

api = APIBlueprint("v1_runs", __name__, abp_tags=[Tag(name="Runs")], abp_responses=PROBLEMS)
_COMMAND: ResponseDict = {200: CommandOut, 202: CommandOut, 403: Problem}


@api.get("/runs", responses={200: RunsOut})
def runs(query: RunsQuery) -> Response:
    """Runs, newest first, in pages."""
    found = doors().queries.runs(
        dag_id=query.dag,
        states=query.state,
        backfill_id=query.backfill,
        before=query.before,
        limit=query.limit,
    )
    return reply(RunsOut(runs=[RunOut.of(run) for run in found], next=_next(query, found)))


@api.get("/runs/<run_id>", responses={200: RunOut})
def run(path: RunPath) -> Response:
    """One run."""
    return reply(RunOut.of(doors().queries.run(path.run_id)))


@api.get("/runs/<run_id>/jobs", responses={200: JobRunsOut})
def jobs(path: RunPath, query: JobsQuery) -> Response:
    """The jobs of a run, in topological order."""
    queries = doors().queries
    found = queries.job_runs(queries.run(path.run_id).id)
    wanted = [job for job in found if not query.state or job.state in query.state]
    return reply(JobRunsOut(run_id=path.run_id, jobs=[JobRunOut.of(job) for job in wanted]))


@api.get("/runs/<run_id>/attempts", responses={200: AttemptsOut})
def attempts(path: RunPath) -> Response:
    """All attempts of a run, by the job's position and the attempt's number."""
    queries = doors().queries
    found = queries.attempts(queries.run(path.run_id).id)
    return reply(AttemptsOut(attempts=[AttemptOut.of(attempt) for attempt in found]))


@api.get("/runs/<run_id>/jobs/<job_id>/attempts", responses={200: AttemptsOut})
def job_attempts(path: JobPath) -> Response:
    """The attempts of one job, first to last."""
    check_job(path)
    found = doors().queries.attempts(path.run_id, path.job_id)
    return reply(AttemptsOut(attempts=[AttemptOut.of(attempt) for attempt in found]))


@api.post("/runs/<run_id>/kill", responses=_COMMAND)
def kill(path: RunPath, query: WaitQuery) -> Response:
    """End everything of a run that lives, start nothing more of it."""
    return accept(KillRun(doors().queries.run(path.run_id).id), query.wait)


@api.post("/runs/<run_id>/retry", responses=_COMMAND)
def rerun(path: RunPath, query: WaitQuery, body: RerunBody) -> Response:
    """Run jobs of it again: those that failed, some, or all; what is at work is let be."""
    return accept(_wish(path, body), query.wait)


@api.get("/runs/<run_id>/preview", responses={200: RunPreviewOut})
def preview_run(path: RunPath, query: RerunBody) -> Response:
    """What running it again would do. Changes nothing, and asks no leader."""
    return reply(RunPreviewOut.of(doors().previews.retry_run(_wish(path, query))))


def _wish(path: RunPath, body: RerunBody) -> RetryRun:
    if (body.rerun is Rerun.JOBS) is not (body.jobs is not None):
        raise Refused(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "`jobs` and `rerun: jobs` go together.",
            "Give both, or neither.",
            field="jobs",
        )
    run = doors().queries.run(path.run_id)
    return RetryRun(run.id, body.rerun, body.jobs, body.downstream, body.version)


@api.post("/runs/<run_id>/jobs/<job_id>/retry", responses=_COMMAND)
def retry(path: JobPath, query: WaitQuery) -> Response:
    """Run an ended job once more, and re-decide what its end had decided."""
    check_job(path)
    return accept(RetryJob(path.run_id, path.job_id), query.wait)


@api.post("/runs/<run_id>/jobs/<job_id>/mark", responses=_COMMAND)
def mark(path: JobPath, query: WaitQuery, body: MarkBody) -> Response:
    """Say what a job has come to, and re-decide what its state had decided. A live attempt is ended first."""
    check_job(path)
    return accept(MarkJob(path.run_id, path.job_id, JobRunState(body.state)), query.wait)


@api.get("/runs/<run_id>/jobs/<job_id>/preview", responses={200: PreviewOut})
def preview(path: JobPath, query: PreviewQuery) -> Response:
    """What a retry of the job would do, or a mark. Changes nothing, and asks no leader."""
    check_job(path)
    wish: Amendment = RetryJob(path.run_id, path.job_id)
    if query.mark is not None:
        wish = MarkJob(path.run_id, path.job_id, JobRunState(query.mark))
    return reply(PreviewOut.of(doors().previews.preview(wish)))


def check_job(path: JobPath) -> None:
    """Raise NotFound unless the run is there and has the job."""
    queries = doors().queries
    version = queries.version(queries.run(path.run_id).version_id)
    gone = any(job.job_id == path.job_id for job in queries.job_runs(path.run_id))
    if not gone and not any(job.id == path.job_id for job in version.jobs):
        raise NotFound(f"{path.run_id} has no job {path.job_id}.")


def _next(query: RunsQuery, found: Sequence[Run]) -> str | None:
    if len(found) < query.limit:
        return None
    given = query.model_dump(mode="json", exclude_defaults=True) | {"before": found[-1].id}
    return "/api/v1/runs?" + urlencode(given, doseq=True)
