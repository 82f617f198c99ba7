"""Who may lead among the schedulers of one database: whoever holds its lease. Implements `ports.Election`.

**The lease** is a row with an end. Its holder moves the end on, three times within the lease's length L; whoever
finds it past takes the lease, on condition that the row still is what he saw. The row counts how often it was
taken, and to renew is to set the end *where the count is still ours*: one statement that both proves and
prolongs. It is a row of its own, not the leader's: a commit locks that one, and a lease must not run out
because a commit takes long. Nor is its count the term; the term is taken after the election and fences commits.

**Whose clock.** Candidates' clocks may differ by hours. The end is therefore set and compared by the database's
clock alone, and no candidate's wall clock is ever asked. The holder's trust is counted by his own monotonic clock
from before he asked, and ends at 3/4 of L: the database added L to a later moment than that, so its lease ends
after the trust does. All that is asked of two clocks is that one does not run a quarter faster than the other.

**When the database's clock jumps.** Forward: the lease is taken early and two may believe, until the old
holder's next renewal fails, or until his trust ends; the term fences his commits meanwhile. Backward: the end
is suddenly far away. So a candidate also takes a row that has not changed for a whole L by his own monotonic
clock: a living holder would have changed it three times. That rule needs no wall clock at all; it is not the
only one because it makes every candidate that has just begun wait, long after the holder died.

**When the database is silent**, or takes no writes: trust ends by itself, so that nothing is launched; nobody
else can take the lease either. The holder asks on. If the row still bears his count when it answers, nobody has
led in between, and he trusts again, also when the lease had expired. If not, he has lost.

PostgreSQL and SQLite alike; in SQLite, where all candidates share a machine, the clock is the machine's.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from moroccron.adapters.sql.lease import Lease, LeaseRow
from moroccron.candidacy import Candidacy, boot_clock
from moroccron.model.errors import StoreUnavailable
from moroccron.refrain import Refrain

log = logging.getLogger(__name__)

LEASE = 5.0  #: seconds for which a silent leader keeps the others waiting
_RENEWALS = 3  #: within that time
_TRUSTED = 0.75  #: of that time, for which a grant is trusted
_LOOKS = 20  #: a candidate's, within that time: how soon he sees that the lease is free
_LONGEST_PAUSE = 0.5  #: seconds between two looks


@dataclass(frozen=True, slots=True)
class _Sight:
    """A row, and since when it is known to be the same, by our own clock."""

    lease: Lease | None
    since: float


class SqlElection(Candidacy):
    """One candidacy. A thread of its own asks the database; nobody else does."""

    def __init__(
        self,
        engine: Engine,
        holder: str,
        *,
        length: float = LEASE,
        clock: Callable[[], float] = boot_clock,
    ) -> None:
        super().__init__(patience=length, clock=clock)
        self._row = LeaseRow(engine, length)
        self._holder = holder
        self._length = length
        self._pause = min(length / _LOOKS, _LONGEST_PAUSE)
        self._sight: _Sight | None = None
        self._silent = Refrain()

    def _campaign(self) -> None:
        won = self._win()
        while won is not None and not self._over.wait(self._until_renewal()):
            self._renew(won)
        if won is not None:
            self._give_up(won)

    def _wake(self) -> None:
        """`_over`, on which the campaign waits, does it."""

    def _win(self) -> int | None:
        """Look until the lease is ours; None when we resigned instead."""
        while not self._over.is_set():
            asked = self._clock()
            try:
                won = self._try()
            except StoreUnavailable as error:
                if self._silent.due(str(error)):
                    log.warning("waiting for the database, to stand for election: %s", error)
                self._over.wait(_LONGEST_PAUSE)
                continue
            self._silent.over()
            if won is not None:
                log.debug("took the lease for the %d. time", won)
                self._trust(asked + self._length * _TRUSTED)
                return won
            self._over.wait(self._pause)
        return None

    def _try(self) -> int | None:
        seen, now = self._row.look()
        if self._sight is None or self._sight.lease != seen:
            self._sight = _Sight(seen, self._clock())
        unchanged = self._clock() - self._sight.since
        if seen is None or seen.expires <= now or unchanged >= self._length:
            return self._row.take(self._holder, seen)
        self._stand_by(seen.holder)
        return None

    def _until_renewal(self) -> float:
        return self._length / _RENEWALS if self.trusted() else self._pause

    def _renew(self, won: int) -> None:
        asked = self._clock()
        try:
            ours = self._row.renew(won)
        except StoreUnavailable as error:
            if self._silent.due(str(error)):
                log.warning("the lease is not renewed, launching nothing once in doubt: %s", error)
            return
        self._silent.over()
        if ours:
            self._trust(asked + self._length * _TRUSTED)
        else:
            self._lose("another scheduler has taken the lease")

    def _give_up(self, won: int) -> None:
        try:
            self._row.free(won)
        except StoreUnavailable as error:
            log.warning("the lease ends by itself within %g s: %s", self._length, error)
