"""`moroccron dags list|show|pause|unpause`."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import click

from moroccron.bootstrap.readers import open_commands, open_queries
from moroccron.cli import asking, finding, load_errors, shapes, times, words
from moroccron.cli.finding import DAG_ID
from moroccron.cli.options import STORE, answer_option, json_option, with_settings
from moroccron.cli.output import column_table, emit_json, escape, say, table
from moroccron.model.command import PauseDag, UnpauseDag
from moroccron.model.dag_version import DagVersion, JobSpec, TriggerRule
from moroccron.model.fires import next_fires
from moroccron.model.resources import Resources
from moroccron.ports import DagSummary
from moroccron.settings import Settings

_FIRES_SHOWN = 3


@click.command("list")
@click.option("--all", "everything", is_flag=True, help="Also DAGs that no file declares any more.")
@click.option("--tag", metavar="TAG", help="Only DAGs with this tag.")
@with_settings(*STORE)
@json_option
def list_dags(everything: bool, tag: str | None, as_json: bool, settings: Settings) -> None:
    """List the DAGs, their last runs and when they fire next."""
    queries = open_queries(settings)
    chosen = [
        summary
        for summary in queries.dags()
        if (everything or summary.state.active) and (tag is None or tag in summary.version.tags)
    ]
    errors = queries.load_errors()
    if as_json:
        emit_json(
            {
                "dags": [shapes.dag(summary) for summary in chosen],
                "load_errors": [shapes.load_error_row(row) for row in errors],
            }
        )
        return
    if chosen:
        _print_list(chosen)
    else:
        say(f"No DAGs yet. Put a file into [bold]{escape(str(settings.dags))}[/].")
    for row in errors:
        load_errors.tell(row.error)


def _print_list(chosen: Sequence[DagSummary]) -> None:
    now = datetime.now(UTC)
    rows = column_table("DAG", "last runs", "last", "next", "schedule", "jobs", right=("jobs",))
    for summary in chosen:
        state, newest = summary.state, summary.recent[:1]
        rows.add_row(
            escape(state.dag_id),
            " ".join(words.icon(run.state) for run in reversed(summary.recent)),
            times.relative(newest[0].started or newest[0].due, now) if newest else "",
            _next_text(summary, now),
            escape(shapes.schedule_text(summary.version.schedule) or "on request"),
            str(len(summary.version.jobs)),
        )
    table(rows)


def _next_text(summary: DagSummary, now: datetime) -> str:
    if not summary.state.active:
        return "[dim]no file declares it[/]"
    if summary.state.paused:
        return "[yellow]paused[/]"
    return times.relative(summary.state.next_due, now)


@click.command("show")
@click.argument("dag_id", metavar="DAG", type=DAG_ID)
@with_settings(*STORE)
@json_option
def show_dag(dag_id: str, as_json: bool, settings: Settings) -> None:
    """Show a DAG: its jobs in order with what each waits for, its last runs, its next fires."""
    summary = finding.dag(open_queries(settings), dag_id)
    now = datetime.now(UTC)
    fires = _next_fires(summary, now)
    if as_json:
        emit_json(
            {
                **shapes.dag(summary),
                "next_fires": [shapes.moment(fire) for fire in fires],
                "graph": [_job_shape(job) for job in summary.version.jobs],
            }
        )
        return
    _print_head(summary, fires, now)
    _print_graph(summary.version)
    _print_recent(summary, now)


def _next_fires(summary: DagSummary, now: datetime) -> list[datetime]:
    """The next moments at which a run falls due, in the DAG's zone; none when paused or gone."""
    if summary.state.paused or not summary.state.active:
        return []
    return [fire.local for fire in next_fires(summary.version, now, _FIRES_SHOWN)]


def _job_shape(job: JobSpec) -> shapes.Shape:
    return {
        "job_id": job.id,
        "upstream": list(job.upstream),
        "trigger_rule": job.rule,
        "command": job.command if isinstance(job.command, str) else list(job.command),
        "retries": job.retries,
        "resources": asdict(job.resources),
        "constraints": [[c.attribute, c.operator.value, c.value] for c in job.constraints],
    }


def _print_head(summary: DagSummary, fires: Sequence[datetime], now: datetime) -> None:
    version = summary.version
    say(f"[bold]{escape(version.dag_id)}[/]  [dim]{escape(summary.state.file)}[/]")
    if version.doc:
        say(escape(version.doc.strip()))
    facts = [
        (
            "schedule",
            f"{shapes.schedule_text(version.schedule) or 'on request'} ({version.timezone})",
        ),
        ("triggers", ", ".join(map(str, version.triggers))),
        ("paused", "yes: no scheduled runs begin" if summary.state.paused else ""),
        ("owners", ", ".join(version.owners)),
        ("tags", ", ".join(version.tags)),
        ("params", ", ".join(_param(version, name) for name in version.params)),
    ]
    for name, value in facts:
        if value:
            say(f"[dim]{name:<9}[/] {escape(value)}")
    for number, fire in enumerate(fires):
        say(
            f"[dim]{'next' if not number else '':<9}[/] {times.exact(fire)}  {times.relative(fire, now)}"
        )


def _param(version: DagVersion, name: str) -> str:
    """`day=monday`, or for one that has to be given `day (date, required)`."""
    param = version.param(name)
    return f"{name} ({param.type}, required)" if param.required else f"{name}={param.default}"


def _print_graph(version: DagVersion) -> None:
    """Topological order; each job with its upstream, and its rule when it is not the usual one."""
    say("")
    rows = column_table(
        "job", "waits for", "asks for", "retries", "constraints", "command", right=("retries",)
    )
    for job in version.jobs:
        rule = "" if job.rule == TriggerRule.ALL_SUCCESS else f" ({job.rule})"
        text = job.command if isinstance(job.command, str) else " ".join(job.command)
        rows.add_row(
            escape(job.id),
            escape(", ".join(job.upstream) + rule) if job.upstream else "[dim]-[/]",
            escape(_amounts(job.resources)),
            str(job.retries),
            escape(", ".join(str(constraint) for constraint in job.constraints)),
            f"[dim]{escape(_first_line(text))}[/]",
        )
    table(rows)


def _amounts(resources: Resources) -> str:
    """`1 cpus, 128 MiB`, and what else is not zero."""
    parts = [f"{resources.cpus / 1000:g} cpus", f"{resources.mem} MiB"]
    if resources.disk:
        parts.append(f"{resources.disk} MiB disk")
    if resources.gpus:
        parts.append(f"{resources.gpus} gpus")
    if resources.ports:
        parts.append(f"{resources.ports} ports")
    return ", ".join(parts)


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return (lines[0] + (" ..." if len(lines) > 1 else "")) if lines else ""


def _print_recent(summary: DagSummary, now: datetime) -> None:
    say("")
    if not summary.recent:
        say(
            f"No run yet. Begin one: [bold]moroccron runs trigger {escape(summary.state.dag_id)}[/]"
        )
        return
    rows = column_table("run", "state", "began", "took", right=("took",))
    for run in summary.recent[:10]:
        rows.add_row(
            escape(run.id),
            words.styled(run.state),
            times.relative(run.started or run.due, now),
            times.between(run.started, run.ended, now),
        )
    table(rows)


@click.command("pause")
@click.argument("dag_id", metavar="DAG", type=DAG_ID)
@answer_option
@with_settings(*STORE)
@json_option
def pause(dag_id: str, patience: float, as_json: bool, settings: Settings) -> None:
    """Begin no more scheduled runs of a DAG. What runs, runs on."""
    _set_paused(PauseDag(dag_id), patience, as_json, settings)


@click.command("unpause")
@click.argument("dag_id", metavar="DAG", type=DAG_ID)
@answer_option
@with_settings(*STORE)
@json_option
def unpause(dag_id: str, patience: float, as_json: bool, settings: Settings) -> None:
    """Begin scheduled runs of a DAG again; with catchup of all, the missed ones too."""
    _set_paused(UnpauseDag(dag_id), patience, as_json, settings)


def _set_paused(
    intent: PauseDag | UnpauseDag, patience: float, as_json: bool, settings: Settings
) -> None:
    queries = open_queries(settings)
    finding.dag(queries, intent.dag_id)
    number, answer = asking.give(queries, open_commands(settings), intent, patience=patience)
    if as_json:
        emit_json(shapes.command(number, answer))
    elif isinstance(intent, PauseDag):
        say(f"{escape(intent.dag_id)} is paused: no scheduled runs begin; what runs, runs on.")
    else:
        say(f"{escape(intent.dag_id)} is scheduled again.")
