"""What standalone prints: a banner once the pages are served, and its children's words under their names."""

from pathlib import Path

from moroccron.cli.output import console, diagnostics, escape
from moroccron.settings import Settings

_COLOURS = {"scheduler": "cyan", "web": "green", "agent": "magenta"}
_WIDTH = max(len(name) for name in _COLOURS)


class Console:
    """Fulfils `supervisor.Voice` on a terminal or in a log."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._greeted = False
        self._out = console()
        self._err = diagnostics()

    def ready(self, url: str) -> None:
        """The banner, the first time only: the web process may have been started again."""
        if self._greeted:
            return
        self._greeted = True
        settings = self._settings
        self._out.print(
            f"[bold green]moroccron[/] serves [bold]{escape(url)}[/]\n"
            f"  DAGs      {escape(_short(settings.dags))}\n"
            f"  work_dir  {escape(_short(settings.work_dir))}\n"
            "  [dim]The embedded agent does not isolate jobs: they run as you, on this machine.[/]\n"
            "  [dim]Ctrl-C ends it.[/]",
            soft_wrap=True,
        )

    def relay(self, name: str, line: str) -> None:
        """A line of a child, as it wrote it."""
        prefix = f"[{_COLOURS[name]}]{name:<{_WIDTH}}[/] [dim]|[/]"
        self._err.print(f"{prefix} {escape(line)}", soft_wrap=True)

    def tell(self, message: str) -> None:
        self._out.print(escape(message), soft_wrap=True)

    def warn(self, message: str) -> None:
        self._err.print(f"[yellow]{escape(message)}[/]", soft_wrap=True)


def _short(path: Path) -> str:
    """Relative where it lies below the current folder."""
    here = Path.cwd()
    return f"./{path.relative_to(here)}" if path.is_relative_to(here) else str(path)
