"""`moroccron web`: the pages and the API, as one process. Any number may serve one database."""

import click

from moroccron.api.serve import PortInUse
from moroccron.bootstrap import tables
from moroccron.bootstrap.web import serve_web
from moroccron.cli import log_lines
from moroccron.cli.errors import Failure
from moroccron.cli.exit_codes import ExitCode
from moroccron.cli.options import STORE, with_settings
from moroccron.cli.stopping import end_with_supervisor, supervised_option
from moroccron.cli.supervisor import READY
from moroccron.settings import TRUST, Settings


@click.command("web")
@with_settings("host", "port", "web_threads", "log_level", *TRUST, *STORE)
@supervised_option
def command(settings: Settings, supervised: bool) -> None:
    """Serve the pages and the API until SIGTERM or Ctrl-C."""
    log_lines.configure(settings.log_level)
    if supervised:  # the supervisor has just brought the tables up to date
        end_with_supervisor()
    else:
        tables.demand(settings)

    def ready(url: str) -> None:
        click.echo(READY + url if supervised else f"moroccron serves {url}")

    try:
        serve_web(settings, ready)
    except PortInUse as error:
        raise Failure(str(error), code=ExitCode.PORT_IN_USE) from error
