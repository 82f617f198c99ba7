"""Filling: agents are filled one at a time with the jobs that leave least of them unused.

For lots whose constraints look at the agent alone. Of the jobs that fit, the best is the one whose smaller
share of what is free is largest: it is large, and it asks for cpus and memory in the proportion in which they
are left. This needs fewer agents than the dot product of demand and free, and than scoring agents job by job
(docs/adr/0004). All arithmetic is on integers.
"""

from collections.abc import Sequence

from moroccron.core.lots import Ledger, Lot, multiplicity
from moroccron.core.rooms import Room
from moroccron.core.shelves import Shelves

_Recipe = dict[Lot, int]


class Filler:
    """Fills rooms with lots of one priority, balancing two kinds of resources; the others only have to fit.

    Rooms that are alike are filled alike, as long as the recipe's lots last.
    """

    def __init__(self, lots: Sequence[Lot], ledger: Ledger, kinds: tuple[int, int]) -> None:
        self._ledger = ledger
        self._shelves = Shelves(lots, kinds)
        self._spent = 0
        self._spent_elsewhere = ledger.quotas.spent
        self._watched = tuple(dict.fromkeys(c for lot in lots for c in lot.alone))
        self._recipes: dict[object, _Recipe] = {}

    def fill(self, rooms: Sequence[Room]) -> None:
        """Fill the rooms in their order, until nothing that is left fits in any."""
        for room in rooms:
            if not self._shelves.number:
                return
            likeness = (room.free, room.location(self._watched))
            recipe = self._recipes.get(likeness)
            if recipe is None or not self._repeat(room, recipe):
                untouched = room.free == likeness[0]
                cooked = self._cook(room)
                if untouched:
                    self._recipes[likeness] = cooked
            quotas = self._ledger.quotas
            if (self._spent + quotas.spent - self._spent_elsewhere) * 8 > self._shelves.number:
                self._shelves.tidy()
                self._spent, self._spent_elsewhere = 0, quotas.spent

    def _repeat(self, room: Room, recipe: _Recipe) -> bool:
        """Fill a room as one like it was filled; False if the lots do not last for it.

        Lots that share a quota may each last, and yet not together.
        """
        if any(lot.left < number for lot, number in recipe.items()):
            return False
        for lot, number in recipe.items():
            if lot.left < number:
                return False
            self._take(room, lot, number)
        return True

    def _cook(self, room: Room) -> _Recipe:
        """Fill a room step by step with the best lot; of one that fits often, half of that at a time."""
        recipe: _Recipe = {}
        while (lot := self._shelves.best(room, self._ledger)) is not None:
            most = multiplicity(lot.demand, room.free)
            number = lot.left if most is None else min(lot.left, (most + 1) // 2)
            self._take(room, lot, number)
            recipe[lot] = recipe.get(lot, 0) + number
        return recipe

    def _take(self, room: Room, lot: Lot, number: int) -> None:
        self._ledger.take(room, lot, number)
        if not lot.left:
            self._spent += 1
