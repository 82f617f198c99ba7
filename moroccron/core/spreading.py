"""Spreading: jobs whose constraints look at where the rest of their group is, placed one by one.

The group of a constraint is the jobs of one run that carry the same constraint. Locations are visited in turn,
one job each, so that a group spreads over the values even where nothing demands it. A group may be of several
roles: its jobs are counted together, and each goes into rooms of its own role.
"""

from collections.abc import Iterable, Mapping, Sequence

from moroccron.core.lots import Ledger, Lot, fits, multiplicity
from moroccron.core.rooms import Room
from moroccron.core.vetoes import Tally
from moroccron.model.constraint import Constraint, Operator
from moroccron.model.packing import Member

_Location = tuple[str, ...]
_Buckets = list[tuple[_Location, list[Room]]]  #: rooms by the values that some constraints look at
_Shared = dict[tuple[str | None, tuple[str, ...]], _Buckets]  #: by role and attributes


class Spreader:
    """Places lots with group constraints, and keeps the counts of all groups during a round."""

    def __init__(self, members: Mapping[str, Sequence[Member]], ledger: Ledger) -> None:
        self._members = members
        self._ledger = ledger
        self._tallies: dict[tuple[str | None, Constraint], Tally] = {}
        self._hopeful: dict[str | None, list[Lot]] = {}  #: by run: what GROUP_BY may yet admit

    def spread(self, lots: Iterable[Lot], rooms: Sequence[Room]) -> None:
        """Place lots as far as the rooms allow, and with them those of their run that were refused before."""
        by_run: dict[str | None, list[Lot]] = {}
        for lot in lots:
            by_run.setdefault(lot.shape.scope, []).append(lot)
        shared: _Shared = {}
        for run, of_run in by_run.items():
            hopeful = [lot for lot in self._hopeful.get(run, ()) if lot.left]
            together = hopeful + [lot for lot in of_run if lot not in hopeful]
            together.sort(key=lambda lot: (-lot.priority, lot.attempts[0]))
            if self._spread_run(together, rooms, shared):
                self._hopeful[run] = [lot for lot in together if lot.left]

    def settle(self, kinds: Sequence[Sequence[Room]]) -> None:
        """Lots were spread over several kinds of rooms, one after the other: until no kind admits any more."""
        left = -1
        while left != (left := self._count_hopeful()):
            for rooms in kinds:
                self.spread([lot for lots in self._hopeful.values() for lot in lots], rooms)

    def refusal(self, lot: Lot, room: Room) -> Constraint | None:
        """The first group constraint of the lot that does not admit the room as things are now."""
        for constraint, value in zip(lot.grouped, room.location(lot.grouped), strict=True):
            if value is None or not self._tally(lot, constraint).admits(value):
                return constraint
        return None

    def _count_hopeful(self) -> int:
        return sum(lot.left for lots in self._hopeful.values() for lot in lots)

    def _spread_run(self, lots: list[Lot], rooms: Sequence[Room], shared: _Shared) -> bool:
        """Place lots of one run, in their order; whether what is left may be admitted another time.

        While lots of higher priority wait, a lower one is given one place at a time and then those are asked
        again: they shall not find taken what has come free to them.
        """
        loosening = any(c.operator is Operator.GROUP_BY for lot in lots for c in lot.grouped)
        at = 0
        settled = 0  #: how many lots in a row, round and round, found no place
        while settled < len(lots):
            lot = lots[at]
            behind = loosening and any(o.left and o.priority > lot.priority for o in lots[:at])
            limit = min(lot.left, 1) if behind else lot.left
            placed = self._place(lot, rooms, limit, shared)
            settled = 0 if placed and loosening else settled + 1
            at = 0 if placed and behind else (at + 1) % len(lots)
        return loosening

    def _place(
        self,
        lot: Lot,
        rooms: Sequence[Room],
        limit: int,
        shared: _Shared,
    ) -> int:
        """Place at most `limit` attempts of a lot, one per location in turn; how many it were."""
        if limit == 0:
            return 0
        tallies = [self._tally(lot, constraint) for constraint in lot.grouped]
        looked_at = (lot.role, tuple(constraint.attribute for constraint in lot.grouped))
        if looked_at not in shared:
            own = [room for room in rooms if room.role == lot.role]
            shared[looked_at] = _buckets(lot.grouped, own)
        turn = _in_order(lot, tallies, shared[looked_at])
        if lot.avoid:
            turn = sorted(turn, key=lambda bucket: _only_avoided(lot, bucket[1]))
        placed = -1
        total = 0
        while placed and total < limit:
            turn, placed = self._one_each(lot, tallies, turn, limit - total)
            total += placed
        return total

    def _one_each(
        self, lot: Lot, tallies: list[Tally], turn: _Buckets, limit: int
    ) -> tuple[_Buckets, int]:
        """Visit each location once; the locations worth another visit, and how many were placed."""
        again: _Buckets = []
        placed = 0
        for bucket in turn:
            location, rooms = bucket
            refused_by = [
                tally
                for tally, value in zip(tallies, location, strict=True)
                if not tally.admits(value)
            ]
            if not refused_by:
                at = self._first_fit(lot, rooms)
                if at is None:
                    continue
                self._ledger.take(rooms[at], lot, 1)
                for tally, value in zip(tallies, location, strict=True):
                    tally.add(value)
                placed += 1
                again.append((location, rooms[at:] if at and not lot.avoid else rooms))
                if placed == limit:
                    break
            elif all(tally.may_loosen for tally in refused_by):
                again.append(bucket)
        return again, placed

    def _first_fit(self, lot: Lot, rooms: list[Room]) -> int | None:
        """The place of the first room for a lot; of one that it would rather avoid only for want of others."""
        second = None
        for at, room in enumerate(rooms):
            if lot.lasts > room.open_for or not fits(lot.demand, room.free):
                continue
            if self._ledger.refusal(lot.alone, room):
                continue
            if room.agent_id not in lot.avoid:
                return at
            second = at if second is None else second
        return second

    def _tally(self, lot: Lot, constraint: Constraint) -> Tally:
        key = (lot.shape.scope, constraint)
        found = self._tallies.get(key)
        if found is None:
            members = self._members.get(lot.shape.scope or "", ())
            found = self._tallies[key] = Tally(constraint, members)
        return found


def _buckets(constraints: tuple[Constraint, ...], rooms: Sequence[Room]) -> _Buckets:
    """The rooms by location, in the order of the rooms, without those that lack an attribute."""
    found: dict[_Location, list[Room]] = {}
    for room in rooms:
        values = room.location(constraints)
        location = tuple([value for value in values if value is not None])
        if len(location) == len(values):
            found.setdefault(location, []).append(room)
    return list(found.items())


def _in_order(lot: Lot, tallies: list[Tally], buckets: _Buckets) -> _Buckets:
    """Where to look first: for GROUP_BY at what is used least, for a first CLUSTER where there is most room."""
    for index, tally in enumerate(tallies):
        if tally.constraint.operator is Operator.GROUP_BY and tally.live:
            return sorted(buckets, key=lambda bucket: tally.live.get(bucket[0][index], 0))
        if tally.constraint.operator is Operator.CLUSTER and not tally.homes and lot.left > 1:
            return sorted(buckets, key=lambda bucket: -_capacity(lot, bucket[1]))
    return buckets


def _only_avoided(lot: Lot, rooms: list[Room]) -> bool:
    return all(room.agent_id in lot.avoid for room in rooms)


def _capacity(lot: Lot, rooms: list[Room]) -> int:
    """How many of a lot the rooms could take, constraints aside."""
    capacity = 0
    for room in rooms:
        may = lot.lasts <= room.open_for and fits(lot.demand, room.free)
        most = multiplicity(lot.demand, room.free) if may else 0
        capacity += lot.left if most is None else most
        if capacity >= lot.left:
            return lot.left
    return capacity
