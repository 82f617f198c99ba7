"""Rooms: what one agent offers to one role, added up over its offers, and what of it is left during a round.

Owns the sums and the ports; knows nothing of groups, priorities or scores.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from math import inf

from moroccron.core.vetoes import value_at
from moroccron.model.constraint import Constraint
from moroccron.model.offer import Offer, PortRange

Amounts = tuple[int, int, int, int, int]  #: in the order of `Resources.as_tuple`
CPUS, MEM, DISK, GPUS, PORTS = range(5)  #: places in it


class Room:
    """One agent's free resources for one role in this round. `free` alone changes, and only shrinks."""

    __slots__ = (
        "agent_id",
        "attributes",
        "closes",
        "free",
        "has_gpus",
        "hostname",
        "open_for",
        "ports",
        "role",
    )

    def __init__(self, offers: list[Offer], now: datetime) -> None:
        offers = sorted(offers, key=lambda offer: offer.id)
        first = offers[0]
        self.agent_id = first.agent_id
        self.hostname = first.hostname
        self.role = first.role
        self.attributes: Mapping[str, str] = first.attributes
        self.ports = merged(r for offer in offers for r in offer.port_ranges)
        self.free: Amounts = (
            sum(offer.resources.cpus for offer in offers),
            sum(offer.resources.mem for offer in offers),
            sum(offer.resources.disk for offer in offers),
            sum(offer.resources.gpus for offer in offers),
            sum(
                len(r) for r in self.ports
            ),  # the ranges are what can be cut, whatever the count says
        )
        self.has_gpus = self.free[3] > 0
        ahead = [offer.unavailable_from for offer in offers if not _is_over(offer, now)]
        #: when its maintenance begins or began; None: none is known, or it is over
        self.closes = min((moment for moment in ahead if moment is not None), default=None)
        #: seconds until then, negative once it has begun
        self.open_for = inf if self.closes is None else (self.closes - now).total_seconds()

    def location(self, constraints: tuple[Constraint, ...]) -> tuple[str | None, ...]:
        """The values that the constraints look at, in their order."""
        return tuple([value_at(c.attribute, self) for c in constraints])


def _is_over(offer: Offer, now: datetime) -> bool:
    """Whether the agent's maintenance lies behind, though nobody has taken it from the schedule."""
    return offer.unavailable_until is not None and offer.unavailable_until <= now


def rooms_of(offers: Iterable[Offer], now: datetime) -> list[Room]:
    """One room per agent and role, by agent id. Several offers of both are one room (Mesos merges them so too).

    Those whose maintenance is ahead come first, the soonest before the others: what may go there at all has the
    fewest places to go, and leaves the others to whatever lasts longer.

    Offers of two roles are never one: Mesos refuses a call that mixes them.
    """
    found: dict[tuple[str, str], list[Offer]] = {}
    for offer in offers:
        found.setdefault((offer.agent_id, offer.role or ""), []).append(offer)
    rooms = [Room(found[key], now) for key in sorted(found)]
    return sorted(rooms, key=lambda room: room.open_for)


def by_role(rooms: Iterable[Room]) -> dict[str | None, list[Room]]:
    """The rooms of each role, in the order of the rooms."""
    found: dict[str | None, list[Room]] = {}
    for room in rooms:
        found.setdefault(room.role, []).append(room)
    return found


def merged(ranges: Iterable[PortRange]) -> tuple[PortRange, ...]:
    """The same ports in ascending ranges that neither touch nor overlap, so that none is counted twice."""
    found: list[PortRange] = []
    for each in sorted(ranges, key=lambda r: (r.first, r.last)):
        if not len(each) > 0:
            continue
        if found and each.first <= found[-1].last + 1:
            found[-1] = PortRange(found[-1].first, max(found[-1].last, each.last))
        else:
            found.append(each)
    return tuple(found)


class PortCutter:
    """Hands out single ports of a room, lowest first, each once."""

    def __init__(self, ranges: tuple[PortRange, ...]) -> None:
        self._ports = (port for r in ranges for port in range(r.first, r.last + 1))

    def cut(self, number: int) -> tuple[int, ...]:
        """The next ports. The caller has counted: asking for more than there are is a bug."""
        ports = tuple(next(self._ports) for _ in range(number))
        return ports
