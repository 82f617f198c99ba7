"""A mirror in ZooKeeper of the framework id that the database holds.

The database is the truth: the id is committed there before anything is launched, and copied here afterwards.
The copy is for one question that the database cannot answer about itself: is this the database that belongs to
the framework? An empty one in its place (a wrong address, a restored backup) would subscribe under a new id,
and every job of the old one would run on, unknown, beside its repetition. So we compare before subscribing:

| database | ZooKeeper | then |
|---|---|---|
| none | none | the first start |
| A | none | the copy was never made, or ZooKeeper was emptied: make it |
| A | A | as it should be |
| none, or A | B | refuse, and say what to look at |

Must not know who may write: only a leader whose commit was not fenced comes as far as `keep`.
"""

import logging
import threading
from contextlib import suppress

from kazoo.exceptions import NodeExistsError, NoNodeError
from kazoo.protocol.states import KazooState

from moroccron.adapters.zookeeper.address import ZkAddress
from moroccron.adapters.zookeeper.session import (
    Forbidden,
    NoAnswer,
    Session,
    ZooKeeperUnavailable,
)
from moroccron.model.errors import ElectionRefused, FrameworkMismatch

log = logging.getLogger(__name__)

SESSION = 5.0
PATIENCE = 10.0  #: seconds for a connection


class FrameworkIdMirror:
    """The copy at one address. Opens a session for each question: there are two in a leadership."""

    def __init__(self, address: ZkAddress, *, patience: float = PATIENCE) -> None:
        self._address = address
        self._patience = patience

    def check(self, stored: str | None) -> None:
        """Compare with what the database holds. Raises `FrameworkMismatch` when both cannot be true."""
        with _Visit(self._address, self._patience) as session:
            mirrored = self._read(session)
            if mirrored is None and stored is not None:
                self._write(session, stored)
                return
        if mirrored is not None and mirrored != stored:
            raise FrameworkMismatch(_advice(self._address, mirrored, stored))

    def read(self) -> str | None:
        """What the copy says; None: there is none. Raises `ZooKeeperUnavailable`."""
        with _Visit(self._address, self._patience) as session:
            return self._read(session)

    def keep(self, framework_id: str) -> None:
        """Copy an id that was committed. Raises `ZooKeeperUnavailable`; `check` makes up for it another time."""
        with _Visit(self._address, self._patience) as session:
            self._write(session, framework_id)

    def forget(self) -> None:
        """Have no copy: the framework is no more. Raises `ZooKeeperUnavailable`."""
        with _Visit(self._address, self._patience) as session, suppress(NoNodeError):
            session.delete(self._address.path)

    def _read(self, session: Session) -> str | None:
        try:
            return session.read(self._address.path).decode(errors="replace") or None
        except NoNodeError:
            return None

    def _write(self, session: Session, framework_id: str) -> None:
        try:
            session.create(self._address.path, framework_id.encode())
        except NodeExistsError:
            session.put(self._address.path, framework_id.encode())


def _advice(address: ZkAddress, mirrored: str, stored: str | None) -> str:
    known = "none" if stored is None else stored
    return (
        f"the framework id in the database is {known}, but ZooKeeper holds {mirrored} at {address}. "
        "Most likely this is another database than before: look at the setting `database`, or at the backup "
        f"it was restored from. If the database is right, and the framework {mirrored} is torn down or not "
        f"this moroccron's, delete the node {address.path} in ZooKeeper and start again "
        "(`moroccron framework teardown NAME` does it once the master has no such framework)"
    )


class _Visit:
    """A session for one question. What goes wrong within it is told in our terms."""

    def __init__(self, address: ZkAddress, patience: float) -> None:
        self._address = address
        self._patience = patience
        self._connected = threading.Event()

    def __enter__(self) -> Session:
        self._session = Session(self._address, SESSION, self._note)
        if not self._connected.wait(self._patience):
            self._session.close()
            raise ZooKeeperUnavailable(
                f"no connection to {self._address} within {self._patience:g} s; is ZooKeeper running?"
            )
        return self._session

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._session.close()
        if isinstance(error, Forbidden):
            raise ElectionRefused(
                f"ZooKeeper forbids us {self._address}: {type(error).__name__}; "
                "give the user and password that own the path"
            ) from error
        if isinstance(error, NoAnswer):
            raise ZooKeeperUnavailable(f"no answer from {self._address}: {error!r}") from error

    def _note(self, state: KazooState) -> None:
        if state == KazooState.CONNECTED:
            self._connected.set()
