"""A run: how it stands, its graph, and its jobs with attempts, times and skew; kill, retry."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, redirect, request, url_for

from moroccron.api.doors import doors
from moroccron.api.graphing import newest_attempts
from moroccron.api.pages.frame import page, submit
from moroccron.api.show import STATES, URGENCY
from moroccron.model.command import KillRun
from moroccron.model.errors import NotFound
from moroccron.model.run import Attempt, JobRun
from moroccron.model.states import JobRunState

blueprint = Blueprint("run", __name__)
_PAGE = 100
_LATEST = "@latest"
_LIVE = frozenset({JobRunState.LAUNCHING, JobRunState.RUNNING, JobRunState.UNREACHABLE})
_ORDERS = ("urgency", "graph", "started", "name")


@dataclass(frozen=True, slots=True)
class Row:
    """A job of the run with its newest attempt."""

    job: JobRun
    attempt: Attempt | None


@dataclass(frozen=True, slots=True)
class KillPreview:
    """What killing the run would touch."""

    live: int
    unstarted: int
    over: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which jobs to show, and how: the page's address."""

    states: tuple[str, ...]
    name: str
    order: str
    start: int


@blueprint.get("/runs/<run_id>")
def show(run_id: str) -> Response:
    queries = doors().queries
    if run_id.endswith(_LATEST):
        return _to_newest(run_id.removesuffix(_LATEST))
    run = queries.run(run_id)
    jobs = queries.job_runs(run_id)
    wanted = _wanted()
    chosen = [job for job in jobs if _matches(job, wanted)]
    shown = sorted(chosen, key=lambda job: _rank(job, wanted.order))[wanted.start :][:_PAGE]
    newest = newest_attempts(queries, run_id, shown)
    return page(
        "run.html",
        run=run,
        states=[job.state.value for job in jobs],
        rows=[Row(job, newest.get(job.job_id)) for job in shown],
        chosen=len(chosen),
        wanted=wanted,
        page_size=_PAGE,
        orders=_ORDERS,
        places=len(queries.version(run.version_id).jobs),
        preview=_kill_preview(jobs),
    )


def _to_newest(dag_id: str) -> Response:
    """The address of the run that is the newest now, for a bookmark that always leads there."""
    recent = doors().queries.dag(dag_id, 1).recent
    if not recent:
        raise NotFound(f"{dag_id} has no run yet.")
    return redirect(url_for("run.show", run_id=recent[0].id))  # type: ignore[return-value]


@blueprint.post("/runs/<run_id>/kill")
def kill(run_id: str) -> Response:
    return submit(KillRun(doors().queries.run(run_id).id), "run.show", run_id=run_id)


def _wanted() -> Wanted:
    args = request.args
    order = args.get("order", "urgency")
    return Wanted(
        states=tuple(state for state in args.getlist("state") if state in STATES),
        name=args.get("q", "")[:100],
        order=order if order in _ORDERS else "urgency",
        start=max(0, min(args.get("start", 0, type=int), 1_000_000)),
    )


def _matches(job: JobRun, wanted: Wanted) -> bool:
    right_state = not wanted.states or job.state in wanted.states
    return right_state and wanted.name.casefold() in job.job_id.casefold()


def _rank(job: JobRun, order: str) -> tuple[int, float, str]:
    started = job.started.timestamp() if job.started else float("inf")
    ranks: dict[str, tuple[int, float, str]] = {
        "urgency": (URGENCY[job.state], job.position, job.job_id),
        "graph": (job.position, 0.0, job.job_id),
        "started": (0, started, job.job_id),
        "name": (0, 0.0, job.job_id),
    }
    return ranks[order]


def _kill_preview(jobs: Sequence[JobRun]) -> KillPreview:
    live = sum(job.state in _LIVE for job in jobs)
    over = sum(job.state.is_terminal for job in jobs)
    return KillPreview(live=live, over=over, unstarted=len(jobs) - live - over)
