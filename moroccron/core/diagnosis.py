"""Diagnosis: why lots found no place, counted over all rooms as the round left them.

An agent's first reason is, in this order: a constraint on the agent alone (waiting does not cure it), a
resource (another job's end may), a constraint on the group. Worked out per shape, not per attempt.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

from moroccron.core.lots import Ledger, Lot
from moroccron.core.rooms import CPUS, MEM, Amounts, Room
from moroccron.core.spreading import Spreader
from moroccron.model.constraint import Constraint
from moroccron.model.packing import Shape, Unplaced, Veto, VetoKind

_KINDS = (VetoKind.CPUS, VetoKind.MEM, VetoKind.DISK, VetoKind.GPUS, VetoKind.PORTS)

_Findings = tuple[dict[VetoKind, int], Veto | None]


class Diagnosis:
    """Answers for any lot of a round that is over."""

    def __init__(self, rooms: Sequence[Room], spreader: Spreader, ledger: Ledger) -> None:
        self._rooms = sorted(rooms, key=lambda room: room.free[CPUS])
        self._cpus = [room.free[CPUS] for room in self._rooms]
        most = accumulate((room.free[MEM] for room in reversed(self._rooms)), max)
        self._most_mem_from = [*reversed(list(most)), 0]  #: of that room and all with more cpus
        self._spreader = spreader
        self._ledger = ledger
        self._known: dict[Shape, _Findings] = {}

    def unplaced(self, lot: Lot) -> Unplaced:
        """The lot's attempts that are left, with what stood against them."""
        if lot.shape not in self._known:
            count = _Count(lot.demand)
            self._consider(lot, count)
            self._known[lot.shape] = (count.vetoes, count.nearest())
        vetoes, nearest = self._known[lot.shape]
        attempts = tuple(lot.attempts[lot.taken :] if lot.taken else lot.attempts)
        return Unplaced(lot.shape, attempts, len(self._rooms), vetoes, nearest)

    def _consider(self, lot: Lot, count: "_Count") -> None:
        """Without constraints on the agent, all rooms with too few cpus are one step.

        So are those with too little memory when nothing but cpus and memory is asked for: the lot would have
        been placed had any room enough of both.
        """
        first = 0
        if not lot.alone and (first := bisect_left(self._cpus, lot.demand[CPUS])):
            count.short(CPUS, self._cpus[first - 1], first)
        if not lot.shape.constraints and not any(lot.demand[MEM + 1 :]):
            if first < len(self._rooms):
                count.short(MEM, self._most_mem_from[first], len(self._rooms) - first)
            return
        for room in self._rooms[first:]:
            refused = self._ledger.refusal(lot.alone, room) if lot.alone else None
            if refused is not None:
                count.refused(refused)
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

    def short(self, kind: int, free: int, agents: int) -> None:
        self.vetoes[_KINDS[kind]] = self.vetoes.get(_KINDS[kind], 0) + agents
        self._most_free[kind] = max(free, self._most_free.get(kind, 0))

    def refused(self, constraint: Constraint) -> None:
        self.vetoes[VetoKind.CONSTRAINT] = self.vetoes.get(VetoKind.CONSTRAINT, 0) + 1
        self._refusals[constraint] = self._refusals.get(constraint, 0) + 1

    def nearest(self) -> Veto | None:
        """Of the agents that lacked a resource the one that lacked the smallest share of what was asked.

        Only when constraints refused every agent is it a constraint: the one that refused most.
        """
        if self._most_free:
            kind = max(
                self._most_free, key=lambda k: ((self._most_free[k] << 20) // self._demand[k], -k)
            )
            return Veto(_KINDS[kind], self._demand[kind], self._most_free[kind])
        if self._refusals:
            worst = min(self._refusals, key=lambda c: (-self._refusals[c], str(c)))
            return Veto(VetoKind.CONSTRAINT, constraint=worst)
        return None
