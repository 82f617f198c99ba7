"""A decision while it is being made: every change is applied to the view and noted for the store.

Handlers speak to the engine only through a Draft. Nothing of it is performed before it is committed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moroccron.core.applying import apply
from moroccron.core.ephemera import Ephemeral
from moroccron.core.view import View
from moroccron.model.changes import Change, Happened
from moroccron.model.effects import Effect
from moroccron.model.run import AttemptKey


@dataclass(frozen=True, slots=True)
class Decision:
    """What to commit, and then to do, in this order."""

    changes: tuple[Change, ...]
    effects: tuple[Effect, ...]


class Draft:
    """Collects the changes and effects of one batch of events."""

    def __init__(self, view: View, now: datetime) -> None:
        self.view = view
        self.now = now
        self._changes: list[Change] = []
        self._effects: list[Effect] = []

    def change(self, change: Change) -> None:
        """Apply to the view, and write to the store with the batch."""
        self._changes.append(change)
        apply(self.view, change, self.now)

    def note(self, change: Ephemeral) -> None:
        """Apply to the view only."""
        apply(self.view, change, self.now)

    def do(self, effect: Effect) -> None:
        """Perform after the commit."""
        self._effects.append(effect)

    def tell(self, subject: str, cause: str, **details: Any) -> None:
        """Add a line of history."""
        self._changes.append(Happened(self.now, subject, cause, **details))

    def tell_attempt(
        self,
        key: AttemptKey,
        cause: str,
        from_state: str | None,
        to_state: str | None,
        message: str | None = None,
    ) -> None:
        """Add a line of history about an attempt."""
        self._changes.append(
            Happened(self.now, "attempt", cause, None, *key, from_state, to_state, message)
        )

    def decision(self) -> Decision:
        return Decision(tuple(self._changes), tuple(self._effects))
