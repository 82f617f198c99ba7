"""Lots: groups of like attempts while a round places them, and the record of where they went.

The bookkeeping that the two ways of placing share (`filling`, `spreading`).
"""

from collections.abc import Sequence
from typing import Protocol

from moroccron.core.graph import looks_around
from moroccron.core.rooms import Amounts, Room
from moroccron.core.vetoes import matches
from moroccron.model.constraint import Constraint
from moroccron.model.packing import Group
from moroccron.model.run import AttemptKey


class Lot:
    """A group with how many of its attempts are placed. They are taken from the front: first in, first out."""

    __slots__ = (
        "alone",
        "attempts",
        "avoid",
        "claims",
        "demand",
        "grouped",
        "lasts",
        "left",
        "priority",
        "role",
        "shape",
        "taken",
    )

    def __init__(self, group: Group) -> None:
        self.shape = group.shape
        self.role = group.shape.role
        self.lasts = group.shape.lasts
        self.priority = group.priority
        self.avoid = group.shape.avoid
        self.claims = group.shape.claims
        self.attempts: Sequence[AttemptKey] = group.attempts
        self.left = len(group.attempts)
        self.taken = 0
        self.demand: Amounts = group.shape.resources.as_tuple()
        constraints = dict.fromkeys(group.shape.constraints)
        self.grouped = tuple(c for c in constraints if looks_around(c))  #: on the group
        self.alone = tuple(c for c in constraints if not looks_around(c))  #: on the agent alone


class Spending(Protocol):
    """Who counts what lots spend of their quotas: see `quotas`."""

    spent: int

    def take(self, lot: Lot, number: int) -> None: ...


class Ledger:
    """Who was placed where, in the order of placing; and which agents pass which constraints."""

    def __init__(self, quotas: Spending) -> None:
        self.quotas = quotas
        #: by room: lot, first attempt, number
        self.takes: dict[Room, list[tuple[Lot, int, int]]] = {}
        self._verdicts: dict[Constraint, dict[str | None, bool]] = {}

    def take(self, room: Room, lot: Lot, number: int) -> None:
        """Place the next attempts of a lot in a room that has been found to have the space."""
        free, demand = room.free, lot.demand
        room.free = (
            free[0] - number * demand[0],
            free[1] - number * demand[1],
            free[2] - number * demand[2],
            free[3] - number * demand[3],
            free[4] - number * demand[4],
        )
        self.takes.setdefault(room, []).append((lot, lot.taken, number))
        lot.taken += number
        lot.left -= number
        if lot.claims:
            self.quotas.take(lot, number)

    def refusal(self, constraints: tuple[Constraint, ...], room: Room) -> Constraint | None:
        """The first constraint on the agent alone that it fails. Evaluated once per expression and value."""
        for constraint, value in zip(constraints, room.location(constraints), strict=True):
            known = self._verdicts.setdefault(constraint, {})
            if value not in known:
                known[value] = matches(constraint, value)
            if not known[value]:
                return constraint
        return None


def fits(demand: Amounts, free: Amounts) -> bool:
    """Whether there is enough of everything."""
    return (
        demand[0] <= free[0]
        and demand[1] <= free[1]
        and demand[2] <= free[2]
        and demand[3] <= free[3]
        and demand[4] <= free[4]
    )


def multiplicity(demand: Amounts, free: Amounts) -> int | None:
    """How many of a demand fit at once; None when nothing is demanded and any number fits."""
    counts = [have // want for want, have in zip(demand, free, strict=True) if want]
    return min(counts, default=None)
