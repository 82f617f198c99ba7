"""`moroccron dags test`: one run of a DAG on this machine, for real, and nothing of it is kept.

Owns what must hold before anything starts, and what is told at the end.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

import click

from moroccron.bootstrap.files import build_loader
from moroccron.bootstrap.trial import Trial, resources_for
from moroccron.cli import load_errors, log_lines, shapes, times, words
from moroccron.cli.errors import Failure
from moroccron.cli.exit_codes import ExitCode
from moroccron.cli.jobs import why
from moroccron.cli.options import json_option, with_settings
from moroccron.cli.output import diagnostics, emit_json, escape, say
from moroccron.cli.params import param_options, parse_params
from moroccron.cli.trigger import parse_moment
from moroccron.cli.trying import Following, interruptible, running_agent
from moroccron.model.command import TriggerRun
from moroccron.model.dag_version import DagVersion
from moroccron.model.excerpt import excerpt
from moroccron.model.run import Run
from moroccron.model.states import RunState
from moroccron.model.validation import suggestion
from moroccron.settings import Settings


@click.command("test")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--dag", "dag_id", metavar="DAG", help="Which DAG, if the file declares several.")
@click.option(
    "--job",
    "globs",
    multiple=True,
    metavar="GLOB",
    help="Only jobs whose ids match; may be given more than once. A job of which some upstream jobs "
    "are left out waits for the success of the chosen ones before it.",
)
@param_options
@click.option(
    "--logical-date",
    metavar="TIME",
    help="The moment that the run is about, ISO 8601; without a zone it is UTC.  [default: now]",
)
@click.option(
    "--keep", is_flag=True, help="Keep the folder with the sandboxes, and say where it is."
)
@with_settings("dags", "load_timeout", "load_memory", "resources", "attributes", "hostname")
@json_option
def command(
    file: Path,
    dag_id: str | None,
    globs: Sequence[str],
    params: Sequence[str],
    params_json: str | None,
    logical_date: str | None,
    keep: bool,
    as_json: bool,
    settings: Settings,
) -> None:
    """Run a DAG of FILE once, for real, on this machine, and keep nothing of it.

    Needs no database and no scheduler, and touches none. Jobs run as you, in folders of their own; what they
    write is shown as it comes. Ends with 0 when the run succeeded, else with 1. Ctrl-C ends its jobs.
    """
    version = _choose_jobs(_choose_dag(file, dag_id, settings), globs)
    _demand_no_images(version)
    values = parse_params(params, version, params_json)
    trigger = TriggerRun(version.dag_id, values, parse_moment(logical_date))
    log_lines.configure("error")
    with _folder(keep) as folder:
        resources = settings.resources or resources_for(version, folder)
        settings = replace(settings, work_dir=folder, resources=resources, log_level="warning")
        run = _test(settings, version, trigger, file, as_json)
    if run.state is not RunState.SUCCEEDED:
        raise click.exceptions.Exit(ExitCode.FAILED)


# ---------------------------------------------------------------------- what is run


def _choose_dag(file: Path, dag_id: str | None, settings: Settings) -> DagVersion:
    if not file.is_file():
        raise Failure(
            f"there is no file {file}",
            code=ExitCode.NOT_FOUND,
            remedy="name the Python file that declares the DAG",
        )
    (loaded,) = build_loader(settings).check([file])
    if loaded.errors:
        for error in loaded.errors:
            load_errors.tell(error)
        raise click.exceptions.Exit(ExitCode.FAILED)
    versions = {version.dag_id: version for version in loaded.versions}
    known = ", ".join(versions) or "none"
    if dag_id is None and len(versions) == 1:
        return next(iter(versions.values()))
    if dag_id is None:
        raise Failure(
            f"{file} declares these DAGs: {known}",
            code=ExitCode.USAGE if versions else ExitCode.NOT_FOUND,
            remedy="name one with --dag" if versions else "declare a DAG in it",
        )
    if dag_id not in versions:
        raise Failure(
            f"{file} declares no DAG {dag_id}",
            code=ExitCode.NOT_FOUND,
            remedy=suggestion(dag_id, versions, f"it declares: {known}"),
        )
    return versions[dag_id]


def _choose_jobs(version: DagVersion, globs: Sequence[str]) -> DagVersion:
    if not globs:
        return version
    ids = [job.id for job in version.jobs]
    for glob in globs:
        if not any(fnmatchcase(id, glob) for id in ids):
            raise Failure(
                f"{version.dag_id} has no job {glob}",
                code=ExitCode.NOT_FOUND,
                remedy=suggestion(glob, ids, f"its jobs: {', '.join(ids)}"),
            )
    return excerpt(version, {id for id in ids if any(fnmatchcase(id, glob) for glob in globs)})


def _demand_no_images(version: DagVersion) -> None:
    having = [job.id for job in version.jobs if job.image is not None]
    if having:
        raise Failure(
            f"{version.dag_id}: {', '.join(having)} want an image, and there are no containers here"
            if len(having) > 1
            else f"{version.dag_id}: {having[0]} wants an image, and there are no containers here",
            code=ExitCode.USAGE,
            remedy="choose the other jobs with --job, or try it on a Mesos cluster (docs/cluster.md)",
        )


# ---------------------------------------------------------------------- the run


@contextmanager
def _folder(keep: bool) -> Iterator[Path]:
    """Of this run alone; removed with all that is in it."""
    folder = Path(tempfile.mkdtemp(prefix="moroccron-test-"))
    try:
        yield folder
    finally:
        if keep:
            diagnostics().print(f"kept: {escape(str(folder))}/sandboxes", soft_wrap=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _test(
    settings: Settings, version: DagVersion, trigger: TriggerRun, file: Path, as_json: bool
) -> Run:
    trial = Trial(settings, version, str(file))
    with interruptible(), running_agent(settings, version) as agent:
        trial.start()
        try:
            run = Following(trial, agent, version).follow(trigger)
        finally:
            trial.stop()
    _report(trial, run, as_json)
    return run


# ---------------------------------------------------------------------- how it was


def _report(trial: Trial, run: Run, as_json: bool) -> None:
    jobs, attempts = trial.store.job_runs(run.id), trial.store.attempts(run.id)
    if as_json:
        emit_json(
            {
                **shapes.run(run),
                "jobs": [shapes.job_run(job) for job in jobs],
                "attempts": [shapes.attempt(attempt) for attempt in attempts],
            }
        )
        return
    say(
        f"{escape(run.dag_id)}  {words.styled(run.state)}  "
        f"{times.between(run.started, run.ended, datetime.now(UTC))}  "
        f"{words.counts(Counter(job.state for job in jobs))}"
    )
    newest = {attempt.job_id: attempt for attempt in attempts}
    for job in jobs:
        if job.state.is_failure:
            told = escape(why(job, newest.get(job.job_id)))
            say(f"  {words.styled(job.state)}  [bold]{escape(job.job_id)}[/]  {told}")
