"""Queued attempts that could be placed now, kept by priority and shape so that like is packed with like."""

from collections.abc import Iterator
from itertools import islice

from moroccron.model.packing import Group, Shape
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey

_Class = tuple[int, Shape]


class Queue:
    """First in, first out within a class. `grown` tells that something came since it was last cleared."""

    def __init__(self) -> None:
        self._classes: dict[_Class, dict[AttemptKey, None]] = {}
        self._class_of: dict[AttemptKey, _Class] = {}
        self.grown = False

    def __len__(self) -> int:
        return len(self._class_of)

    def __contains__(self, key: AttemptKey) -> bool:
        return key in self._class_of

    def __iter__(self) -> Iterator[AttemptKey]:
        return iter(self._class_of)

    def add(self, key: AttemptKey, priority: int, shape: Shape) -> None:
        """Put an attempt at the end of its class; one that is there already keeps its place."""
        if key in self._class_of:
            return
        cls = (priority, shape)
        self._classes.setdefault(cls, {})[key] = None
        self._class_of[key] = cls
        self.grown = True

    def discard(self, key: AttemptKey) -> None:
        """Take an attempt out, if it is there."""
        cls = self._class_of.pop(key, None)
        if cls is None:
            return
        members = self._classes[cls]
        del members[key]
        if not members:
            del self._classes[cls]

    def groups(self, free: Resources) -> list[Group]:
        """The queue as the packer wants it: of each class no more than `free` could hold, and one besides.

        That one is told what was lacking. The rest of a long queue is not even looked at.
        """
        return [
            Group(shape, priority, list(islice(members, most_in(shape.resources, free) + 1)))
            for (priority, shape), members in self._classes.items()
        ]

    def scopes(self) -> set[str]:
        """Runs whose placed attempts matter to something queued."""
        return {shape.scope for _, shape in self._classes if shape.scope is not None}


def most_in(demand: Resources, free: Resources) -> int:
    """How many times a demand fits into an amount that is all in one place."""
    pairs = zip(demand.as_tuple(), free.as_tuple(), strict=True)
    return min((have // want for want, have in pairs if want), default=_ANY)


_ANY = 10_000  #: of jobs that ask for nothing, as many as this are offered to the packer at a time
