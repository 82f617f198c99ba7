"""After a connection has ended: when to make the next one, to whom, and what to say of it. No thread, no socket."""

import logging
from dataclasses import dataclass

from moroccron.adapters.mesos.patience import Patience

_REFUSALS = frozenset({401, 403})  #: of a SUBSCRIBE: asking again soon is of no use
_AGAIN = "; again in"


@dataclass(slots=True)
class Visit:
    """One connection, and how it ended."""

    master: str
    reason: str = "stopped"
    status: int | None = None  #: of the master's answer, if it came to one and was no stream
    distrusted: bool = False  #: one of us does not trust the other
    subscribed_for: float | None = None  #: seconds; None: it never came to that
    redirect: str | None = None  #: where the master has sent us


@dataclass(frozen=True, slots=True)
class Comeback:
    """What follows a visit."""

    pause: float  #: seconds
    follow: bool = False  #: go where the master has sent us, instead of to whom the detector names
    refused: str | None = None  #: what to tell whoever knows the principal
    failed: bool = False  #: somebody else may lead: the detector is to name another, if it can
    level: int = logging.DEBUG
    text: str = ""

    @property
    def matter(self) -> str:
        """The text but for the pause: what must change to be news."""
        return self.text.partition(_AGAIN)[0]


class Comebacks:
    """Counts failures and redirects in a row."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._failures = 0
        self._redirects = 0

    def after(self, visit: Visit) -> Comeback:
        """Redirects are followed at once, not for ever; everything else waits, longer each time."""
        subscribed_for = visit.subscribed_for
        steady = subscribed_for is not None and subscribed_for >= self._patience.steady
        self._failures = 0 if steady else self._failures + 1
        if subscribed_for is not None:
            self._redirects = 0
        reason = visit.reason
        if visit.redirect is not None:
            if self._redirects < self._patience.redirects:
                self._redirects += 1
                text = f"{visit.master} sends us on to {visit.redirect}"
                return Comeback(0.0, follow=True, level=logging.INFO, text=text)
            reason = f"sent on {self._redirects} times, at last to {visit.redirect}"
        self._redirects = 0
        if visit.status in _REFUSALS:
            return self._refused(visit, reason)
        pause = self._patience.pause(max(0, self._failures - 1))
        if subscribed_for is not None:
            return Comeback(pause)
        return self._failed(visit, reason, pause)

    def _refused(self, visit: Visit, reason: str) -> Comeback:
        told = f"{visit.master} refuses us: {reason}"
        text = f"{told}; is the principal's secret right?"
        return Comeback(self._patience.longest_pause, refused=told, level=logging.ERROR, text=text)

    def _failed(self, visit: Visit, reason: str, pause: float) -> Comeback:
        """An operator has to see to it that two come to trust each other."""
        if visit.distrusted:
            pause = self._patience.longest_pause
        level = logging.ERROR if visit.distrusted else logging.WARNING
        text = f"not subscribed to {visit.master}: {reason}{_AGAIN} {pause:.1f} s"
        return Comeback(pause, failed=True, level=level, text=text)
