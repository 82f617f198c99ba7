"""How long the driver waits for a master, and between two attempts to reach one. Pure."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """All in seconds, unless it says otherwise."""

    connect: float = 5.0  #: for the master's end of a connection to answer
    answer: float = 10.0  #: for a call, and for the first event of a subscription
    missed_heartbeats: int = 4  #: intervals without any event after which a master counts as gone
    first_pause: float = 0.2  #: before the second attempt; each further one is twice as long
    longest_pause: float = 15.0
    steady: float = 10.0  #: a subscription that lasted so long starts the pauses anew
    redirects: int = 5  #: how many to follow in a row

    def pause(self, failures: int, chance: float | None = None) -> float:
        """How long to wait after so many failures in a row: half of it fixed, half by chance."""
        share = random.random() if chance is None else chance
        whole = min(self.first_pause * 2.0 ** min(failures, 30), self.longest_pause)
        return whole * (1 + share) / 2
