"""Queued attempts that could be placed now, kept by priority, shape and owner so that like is packed with like."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby, islice

from moroccron.core.fairness import Front, level_of
from moroccron.model.packing import Shape
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey
from moroccron.model.share import NOBODY

_Class = tuple[int, Shape, str]


class Queue:
    """First in, first out within a class. `grown`: roles for which something came since they were taken out."""

    def __init__(self) -> None:
        #: with the moment since when each waits
        self._classes: dict[_Class, dict[AttemptKey, datetime]] = {}
        self._class_of: dict[AttemptKey, _Class] = {}
        self._number_of: Counter[str | None] = Counter()  #: by role, none with zero
        self._number_claiming: Counter[str] = Counter()  #: by name of limit, none with zero
        self.grown: set[str | None] = set()

    def __len__(self) -> int:
        return len(self._class_of)

    def __contains__(self, key: AttemptKey) -> bool:
        return key in self._class_of

    def __iter__(self) -> Iterator[AttemptKey]:
        return iter(self._class_of)

    @property
    def roles(self) -> frozenset[str | None]:
        """Those for which something is queued."""
        return frozenset(self._number_of)

    @property
    def claimed(self) -> frozenset[str]:
        """The limits of which something queued claims slots."""
        return frozenset(self._number_claiming)

    def add(
        self, key: AttemptKey, priority: int, shape: Shape, ready: datetime, owner: str = NOBODY
    ) -> None:
        """Put an attempt at the end of its class; one that is there already keeps its place."""
        if key in self._class_of:
            return
        cls = (priority, shape, owner)
        self._classes.setdefault(cls, {})[key] = ready
        self._class_of[key] = cls
        self._number_of[shape.role] += 1
        self._number_claiming.update(name for name, _ in shape.claims)
        self.grown.add(shape.role)

    def discard(self, key: AttemptKey) -> None:
        """Take an attempt out, if it is there."""
        cls = self._class_of.pop(key, None)
        if cls is None:
            return
        members = self._classes[cls]
        del members[key]
        if not members:
            del self._classes[cls]
        role = cls[1].role
        for name, _ in cls[1].claims:
            self._number_claiming[name] -= 1
            if not self._number_claiming[name]:
                del self._number_claiming[name]
        self._number_of[role] -= 1
        if not self._number_of[role]:
            del self._number_of[role]

    def of_owner(self, owner: str) -> list[AttemptKey]:
        """What is queued for an owner, in the order of its classes."""
        return [
            key for (_, _, who), members in self._classes.items() if who == owner for key in members
        ]

    def fronts(
        self, free: Mapping[str | None, Resources], now: datetime, aging: float
    ) -> list[Front]:
        """The heads of all lines: of each class no more than is `free` for its role, and one besides.

        That one is told what was lacking. The rest of a long queue is not even looked at, nor are the roles of
        which there is no offer. A class of which some have waited for longer than others is several lines.
        """
        found = []
        for (priority, shape, owner), members in self._classes.items():
            if shape.role not in free:
                continue
            most = most_in(shape.resources, free[shape.role]) + 1
            levels = (
                (level_of(priority, ready, now, aging), key, ready)
                for key, ready in islice(members.items(), most)
            )
            for level, alike in groupby(levels, key=lambda one: one[0]):
                _, keys, since = zip(*alike, strict=True)
                found.append(Front(shape, level, owner, keys, since))
        return found

    def scopes(self) -> set[str]:
        """Runs whose placed attempts matter to something queued."""
        return {shape.scope for _, shape, _ in self._classes if shape.scope is not None}


class Strangers:
    """Queued attempts that no offer will ever fit, as we are set: all there is to do is to say so."""

    def __init__(self) -> None:
        self._keys: set[AttemptKey] = set()
        self._untold: list[AttemptKey] = []

    def add(self, key: AttemptKey) -> None:
        if key not in self._keys:
            self._keys.add(key)
            self._untold.append(key)

    def discard(self, key: AttemptKey) -> None:
        self._keys.discard(key)

    def take_untold(self) -> list[AttemptKey]:
        """Those that came since the last call, each once."""
        untold, self._untold = self._untold, []
        return [key for key in untold if key in self._keys]


def most_in(demand: Resources, free: Resources) -> int:
    """How many times a demand fits into an amount that is all in one place."""
    pairs = zip(demand.as_tuple(), free.as_tuple(), strict=True)
    return min((have // want for want, have in pairs if want), default=_ANY)


_ANY = 10_000  #: of jobs that ask for nothing, as many as this are offered to the packer at a time
