"""How a file that was refused reads in a terminal, wherever a command tells of one."""

from moroccron.cli.output import diagnostics, escape
from moroccron.model.load import LoadError


def tell(error: LoadError) -> None:
    """`file:line: whose: field: message`, as editors understand it; under it, what to do."""
    place = f"{error.file}:{error.line}" if error.line else error.file
    whose = " ".join(
        f"{kind} {name}" for kind, name in (("DAG", error.dag_id), ("job", error.job_id)) if name
    )
    parts = [part for part in (whose, error.field) if part]
    stderr = diagnostics()
    stderr.print(
        f"[bold red]{escape(place)}[/]: {escape(''.join(f'{part}: ' for part in parts))}"
        f"{escape(error.message)}",
        soft_wrap=True,
    )
    stderr.print(f"    {escape(error.remedy)}", soft_wrap=True)
