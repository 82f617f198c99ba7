"""What standalone prints: a banner once the pages are served, and its children's words under their names.

Plain click, since the process that prints this lives as long as all others and is to stay small.
"""

from pathlib import Path

import click

from moroccron.settings import Settings

_COLOURS = {"scheduler": "cyan", "web": "green", "agent": "magenta"}
_WIDTH = max(len(name) for name in _COLOURS)


class Console:
    """Fulfils `supervisor.Voice` on a terminal or in a log."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._greeted = False

    def ready(self, url: str) -> None:
        """The banner, the first time only: the web process may have been started again."""
        if self._greeted:
            return
        self._greeted = True
        name, address = click.style("moroccron", fg="green", bold=True), click.style(url, bold=True)
        click.echo(f"{name} serves {address}")
        click.echo(f"  DAGs      {_short(self._settings.dags)}")
        click.echo(f"  work_dir  {_short(self._settings.work_dir)}")
        click.secho(
            "  The embedded agent does not isolate jobs: they run as you, on this machine.",
            dim=True,
        )
        click.secho("  Ctrl-C ends it.", dim=True)

    def relay(self, name: str, line: str) -> None:
        """A line of a child, as it wrote it."""
        prefix = click.style(f"{name:<{_WIDTH}}", fg=_COLOURS[name])
        click.echo(f"{prefix} {click.style('|', dim=True)} {line}", err=True)

    def tell(self, message: str) -> None:
        click.echo(message)

    def warn(self, message: str) -> None:
        click.secho(message, fg="yellow", err=True)


def _short(path: Path) -> str:
    """Relative where it lies below the current folder."""
    here = Path.cwd()
    return f"./{path.relative_to(here)}" if path.is_relative_to(here) else str(path)
