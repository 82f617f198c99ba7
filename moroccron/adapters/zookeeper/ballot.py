"""The list of candidates below one path, by one session: stand on it, and see who is first.

Nodes are `candidate-TOKEN-NNNNNNNNNN`: the number is the ensemble's, the token says which are ours when we do
not know whether one was made. Their value names the holder, for people. Must not know what winning means.
"""

import uuid
from collections.abc import Callable, Iterable

from kazoo.exceptions import NoNodeError

from moroccron.adapters.zookeeper.session import Session

_PREFIX = "candidate-"


def first_of(names: Iterable[str]) -> str | None:
    """Who stands longest. Other nodes may lie beside the candidates'."""
    ours = [name for name in names if name.startswith(_PREFIX)]
    return min(ours, key=lambda name: name.rpartition("-")[2], default=None)


class Ballot:
    """One session's place on the list."""

    def __init__(
        self, session: Session, path: str, holder: bytes, on_change: Callable[[object], None]
    ) -> None:
        self._session = session
        self._path = path
        self._holder = holder
        self._on_change = on_change
        self._name = f"{_PREFIX}{uuid.uuid4().hex}-"
        self._node: str | None = None
        self._leader: str | None = None

    def is_first(self) -> bool:
        """Whether it is we who stand longest; puts us on the list if need be. Who else does: `leader`."""
        names = self._names()
        if not any(name.startswith(self._name) for name in names):
            self._session.create(f"{self._path}/{self._name}", self._holder, ephemeral=True)
            names = self._names()
        leader = first_of(names)
        self._node = leader if leader is not None and leader.startswith(self._name) else None
        self._leader = leader
        return self._node is not None

    def leader(self) -> str | None:
        """Who stood longest at the last look, by the name that he gave; None: he has gone since."""
        try:
            return self._session.read(f"{self._path}/{self._leader}").decode(errors="replace")
        except NoNodeError:
            return None

    def beat(self) -> None:
        """A sign of life that the ensemble's majority has heard once it is answered."""
        self._session.put(f"{self._path}/{self._node}", self._holder)

    def _names(self) -> list[str]:
        try:
            return self._session.children(self._path, self._on_change)
        except NoNodeError:
            return []
