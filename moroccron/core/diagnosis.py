"""Diagnosis: why lots found no place, counted over all rooms as the round left them.

An agent's first reason is, in this order: a constraint on the agent alone (waiting does not cure it), maintenance
that begins too soon, a resource (another job's end may cure it), a constraint on the group. Worked out per shape,
not per attempt.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate

from moroccron.core.lots import Ledger, Lot
from moroccron.core.quotas import Quotas
from moroccron.core.rooms import CPUS, MEM, Amounts, Room
from moroccron.core.spreading import Spreader
from moroccron.model.constraint import Constraint
from moroccron.model.packing import Shape, Unplaced, Veto, VetoKind

_KINDS = (VetoKind.CPUS, VetoKind.MEM, VetoKind.DISK, VetoKind.GPUS, VetoKind.PORTS)

_Findings = tuple[dict[VetoKind, int], Veto | None]


class _Floor:
    """Rooms that are open long enough, by their cpus, so that many of them are judged in one step."""

    def __init__(self, rooms: Sequence[Room]) -> None:
        self.rooms = sorted(rooms, key=lambda room: room.free[CPUS])
        self.cpus = [room.free[CPUS] for room in self.rooms]
        most = accumulate((room.free[MEM] for room in reversed(self.rooms)), max)
        self.most_mem_from = [*reversed(list(most)), 0]  #: of that room and all with more cpus


class Diagnosis:
    """Answers for any lot of a round that is over. `rooms` come in the order of `rooms_of`."""

    def __init__(self, rooms: Sequence[Room], spreader: Spreader, ledger: Ledger) -> None:
        self._rooms = rooms
        self._open_for = [room.open_for for room in rooms]
        self._floors: dict[int, _Floor] = {}  #: by how many rooms close too soon
        self._spreader = spreader
        self._ledger = ledger
        self._known: dict[Shape, _Findings] = {}

    def unplaced(self, lot: Lot, quotas: Quotas) -> Unplaced:
        """The lot's attempts that are left, with what stood against them: a quota, or the agents."""
        attempts = tuple(lot.attempts[lot.taken :] if lot.taken else lot.attempts)
        short = None if lot.left else quotas.short(lot)
        if short is not None:
            name, asked, free = short
            veto = Veto(VetoKind.QUOTA, asked, free, quota=name)
            return Unplaced(lot.shape, attempts, len(self._rooms), {}, veto)
        if lot.shape not in self._known:
            count = _Count(lot.demand)
            self._consider(lot, count)
            self._known[lot.shape] = (count.vetoes, count.nearest())
        vetoes, nearest = self._known[lot.shape]
        return Unplaced(lot.shape, attempts, len(self._rooms), vetoes, nearest)

    def _consider(self, lot: Lot, count: "_Count") -> None:
        """Without constraints on the agent, all rooms that close too soon are one step."""
        if lot.alone:
            for room in self._rooms:
                self._look_at(lot, room, count)
            return
        soon = bisect_left(self._open_for, lot.lasts)
        if soon and (closes := self._rooms[soon - 1].closes) is not None:
            count.closing(closes, soon)
        if soon not in self._floors:
            self._floors[soon] = _Floor(self._rooms[soon:])
        self._consider_open(lot, self._floors[soon], count)

    def _consider_open(self, lot: Lot, floor: _Floor, count: "_Count") -> None:
        """All rooms with too few cpus are one step.

        So are those with too little memory when nothing but cpus and memory is asked for: the lot would have
        been placed had any room enough of both.
        """
        first = bisect_left(floor.cpus, lot.demand[CPUS])
        if first:
            count.short(CPUS, floor.cpus[first - 1], first)
        if not lot.grouped and not any(lot.demand[MEM + 1 :]):
            if first < len(floor.rooms):
                count.short(MEM, floor.most_mem_from[first], len(floor.rooms) - first)
            return
        for room in floor.rooms[first:]:
            self._look_at(lot, room, count)

    def _look_at(self, lot: Lot, room: Room, count: "_Count") -> None:
        refused = self._ledger.refusal(lot.alone, room) if lot.alone else None
        if refused is not None:
            count.refused(refused)
        elif room.closes is not None and lot.lasts > room.open_for:
            count.closing(room.closes, 1)
        elif (kind := _first_short(lot.demand, room.free)) is not None:
            count.short(kind, room.free[kind], 1)
        elif lot.grouped and (refused := self._spreader.refusal(lot, room)) is not None:
            count.refused(refused)


def _first_short(demand: Amounts, free: Amounts) -> int | None:
    for kind in range(5):
        if demand[kind] > free[kind]:
            return kind
    return None


class _Count:
    """First reasons by kind, with the most that was free of each kind that lacked."""

    def __init__(self, demand: Amounts) -> None:
        self.vetoes: dict[VetoKind, int] = {}
        self._demand = demand
        self._most_free: dict[int, int] = {}
        self._refusals: dict[Constraint, int] = {}
        self._closes: datetime | None = None  #: the latest

    def short(self, kind: int, free: int, agents: int) -> None:
        self.vetoes[_KINDS[kind]] = self.vetoes.get(_KINDS[kind], 0) + agents
        self._most_free[kind] = max(free, self._most_free.get(kind, 0))

    def refused(self, constraint: Constraint) -> None:
        self.vetoes[VetoKind.CONSTRAINT] = self.vetoes.get(VetoKind.CONSTRAINT, 0) + 1
        self._refusals[constraint] = self._refusals.get(constraint, 0) + 1

    def closing(self, at: datetime, agents: int) -> None:
        self.vetoes[VetoKind.MAINTENANCE] = self.vetoes.get(VetoKind.MAINTENANCE, 0) + agents
        self._closes = max(at, self._closes or at)

    def nearest(self) -> Veto | None:
        """Of the agents that lacked a resource the one that lacked the smallest share of what was asked.

        Else it is the latest maintenance. Only when constraints refused every agent is it a constraint: the one
        that refused most.
        """
        if self._most_free:
            kind = max(
                self._most_free, key=lambda k: ((self._most_free[k] << 20) // self._demand[k], -k)
            )
            return Veto(_KINDS[kind], self._demand[kind], self._most_free[kind])
        if self._closes is not None:
            return Veto(VetoKind.MAINTENANCE, begins=self._closes)
        if self._refusals:
            worst = min(self._refusals, key=lambda c: (-self._refusals[c], str(c)))
            return Veto(VetoKind.CONSTRAINT, constraint=worst)
        return None
