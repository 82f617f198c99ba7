"""What is free, what is offered, and what was refused: the arithmetic of this agent's offers.

Pure: time comes in as a value (seconds that never run backwards). Knows nothing of tasks or connections.
"""

from collections.abc import Sequence
from dataclasses import replace

from moroccron.adapters.local.notation import Holding
from moroccron.model.offer import PortRange
from moroccron.model.resources import NOTHING

_LEAST_CPUS = 10  #: thousandths; less is not worth an offer, as in Mesos
EMPTY = Holding(NOTHING)


class OfferBook:
    """Every resource is either free here, in one outstanding offer, or in use by a task.

    What is free is offered as one additional offer, unless all of it was refused a while ago. A refusal
    lapses as soon as more is free than was refused. `life` names this agent process in the offers' ids: what
    was meant for an offer of an earlier process must not hit one of this.
    """

    def __init__(self, total: Holding, life: str) -> None:
        self._free = total
        self._life = life
        self._offers: dict[str, Holding] = {}
        self._refused = EMPTY  #: always a part of what is free
        self._refused_until = 0.0
        self._count = 0
        self.suppressed = False

    def next_offer(self, now: float) -> tuple[str, Holding] | None:
        """Offer all that is free, if it is to be offered."""
        free = self._free.resources
        if self.suppressed or free.cpus < _LEAST_CPUS or min(free.as_tuple()) < 0:
            return None
        if now < self._refused_until and free == self._refused.resources:
            return None
        self._count += 1
        offer_id, holding = f"{self._life}-O{self._count}", self._free
        self._offers[offer_id] = holding
        self._free = EMPTY
        self._forget_refusals()
        return offer_id, holding

    def wake_at(self, now: float) -> float | None:
        """When a refusal lapses and with it silence."""
        if self.suppressed or self._refused_until <= now:
            return None
        return self._refused_until

    def take(self, offer_ids: Sequence[str]) -> Holding | None:
        """Use offers up and hold what they gave. None, and nothing is changed, if one is not outstanding."""
        if not offer_ids or any(offer_id not in self._offers for offer_id in offer_ids):
            return None
        held = EMPTY
        for offer_id in dict.fromkeys(offer_ids):
            held = union(held, self._offers.pop(offer_id))
        return held

    def give_back(self, holding: Holding) -> None:
        """A task ended, or an offer is void: free again."""
        self._free = union(self._free, holding)

    def refuse(self, holding: Holding, seconds: float, now: float) -> None:
        """Given back by the scheduler, which does not want it again for a while."""
        self.give_back(holding)
        if seconds > 0:
            lapsed = now >= self._refused_until
            self._refused = holding if lapsed else union(self._refused, holding)
            self._refused_until = max(self._refused_until, now + seconds)

    def occupy(self, holding: Holding) -> Holding:
        """Count what a task of an earlier life holds; what of it to give back when it ends.

        The agent may have been told a smaller size since: then less than nothing is free for a while.
        """
        ports = self._free.ports
        held = []
        for part in holding.ports:
            if (cut := _cut(ports, part)) is not None:
                ports = cut
                held.append(part)
        taken = Holding(replace(holding.resources, ports=sum(map(len, held))), tuple(held))
        self._free = Holding(self._free.resources - taken.resources, ports)
        return taken

    def suppress(self) -> None:
        """Make no offers any more. Those outstanding stay good, as in Mesos."""
        self.suppressed = True

    def revive(self) -> None:
        """Make offers again, refusals forgotten."""
        self.suppressed = False
        self._forget_refusals()

    def withdraw(self) -> list[str]:
        """Void all outstanding offers: their ids."""
        offer_ids = list(self._offers)
        for holding in self._offers.values():
            self.give_back(holding)
        self._offers.clear()
        return offer_ids

    def _forget_refusals(self) -> None:
        self._refused, self._refused_until = EMPTY, 0.0


def union(one: Holding, other: Holding) -> Holding:
    """Both together; they have no port in common."""
    resources = one.resources + other.resources
    if not one.ports or not other.ports:
        return Holding(resources, one.ports or other.ports)
    return Holding(resources, _merge(sorted((*one.ports, *other.ports), key=lambda r: r.first)))


def without(holding: Holding, part: Holding) -> Holding | None:
    """What is left of a holding; None when the part is not in it."""
    if not part.resources.fits_in(holding.resources):
        return None
    ports: tuple[PortRange, ...] = holding.ports
    for hole in part.ports:
        cut = _cut(ports, hole)
        if cut is None:
            return None
        ports = cut
    return Holding(holding.resources - part.resources, ports)


def _merge(ranges: Sequence[PortRange]) -> tuple[PortRange, ...]:
    merged = [ranges[0]]
    for part in ranges[1:]:
        if merged[-1].last + 1 == part.first:
            merged[-1] = PortRange(merged[-1].first, part.last)
        else:
            merged.append(part)
    return tuple(merged)


def _cut(ranges: Sequence[PortRange], hole: PortRange) -> tuple[PortRange, ...] | None:
    for i, part in enumerate(ranges):
        if part.first <= hole.first and hole.last <= part.last:
            left = [PortRange(part.first, hole.first - 1)] if part.first < hole.first else []
            right = [PortRange(hole.last + 1, part.last)] if hole.last < part.last else []
            return (*ranges[:i], *left, *right, *ranges[i + 1 :])
    return None
