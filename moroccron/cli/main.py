"""The `moroccron` command: names its subcommands and where they live. Loads none of them."""

from importlib.metadata import version
from typing import Any

import click

from moroccron.cli.errors import guarded
from moroccron.cli.exit_codes import epilog
from moroccron.cli.lazy import Lazy, LazyGroup

_DAGS = {
    "list": Lazy(
        "moroccron.cli.dags", "List the DAGs, their last runs and next fires.", "list_dags"
    ),
    "show": Lazy(
        "moroccron.cli.dags", "Show a DAG: jobs, graph, last runs, next fires.", "show_dag"
    ),
    "fires": Lazy("moroccron.cli.fires", "Show when a DAG fires next.", "fires"),
    "check": Lazy("moroccron.cli.check", "Validate DAG files, without a database."),
    "test": Lazy("moroccron.cli.dag_test", "Run a DAG once on this machine, keeping nothing."),
    "pause": Lazy("moroccron.cli.dags", "Begin no more scheduled runs of a DAG.", "pause"),
    "unpause": Lazy("moroccron.cli.dags", "Begin scheduled runs of a DAG again.", "unpause"),
}
_RUNS = {
    "trigger": Lazy("moroccron.cli.trigger", "Begin a run of a DAG now.", "trigger"),
    "list": Lazy("moroccron.cli.runs", "List runs, newest first.", "list_runs"),
    "show": Lazy("moroccron.cli.runs", "Show a run with its jobs, times and skew.", "show_run"),
    "retry": Lazy("moroccron.cli.retry", "Run a run again, or some of its jobs.", "retry"),
    "kill": Lazy("moroccron.cli.runs", "End every job of a run that lives.", "kill_run"),
}
_JOBS = {
    "list": Lazy("moroccron.cli.jobs", "List the jobs of a run with their attempts.", "list_jobs"),
    "retry": Lazy("moroccron.cli.jobs", "Run an ended job of a run once more.", "retry"),
    "output": Lazy("moroccron.cli.job_output", "Print what a job of a run handed on.", "output"),
    "mark": Lazy("moroccron.cli.jobs", "Say what a job of a run has come to.", "mark"),
}
_OWNERS = {
    "list": Lazy(
        "moroccron.cli.owners", "List owners: shares, what is held, what waits.", "list_owners"
    ),
    "set": Lazy("moroccron.cli.owners", "Give an owner a share of the cluster.", "set_share"),
    "remove": Lazy("moroccron.cli.owners", "Take an owner's share away.", "remove_share"),
}
_POOLS = {
    "list": Lazy("moroccron.cli.pools", "List pools, what is taken and what waits.", "list_pools"),
    "set": Lazy("moroccron.cli.pools", "Make a pool, or give it other slots.", "set_pool"),
    "remove": Lazy("moroccron.cli.pools", "Take a pool away.", "remove_pool"),
}
_BACKFILL = {
    "create": Lazy("moroccron.cli.backfill", "Make the runs of a stretch of the past.", "create"),
    "list": Lazy("moroccron.cli.backfill", "List backfills, newest first.", "list_backfills"),
    "show": Lazy("moroccron.cli.backfill", "Show how far a backfill is.", "show"),
    "watch": Lazy("moroccron.cli.backfill_watch", "Watch a backfill until it is over.", "watch"),
    "pause": Lazy("moroccron.cli.backfill_asking", "Make no more runs for now.", "pause"),
    "resume": Lazy("moroccron.cli.backfill_asking", "Go on where it was paused.", "resume"),
    "cancel": Lazy("moroccron.cli.backfill_asking", "Make no more runs, for good.", "cancel"),
    "retry": Lazy("moroccron.cli.backfill_asking", "Run its failed runs again.", "retry"),
}
_DB = {
    "upgrade": Lazy("moroccron.cli.db", "Bring the tables up to date; creates them.", "upgrade"),
    "check": Lazy("moroccron.cli.db", "Say whether the database is ready for use.", "check"),
    "current": Lazy("moroccron.cli.db", "Print the revision that the tables are at.", "current"),
}

_FRAMEWORK = {
    "show": Lazy(
        "moroccron.cli.framework", "What Mesos knows of this moroccron.", "show_framework"
    ),
    "teardown": Lazy(
        "moroccron.cli.teardown", "End the framework and all its jobs, for good.", "teardown"
    ),
}

dags = LazyGroup("dags", lazy=_DAGS, help="DAGs: what there is, and whether it is right.")
runs = LazyGroup("runs", lazy=_RUNS, help="Runs of DAGs.")
jobs = LazyGroup("jobs", lazy=_JOBS, help="Jobs within a run.")
owners = LazyGroup("owners", lazy=_OWNERS, help="Owners: their shares of the cluster.")
pools = LazyGroup("pools", lazy=_POOLS, help="Pools: named limits that jobs share.")
backfill = LazyGroup("backfill", lazy=_BACKFILL, help="Backfills: runs for a stretch of the past.")
db = LazyGroup("db", lazy=_DB, help="The database's tables.")
framework = LazyGroup("framework", lazy=_FRAMEWORK, help="This moroccron as a framework of Mesos.")

_HERE = "moroccron.cli.main"
_COMMANDS = {
    "standalone": Lazy("moroccron.cli.standalone", "All of moroccron on this machine."),
    "dags": Lazy(_HERE, "DAGs: list, show, fires, check, test, pause, unpause.", "dags"),
    "runs": Lazy(_HERE, "Runs: trigger, list, show, retry, kill.", "runs"),
    "jobs": Lazy(_HERE, "Jobs within a run: list, retry, output, mark.", "jobs"),
    "owners": Lazy(_HERE, "Owners' shares: list, set, remove.", "owners"),
    "backfill": Lazy(_HERE, "Backfills: create, list, show, watch, pause, resume, ...", "backfill"),
    "pools": Lazy(_HERE, "Pools of slots: list, set, remove.", "pools"),
    "logs": Lazy("moroccron.cli.logs", "What a job of a run wrote, live or finished."),
    "scheduler": Lazy("moroccron.cli.scheduler", "One candidate for the lead of the engine."),
    "web": Lazy("moroccron.cli.web", "The pages and the API."),
    "agent": Lazy("moroccron.cli.agent", "The embedded agent: runs jobs on this machine."),
    "db": Lazy(_HERE, "The database's tables: upgrade, check, current.", "db"),
    "framework": Lazy(_HERE, "The framework at Mesos: show, teardown.", "framework"),
    "config": Lazy("moroccron.cli.config", "The settings in effect and where they came from."),
    "completion": Lazy("moroccron.cli.completion", "The completion script of bash, zsh or fish."),
}


class Root(LazyGroup):
    """The one place where exceptions of ours become messages and exit codes."""

    def invoke(self, ctx: click.Context) -> Any:
        return guarded(lambda: super(Root, self).invoke(ctx))


def _print_version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        click.echo(f"moroccron {version('moroccron')}")
        ctx.exit()


root = Root(
    "moroccron",
    lazy=_COMMANDS,
    help="moroccron runs DAGs of batch jobs, on Apache Mesos or on this machine.\n\n"
    "Begin with `moroccron standalone` in a folder that has a folder `dags`.",
    epilog=epilog(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_print_version,
            help="Print the version.",
        )
    ],
)


def main() -> None:
    """The console script."""
    root(prog_name="moroccron")


if __name__ == "__main__":
    main()
