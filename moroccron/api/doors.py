"""What the app was given: the doors to the outside, and how a view gets at them.

Knows ports only. Views hold nothing of their own, so that one process may serve several apps.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from flask import current_app

from moroccron.api.graphing import Whys
from moroccron.api.tail import Tail
from moroccron.ports import Commands, Logs, Previews, Queries

_KEY = "moroccron"


@dataclass(frozen=True, slots=True)
class Doors:
    """The readers' side of everything, and the one way in."""

    queries: Queries
    commands: Commands
    logs: Logs
    previews: Previews
    tail: Tail
    whys: Whys
    version: str

    def now(self) -> datetime:
        """The reader's clock: for "3 min ago", never for a decision."""
        return datetime.now(UTC)


def doors() -> Doors:
    """The doors of the app that serves this request."""
    return cast(Doors, current_app.extensions[_KEY])


def hang(extensions: dict[str, object], given: Doors) -> None:
    """Put the doors where `doors` finds them."""
    extensions[_KEY] = given
