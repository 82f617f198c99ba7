"""`moroccron scheduler`: one candidate for the lead, until it is told to stop or dies for a reason."""

import click

from moroccron.bootstrap import tables
from moroccron.bootstrap.collector import collect_rarely
from moroccron.bootstrap.scheduler import build_scheduler
from moroccron.cli import log_lines
from moroccron.cli.exit_codes import SCHEDULER_MEANINGS
from moroccron.cli.options import STORE, with_settings
from moroccron.cli.stopping import end_with_supervisor, on_signal, supervised_option
from moroccron.settings import MESOS, Settings


@click.command(
    "scheduler",
    epilog="\b\nExit codes beside those of `moroccron --help`:\n"
    + "\n".join(f"  {code:>3}  {meaning}" for code, meaning in SCHEDULER_MEANINGS.items()),
)
@with_settings(
    "dags",
    "load_timeout",
    "load_memory",
    "launch_grace",
    "store_patience",
    "replace_after",
    "log_level",
    "election",
    *MESOS,
    *STORE,
)
@supervised_option
def command(settings: Settings, supervised: bool) -> None:
    """Wait to be elected, then lead: load DAGs, create runs, place jobs, until SIGTERM or Ctrl-C."""
    log_lines.configure(settings.log_level)
    if not supervised:  # else the supervisor has just brought them up to date
        tables.demand(settings)
    collect_rarely()
    lifecycle = build_scheduler(settings)
    on_signal(lifecycle.stop)
    if supervised:
        end_with_supervisor()
    raise click.exceptions.Exit(lifecycle.run())
