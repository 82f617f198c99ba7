"""Shelves: lots of like proportion, kept by size, so that the best one for a room is found in a few looks.

The score of a lot in a room with x and y free of two kinds is min(row_x / x, row_y / y): the smaller share.
On a shelf the proportion of row_x to row_y hardly varies, so that one of the two is the smaller for nearly all
of it. In the order of that one, the first lot that fits is the best of the shelf, or nearly so.
"""

from bisect import bisect_left
from collections.abc import Iterable

from moroccron.core.lots import Ledger, Lot
from moroccron.core.rooms import Room

#: what the order goes by, x, y, the whole demand if more than x and y is asked for, the lot
_Row = tuple[int, int, int, tuple[int, ...] | None, Lot]

_Found = tuple[
    int, Lot | None
]  #: the score, times x * y to stay with integers; -1 with nothing found
_NOTHING_FOUND: _Found = (-1, None)

_FINENESS = 20  #: bits behind the point of a proportion


class _Order:
    """A shelf in the order of one kind, the largest first."""

    __slots__ = ("_keys", "_rows", "by", "least", "most")

    def __init__(self, lots: list[Lot], kinds: tuple[int, int], by: int) -> None:
        self.by = by
        rows: list[_Row] = []
        for lot in lots:
            x, y = lot.demand[kinds[0]], lot.demand[kinds[1]]
            rows.append(((x, y)[by], x, y, lot.demand if _asks_more(lot, kinds) else None, lot))
        rows.sort(key=lambda row: (-row[0], -row[1], -row[2], row[4].attempts[0]))
        self._index(rows)
        #: of this kind against one of the other, at most; rounded up
        self.most = max((_part(row[0], row[1] if by else row[2]) for row in rows), default=0) + 1

    def __len__(self) -> int:
        return len(self._rows)

    def tidy(self) -> None:
        self._index([row for row in self._rows if row[4].left])

    def _index(self, rows: list[_Row]) -> None:
        self._rows = rows
        self._keys = [-row[0] for row in rows]
        self.least = rows[-1][0] if rows else 0

    def better(
        self, room: Room, x: int, y: int, limit: int, other: int, found: _Found, ledger: Ledger
    ) -> _Found:
        """The best of what was found before and of these lots, for a room with x and y free.

        `limit`: none that is larger can fit; `other` of the other kind is free.
        """
        best, lot_found = found
        rows = self._rows
        for i in range(bisect_left(self._keys, -limit), len(rows)):
            bound, row_x, row_y, demand, lot = rows[i]
            if bound * other <= best:
                break
            if row_x > x or row_y > y or not lot.left:
                continue
            if demand is not None and any(map(int.__gt__, demand, room.free)):
                continue
            score = min(row_x * y, row_y * x)
            if score > best and not (lot.alone and ledger.refusal(lot.alone, room)):
                best, lot_found = score, lot
        return best, lot_found


class Shelves:
    """All the lots of one priority that are not used up."""

    def __init__(self, lots: Iterable[Lot], kinds: tuple[int, int]) -> None:
        self._kinds = kinds
        by_proportion: dict[int, list[Lot]] = {}
        for lot in lots:
            key = _proportion(lot.demand[kinds[0]], lot.demand[kinds[1]])
            by_proportion.setdefault(key, []).append(lot)
        self._shelves = {
            key: (_Order(found, kinds, 0), _Order(found, kinds, 1))
            for key, found in sorted(by_proportion.items())
        }
        self._nearest: dict[int, list[_Order]] = {}
        self.number = sum(len(orders[0]) for orders in self._shelves.values())

    def tidy(self) -> None:
        """Drop lots that are used up."""
        for orders in self._shelves.values():
            for order in orders:
                order.tidy()
        self._shelves = {key: orders for key, orders in self._shelves.items() if len(orders[0])}
        self._nearest.clear()
        self.number = sum(len(orders[0]) for orders in self._shelves.values())

    def best(self, room: Room, ledger: Ledger) -> Lot | None:
        """The lot with the highest score of those that fit the room; ties are broken by the order."""
        x, y = room.free[self._kinds[0]], room.free[self._kinds[1]]
        found = _NOTHING_FOUND
        for order in self._near(_proportion(x, y)):
            this, other = (y, x) if order.by else (x, y)
            limit = ((other or 1) * order.most) >> _FINENESS
            if limit > this:
                limit = this
            if limit >= order.least and limit * other > found[0]:
                found = order.better(room, x, y, limit, other, found, ledger)
        return found[1]

    def _near(self, proportion: int) -> list[_Order]:
        """The shelves for a room, those of its own proportion first: they let most of the others be passed by.

        A shelf with less x to its y than the room has is read in the order of x, since x is the smaller share.
        """
        if proportion not in self._nearest:
            keys = sorted(self._shelves, key=lambda key: (abs(key - proportion), key))
            self._nearest[proportion] = [self._shelves[key][key > proportion] for key in keys]
        return self._nearest[proportion]


def _proportion(x: int, y: int) -> int:
    """Four times the binary logarithm of x to y, roughly: the place of the first bit, and the two behind it."""
    part = _part(x, y)
    digits = part.bit_length()
    return 4 * digits + (part >> max(0, digits - 3)) % 4


def _part(x: int, y: int) -> int:
    return (x << _FINENESS) // max(1, y)


def _asks_more(lot: Lot, kinds: tuple[int, int]) -> bool:
    return any(amount for kind, amount in enumerate(lot.demand) if kind not in kinds)
