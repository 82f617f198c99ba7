"""Filling: agents are filled one at a time with the jobs that suit best what is free of them.

For lots whose constraints look at the agent alone. The score is the dot product of normalised demand and
normalised free resources (Tetris, SIGCOMM 2014): it prefers large jobs and those that ask for what the agent
has plenty of, and uses fewer agents than scoring agents job by job does. All arithmetic is on integers.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from moroccron.core.lots import Ledger, Lot, multiplicity
from moroccron.core.rooms import Amounts, Room

_SCALE = 20  #: bits behind the point of a normalised amount

_Recipe = list[tuple[Lot, int]]


class _Row(NamedTuple):
    """A lot as the search reads it: what most jobs ask for apart from what few do."""

    smallness: int  #: minus the sum of normalised demands: rows are in ascending order of it
    cpus: int
    mem: int
    cpus_weight: int
    mem_weight: int
    rest: tuple[int, int, int] | None  #: disk, gpus, ports; None: none of them is asked for
    rest_weights: tuple[int, int, int]
    lot: Lot


class Filler:
    """Fills rooms with the lots of one priority.

    Lots are kept by size, largest first. A score is at most the lot's size times the largest normalised free
    amount, and a lot larger than all that is free cannot fit: only the stretch between is searched.
    Rooms that are alike are filled alike, as long as the recipe's lots last.
    """

    def __init__(self, lots: Sequence[Lot], reference: Amounts, ledger: Ledger) -> None:
        self._reference = reference
        self._ledger = ledger
        self._watched = tuple(dict.fromkeys(c for lot in lots for c in lot.alone))
        self._recipes: dict[object, _Recipe] = {}
        rows = [_row(lot, reference) for lot in lots if lot.left]
        self._index(sorted(rows, key=lambda row: (row.smallness, row.lot.attempts[0])))

    def _index(self, rows: list[_Row]) -> None:
        self._rows = rows
        self._order = [row.smallness for row in rows]
        self._least_cpus = min((row.cpus for row in rows), default=0)
        self._least_mem = min((row.mem for row in rows), default=0)
        self._spent = 0

    def fill(self, rooms: Sequence[Room]) -> None:
        """Fill the rooms in their order, until nothing that is left fits in any."""
        for room in rooms:
            if not self._rows:
                return
            if room.free[0] < self._least_cpus or room.free[1] < self._least_mem:
                continue
            self._fill_one(room)
            if self._spent * 8 > len(self._rows):
                self._index([row for row in self._rows if row.lot.left])

    def _fill_one(self, room: Room) -> None:
        likeness = (room.free, room.location(self._watched))
        recipe = self._recipes.get(likeness)
        if recipe is not None and all(lot.left >= number for lot, number in recipe):
            for lot, number in recipe:
                self._take(room, lot, number)
        else:
            self._recipes[likeness] = self._cook(room)

    def _cook(self, room: Room) -> _Recipe:
        """Fill a room step by step: the best lot, as many of it as fit, then the next best."""
        recipe: _Recipe = []
        while (lot := self._best(room)) is not None:
            most = multiplicity(lot.demand, room.free)
            number = lot.left if most is None else min(lot.left, most)
            self._take(room, lot, number)
            recipe.append((lot, number))
        return recipe

    def _take(self, room: Room, lot: Lot, number: int) -> None:
        self._ledger.take(room, lot, number)
        if not lot.left:
            self._spent += 1

    def _best(self, room: Room) -> Lot | None:
        """The lot with the highest score of those that fit; of equals the one that sorts first."""
        cpus, mem, *rest = room.free
        normal = _normalised(room.free, self._reference)
        cpus_normal, mem_normal, *rest_normal = normal
        top, best, found = max(normal), -1, None
        rows = self._rows
        for i in range(bisect_left(self._order, -sum(normal)), len(rows)):
            row = rows[i]
            smallness, row_cpus, row_mem, cpus_weight, mem_weight, others, weights, lot = row
            if -smallness * top <= best:
                break
            if row_cpus > cpus or row_mem > mem or not lot.left:
                continue
            score = cpus_weight * cpus_normal + mem_weight * mem_normal
            if others is not None:
                if any(want > have for want, have in zip(others, rest, strict=True)):
                    continue
                score += sum(w * n for w, n in zip(weights, rest_normal, strict=True))
            if score > best and not (lot.alone and self._ledger.refusal(lot.alone, room)):
                best, found = score, lot
        return found


def _normalised(amounts: Amounts, reference: Amounts) -> list[int]:
    return [(amount << _SCALE) // most for amount, most in zip(amounts, reference, strict=True)]


def _row(lot: Lot, reference: Amounts) -> _Row:
    cpus, mem, *rest = lot.demand
    weights = _normalised(lot.demand, reference)
    return _Row(
        -sum(weights),
        cpus,
        mem,
        weights[0],
        weights[1],
        (rest[0], rest[1], rest[2]) if any(rest) else None,
        (weights[2], weights[3], weights[4]),
        lot,
    )
