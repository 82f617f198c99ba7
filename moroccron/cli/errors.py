"""What people read when something goes wrong: what happened, what to do next, and an exit code.

Owns the way from an exception to those three. No traceback for what can be expected.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from moroccron.cli.exit_codes import ExitCode
from moroccron.model.errors import (
    DagInvalid,
    MoroccronError,
    NotFound,
    StoreUnavailable,
    TablesUnfit,
)
from moroccron.settings import SettingsInvalid

T = TypeVar("T")


class Failure(click.ClickException):
    """An expected end that is not a good one."""

    def __init__(self, message: str, *, code: ExitCode, remedy: str | None = None) -> None:
        super().__init__(message)
        self.exit_code = code.value  # type: ignore[misc]  # click makes it per class
        self.remedy = remedy

    def show(self, file: Any = None) -> None:
        click.secho("Error: ", fg="red", bold=True, nl=False, err=True)
        click.echo(self.message, err=True)
        if self.remedy:
            click.echo(f"Do:    {self.remedy}", err=True)


def guarded(body: Callable[[], T]) -> T:
    """The body's result; an exception of ours becomes a `Failure`."""
    try:
        return body()
    except SettingsInvalid as error:
        raise Failure(str(error), code=ExitCode.USAGE, remedy=error.remedy) from error
    except NotFound as error:
        raise Failure(str(error), code=ExitCode.NOT_FOUND) from error
    except DagInvalid as error:
        raise Failure(error.message, code=ExitCode.FAILED, remedy=error.remedy) from error
    except TablesUnfit as error:  # says itself what to do
        raise Failure(str(error), code=ExitCode.DATABASE) from error
    except StoreUnavailable as error:
        raise Failure(
            f"the database cannot be used: {error}",
            code=ExitCode.DATABASE,
            remedy="see that its server runs and lets you in; `moroccron config` shows its address",
        ) from error
    except MoroccronError as error:
        raise Failure(
            str(error), code=ExitCode.FAILED, remedy=getattr(error, "remedy", None)
        ) from error
    except KeyboardInterrupt as error:
        raise click.exceptions.Exit(ExitCode.INTERRUPTED) from error
