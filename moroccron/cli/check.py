"""`moroccron dags check`: validates DAG files without a database, for authors and their CI."""

from collections.abc import Sequence
from pathlib import Path

import click

from moroccron.bootstrap.files import build_loader
from moroccron.cli import load_errors, shapes
from moroccron.cli.exit_codes import ExitCode
from moroccron.cli.options import json_option, with_settings
from moroccron.cli.output import emit_json, say
from moroccron.cli.times import amount
from moroccron.model.load import LoadedFile, LoadError
from moroccron.settings import Settings


@click.command("check")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
@with_settings("dags", "load_timeout", "load_memory")
@json_option
def command(paths: Sequence[Path], as_json: bool, settings: Settings) -> None:
    """Validate the DAG files of each PATH, a file or a folder; without one, of the DAG folder.

    Ends with 1 when a file is wrong. Needs no database.
    """
    asked = list(paths) or [settings.dags]
    files = build_loader(settings).check(asked)
    errors = [error for file in files for error in file.errors]
    if as_json:
        emit_json(
            {
                "files": [_file_shape(file) for file in files],
                "load_errors": [shapes.load_error(error) for error in errors],
            }
        )
    else:
        for error in errors:
            load_errors.tell(error)
        _sum_up(files, errors)
    if errors:
        raise click.exceptions.Exit(ExitCode.FAILED)


def _file_shape(file: LoadedFile) -> shapes.Shape:
    return {
        "file": file.file,
        "dags": [
            {"id": version.dag_id, "version_id": version.id, "jobs": len(version.jobs)}
            for version in file.versions
        ],
    }


def _sum_up(files: Sequence[LoadedFile], errors: Sequence[LoadError]) -> None:
    dags = sum(len(file.versions) for file in files)
    jobs = sum(len(version.jobs) for file in files for version in file.versions)
    good = f"{amount(len(files), 'file')}, {amount(dags, 'DAG')}, {amount(jobs, 'job')}"
    if errors:
        bad = len({error.file for error in errors})
        say(f"[bold red]✘[/] {amount(len(errors), 'error')} in {bad} of {good}")
    elif not files:
        say("No DAG files there.")
    else:
        say(f"[green]✔[/] {good}")
