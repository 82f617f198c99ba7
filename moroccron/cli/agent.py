"""`moroccron agent`: the embedded agent. One per work directory; it outlives schedulers."""

import click

from moroccron.adapters.local.agent import NO_ISOLATION, AgentRuns
from moroccron.adapters.local.notation import BadNotation
from moroccron.bootstrap.agent import be_agent
from moroccron.cli import log_lines
from moroccron.cli.errors import Failure
from moroccron.cli.exit_codes import ExitCode
from moroccron.cli.options import with_settings
from moroccron.cli.stopping import end_with_supervisor, supervised_option
from moroccron.settings import Settings


@click.command("agent", epilog=f"Beware: {NO_ISOLATION}.")
@with_settings("work_dir", "resources", "attributes", "hostname", "retention_days", "log_level")
@supervised_option
def command(settings: Settings, supervised: bool) -> None:
    """Offer this machine's resources to the scheduler and run its jobs, as you.

    SIGTERM: it takes no new jobs and ends once none runs. A second one, or Ctrl-C: it ends those that run.
    """
    log_lines.configure(settings.log_level)
    if supervised:
        end_with_supervisor()
    try:
        raise click.exceptions.Exit(be_agent(settings))
    except AgentRuns as error:
        raise Failure(str(error), code=ExitCode.ALREADY_RUNNING) from error
    except BadNotation as error:
        raise Failure(
            str(error), code=ExitCode.USAGE, remedy="mend the setting `resources` or `attributes`"
        ) from error
