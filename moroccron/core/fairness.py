"""Who goes first: priority, how long one has waited, and whose turn it is among owners. Pure.

Levels are strict: what is of a higher level is packed first. Within one level that several owners want more of than
there is, they take turns: the next attempt is always that of the owner who has the least for their weight, by the
kind of which they have the most (dominant resource fairness; Ghodsi et al., NSDI 2011). Who is served in
these turns is packed before all others of the level; the others still get whatever is left, so that nothing stays
idle for fairness' sake. Places nothing itself: that is the packer's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import heapify, heappop, heappush, heapreplace

from moroccron.model.packing import Group, Shape
from moroccron.model.resources import NOTHING, Resources
from moroccron.model.run import AttemptKey

Amounts = tuple[int, int, int, int, int]  #: in the order of `Resources.as_tuple`
_CPUS, _MEM = 0, 1


@dataclass(frozen=True, slots=True)
class Front:
    """The head of one line of queued attempts: alike to the packer, of one owner and level, first in line first."""

    shape: Shape
    level: int  #: priority, and what waiting has added to it
    owner: str
    attempts: Sequence[AttemptKey]
    ready: Sequence[datetime]  #: of each, since when it waits


@dataclass(slots=True)
class Holding:
    """What an owner's attempts hold now."""

    cpus: int = 0
    mem: int = 0
    jobs: int = 0

    def add(self, cpus: int, mem: int, times: int) -> None:
        self.cpus += times * cpus
        self.mem += times * mem
        self.jobs += times


def take_turns(
    fronts: Iterable[Front],
    free: Mapping[str | None, Resources],
    holdings: Mapping[str, Holding],
    weights: Mapping[str, int],
    left: Mapping[str, int],
) -> list[Group]:
    """The fronts as groups for the packer, with priorities that say who goes first.

    `free`: all that is offered, by role. `left`: the slots left of limits, so that nobody's turn is spent on what
    cannot be launched.
    """
    by_role: dict[str | None, list[Front]] = {}
    for front in fronts:
        by_role.setdefault(front.shape.role, []).append(front)
    groups: list[Group] = []
    for role, own in by_role.items():
        if len({front.owner for front in own}) == 1:
            groups += [Group(f.shape, 2 * f.level, f.attempts) for f in own]
        else:
            groups += _Turns(own, free[role], holdings, weights, left).groups()
    return groups


class _Turns:
    """The turns of one role's fronts, level by level."""

    def __init__(
        self,
        fronts: Sequence[Front],
        free: Resources,
        holdings: Mapping[str, Holding],
        weights: Mapping[str, int],
        left: Mapping[str, int],
    ) -> None:
        self._fronts = fronts
        self._free = list(free.as_tuple())
        self._left = dict(left)
        self._weights = weights
        self._held = {f.owner: [0, 0] for f in fronts}
        for owner, holding in holdings.items():
            self._held.setdefault(owner, [0, 0])[:] = holding.cpus, holding.mem
        # Shares are of all that we know of: what is offered, and what is held already.
        self._all = [
            max(1, self._free[kind] + sum(held[kind] for held in self._held.values()))
            for kind in (_CPUS, _MEM)
        ]

    def groups(self) -> list[Group]:
        by_level: dict[int, list[Front]] = {}
        for front in self._fronts:
            by_level.setdefault(front.level, []).append(front)
        return [
            group
            for level in sorted(by_level, reverse=True)
            for group in self._level(by_level[level])
        ]

    def _level(self, fronts: list[Front]) -> Iterable[Group]:
        served = self._serve([_Line(front, i) for i, front in enumerate(fronts)])
        for front, number in zip(fronts, served, strict=True):
            first, rest = front.attempts[:number], front.attempts[number:]
            if first:
                yield Group(front.shape, 2 * front.level + 1, first)
            if rest:
                yield Group(front.shape, 2 * front.level, rest)

    def _serve(self, lines: list["_Line"]) -> list[int]:
        """How many of each line are served before all that is free is given away."""
        served = [0] * len(lines)
        of_owner: dict[str, list[_Line]] = {}
        for line in lines:
            of_owner.setdefault(line.owner, []).append(line)
        for waiting in of_owner.values():
            heapify(waiting)
        turns = [(self._load(owner), owner) for owner in of_owner]
        heapify(turns)
        while turns:
            owner = turns[0][1]
            turn = self._next(of_owner[owner])
            if turn is None:
                heappop(turns)
                continue
            served[turn.number] += 1
            self._give(turn)
            if turn.taken < len(turn.ready):
                heappush(of_owner[owner], turn)
            heapreplace(turns, (self._load(owner), owner))
        return served

    def _next(self, own: list["_Line"]) -> "_Line | None":
        """The owner's longest waiting attempt that there is enough for; what does not fit now never will."""
        while own:
            line = heappop(own)
            if self._is_enough(line):
                return line
        return None

    def _is_enough(self, line: "_Line") -> bool:
        fits = all(want <= have for want, have in zip(line.demand, self._free, strict=True))
        return fits and all(
            self._left[name] >= slots for name, slots in line.claims if name in self._left
        )

    def _give(self, line: "_Line") -> None:
        for kind, want in enumerate(line.demand):
            self._free[kind] -= want
        for name, slots in line.claims:
            if name in self._left:
                self._left[name] -= slots
        held = self._held[line.owner]
        held[_CPUS] += line.demand[_CPUS]
        held[_MEM] += line.demand[_MEM]
        line.taken += 1

    def _load(self, owner: str) -> float:
        """The owner's dominant share for their weight."""
        cpus, mem = self._held[owner]
        return max(cpus / self._all[_CPUS], mem / self._all[_MEM]) / self._weights.get(owner, 1)


class _Line:
    """A front while it is served. The one whose next attempt has waited longest comes first."""

    __slots__ = ("claims", "demand", "number", "owner", "ready", "taken")

    def __init__(self, front: Front, number: int) -> None:
        self.owner = front.owner
        self.number = number
        self.demand: Amounts = front.shape.resources.as_tuple()
        self.claims = front.shape.claims
        self.ready = front.ready
        self.taken = 0

    def __lt__(self, other: "_Line") -> bool:
        mine, theirs = self.ready[self.taken], other.ready[other.taken]
        return (mine, self.number) < (theirs, other.number)


def level_of(priority: int, ready: datetime, now: datetime, aging: float) -> int:
    """A priority with one more for each `aging` seconds of waiting; 0: waiting adds nothing."""
    if not aging:
        return priority
    return priority + max(0, int((now - ready).total_seconds() // aging))


def total(offered: Iterable[tuple[str | None, Resources]]) -> dict[str | None, Resources]:
    """All that is offered, by role."""
    found: dict[str | None, Resources] = {}
    for role, resources in offered:
        found[role] = found.get(role, NOTHING) + resources
    return found
