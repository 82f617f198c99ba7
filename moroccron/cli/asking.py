"""Giving the leader a command and waiting for its answer.

Owns how often the database is asked. Must not know which command it is, nor print results.
"""

import getpass
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from moroccron.cli.errors import Failure
from moroccron.cli.exit_codes import ExitCode
from moroccron.model.command import Answer, Intent, Outcome
from moroccron.ports import Commands, Queries
from moroccron.settings import Settings

T = TypeVar("T")

_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 0.5


def await_value(
    ask: Callable[[], T | None], *, patience: float | None = None, longest: float = _LONGEST_PAUSE
) -> T | None:
    """Ask, ever more slowly, until there is a value; None when patience (seconds) ran out first."""
    deadline = None if patience is None else time.monotonic() + patience
    pause, never = _FIRST_PAUSE, threading.Event()
    while True:
        value = ask()
        if value is not None:
            return value
        if deadline is not None and time.monotonic() >= deadline:
            return None
        never.wait(pause)
        pause = min(pause * 1.5, longest)


def give(
    queries: Queries, commands: Commands, intent: Intent, *, patience: float
) -> tuple[int, Answer]:
    """Store the intent; the command's number with the leader's answer, or a `Failure`."""
    number = commands.submit(intent, requested_by())
    answer = await_value(lambda: queries.answer(number), patience=patience)
    if answer is None:
        raise Failure(
            f"no leader answered within {patience:g} s; what you asked is stored as command {number} "
            "and will be done once a scheduler leads",
            code=ExitCode.NO_LEADER,
            remedy="start `moroccron standalone` or `moroccron scheduler`; do not ask twice",
        )
    if answer.outcome is Outcome.REFUSED:
        raise Failure(f"refused: {answer.detail}", code=ExitCode.REFUSED)
    return number, answer


def requested_by() -> str:
    """Who asks, for the record: the name of the account."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def store_remedy(settings: Settings) -> str:
    """What to do when the database is not fit for use."""
    return f"run `moroccron db upgrade` (database: {settings.database})"
