"""Whom to ask about, and who has not answered: the memory of explicit reconciliation, without any time in it.

What is wondered about is asked soon, and again in rounds until it was heard of. Everything here costs the same
for one task as for ten thousand, whatever else lives. Must not know when: that is `core.asking`'s matter.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import islice

Asked = tuple[str, str]  #: a task's id and its agent's


class Inquiry:
    """What is still to be asked in the round under way, and what was not heard of since it was asked first."""

    def __init__(self) -> None:
        self.pending: dict[str, str] = {}  #: task id -> agent id, in the order of asking
        self.unheard: dict[str, str] = {}
        self.rounds = 0  #: of asking about the unheard, so far
        self.free_at: datetime | None = None  #: when the next batch may go out
        self.survey = False  #: ask for all that the outside knows, when nothing is pending

    def begin(self, tasks: Iterable[Asked], *, survey: bool) -> None:
        """A new enquiry about these; what was under way is over."""
        self.pending = dict(tasks)
        self.unheard = dict(self.pending)
        self.rounds = 1
        self.survey = self.survey or survey

    def wonder(self, tasks: Iterable[Asked]) -> None:
        """Ask about these as well, beginning with them, and as often as about any: the rounds begin anew."""
        self.rounds = 1
        fresh = dict(tasks)
        self.pending = fresh | self.pending if self.pending else fresh
        self.unheard |= fresh

    def heard(self, task_id: str) -> None:
        self.unheard.pop(task_id, None)
        self.pending.pop(task_id, None)

    def batch(self, size: int) -> tuple[Asked, ...]:
        """The next to be asked about."""
        return tuple(islice(self.pending.items(), size))

    def sent(self, tasks: Iterable[Asked], free_at: datetime) -> None:
        for task_id, _ in tasks:
            del self.pending[task_id]
        self.free_at = free_at

    def again(self) -> None:
        """One more round about all that are unheard."""
        self.pending = dict(self.unheard)
        self.rounds += 1

    def accept_silence(self) -> None:
        self.pending.clear()
        self.unheard.clear()
        self.rounds = 0
