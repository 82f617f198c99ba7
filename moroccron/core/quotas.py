"""Quotas while a round places: how many slots are left of each, shared by all lots that claim some.

What is spent by one lot is gone for the others at that moment, so that no order of placing overdraws a quota. A lot
whose quota is spent has nothing left to place, and stands in nobody's way.
"""

from collections.abc import Iterable, Mapping

from moroccron.core.lots import Lot


class Quotas:
    """The slots that are left of each quota by name. A name that is not there is without bound."""

    def __init__(self, left: Mapping[str, int], lots: Iterable[Lot]) -> None:
        self.spent = 0  #: lots that were emptied by what others took
        self._left = dict(left)
        self._claiming: dict[str, list[tuple[Lot, int]]] = {}
        for lot in lots:
            for name, slots in lot.claims:
                if name in self._left:
                    self._claiming.setdefault(name, []).append((lot, slots))
                    lot.left = min(lot.left, self._fit(name, slots))

    def take(self, lot: Lot, number: int) -> None:
        """Spend what a lot claims for so many attempts."""
        for name, slots in lot.claims:
            if name not in self._left:
                continue
            self._left[name] -= number * slots
            for other, each in self._claiming[name]:
                if other.left and (fit := self._fit(name, each)) < other.left:
                    other.left = fit
                    self.spent += not fit

    def short(self, lot: Lot) -> tuple[str, int, int] | None:
        """The first quota that has no room for a lot's next attempt: its name, what is asked, what is left."""
        for name, slots in lot.claims:
            if name in self._left and slots > self._left[name]:
                return name, slots, self._left[name]
        return None

    def _fit(self, name: str, slots: int) -> int:
        return max(self._left[name], 0) // slots
