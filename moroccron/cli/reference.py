"""The reference pages, docs/cli.md, settings.md and trigger-rules.md, made of what the code says of itself.

`python -m moroccron.cli.reference docs` writes them; a test finds those that are out of date.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from moroccron import settings
from moroccron.cli.exit_codes import MEANINGS, SCHEDULER_MEANINGS
from moroccron.cli.main import root
from moroccron.core import rule_table

_MADE = "<!-- Made by `python -m moroccron.cli.reference docs`; change the code instead. -->"

_SETTINGS = f"""# Settings

{_MADE}

Every setting is a line of `moroccron.toml`, an environment variable and a flag. Later sources win:

1. the default;
2. `moroccron.toml` in the current folder, or the file named by `--config` or `{settings.CONFIG_VARIABLE}`;
3. the environment;
4. flags, on the commands that the setting matters to.

Relative paths begin at the file's folder when they stand in the file, else at the current folder. A SQLite
URL's path begins at the current folder. A name in the file that is no setting is an error, and so is a value
of the wrong type: the message names file, setting and remedy, and the exit code is 2. An empty variable counts
as not set, unless the setting is text. `moroccron config` shows what is in effect and where it came from.
"""

_CLI = f"""# The command line

{_MADE}

Results go to standard output, everything else to standard error. `--json` writes one JSON document whose
names and shapes stay, the same as the API's (`/api/v1/openapi.json`). A RUN is a run's id, or `DAG@latest` for
the newest run of a DAG. Moments are ISO 8601 in UTC in JSON, and relative to now in tables.

## Exit codes
"""

_JSON = """
## JSON

| command | document |
|---|---|
| `dags list` | `{"dags": [DAG], "load_errors": [load error with since]}` |
| `dags fires` | `dag_id`, and `fires: [{due, local, interval_start, clock_change, second_time}]` |
| `dags show` | DAG, with `next_fires: [time]` and, in topological order, `graph: [job]` |
| `dags check` | `{"files": [{"file", "dags": [{"id", "version_id", "jobs"}]}], "load_errors": [load error]}` |
| `dags test` | as `runs show` |
| `dags pause`, `dags unpause`, `runs kill`, `jobs retry`, `jobs mark` | answer |
| `jobs retry --dry-run`, `jobs mark --dry-run` | preview |
| `runs trigger` | answer, with `run_id`; with `--wait`, the run with its `jobs` |
| `runs list` | `{"runs": [run]}` |
| `runs show` | run, with `jobs: [job run]` and `attempts: [attempt]` |
| `jobs list` | `{"run_id", "jobs": [job run], "attempts": [attempt]}` |
| `logs` | `{"attempt": attempt, "stream", "text"}` |
| `db upgrade` | `{"before", "after"}`, revisions |
| `db check` | `{"problems": [text]}` |
| `db current` | `{"current", "wanted"}`, revisions |
| `config` | `{"file", "settings": {name: {"value", "origin"}}}` |
| `completion` | `{"shell", "script", "install"}` |

DAG, run, job run, attempt and load error have the fields of the API's schemas `DagOut`, `RunOut`, `JobRunOut`,
`AttemptOut` and `LoadErrorOut`. An answer is `{"id", "status", "detail", "answered_at"}` with the number of the
command and the status `done`.
A preview is `{"run_id", "job": move, "follows": [move], "ends_attempt", "reopens_run", "refused"}`, a move
`{"job_id", "before", "after", "cause"}`: the schema `PreviewOut`.
A job of a graph is `{"job_id", "upstream", "trigger_rule", "command", "retries"}`; where a condition, a quorum or a
teardown stands in the place of a rule, `trigger_rule` says that.
Errors are not JSON: they go to standard error as text, with an exit code.
"""


_KINDS: dict[Any, str] = {str: "text", Path: "path", int: "whole number", float: "number"}


def settings_page() -> str:
    """docs/settings.md"""
    parts = [_SETTINGS]
    for name in settings.names():
        declared = settings.field_of(name)
        kind = _KINDS[declared.type]
        parts.append(
            f"## {name}\n\n{declared.metadata['doc']}\n\n"
            f"- {kind}, default: {settings.default_text(name)}\n"
            f"- file: `{name} = {settings.example(name)}`\n"
            f"- environment: `{settings.variable(name)}`\n"
            f"- flag: `{settings.flag(name)}`\n"
        )
    return "\n".join(parts)


def cli_page() -> str:
    """docs/cli.md"""
    codes = "\n".join(
        ["| code | means |", "|---:|---|"]
        + [f"| {code.value} | {meaning} |" for code, meaning in MEANINGS.items()]
    )
    scheduler = "\n".join(
        ["`moroccron scheduler` may also end with:", "", "| code | means |", "|---:|---|"]
        + [f"| {code} | {meaning} |" for code, meaning in SCHEDULER_MEANINGS.items()]
    )
    commands = "\n".join(
        f"### {path}\n\n```\n{text}\n```\n" for path, text in _helps(root, "moroccron", None)
    )
    return f"{_CLI}\n{codes}\n\n{scheduler}\n{_JSON}\n## Commands\n\n{commands}"


def _helps(
    command: click.Command, name: str, parent: click.Context | None
) -> Iterator[tuple[str, str]]:
    """Every command's help, with the words that lead to it."""
    given = command.context_settings if parent is None else {}
    context = click.Context(command, info_name=name, parent=parent, terminal_width=100, **given)
    if parent is not None:
        yield context.command_path, command.get_help(context).rstrip()
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None, child
            yield from _helps(found, child, context)


def main(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "settings.md").write_text(settings_page(), encoding="utf-8")
    (folder / "cli.md").write_text(cli_page(), encoding="utf-8")
    (folder / "trigger-rules.md").write_text(rule_table.page(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
