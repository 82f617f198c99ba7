"""Which Mesos master leads, by `zk://`. Implements `ports.MasterDetector`.

Two silences must be told apart. When the *node* of the leader is gone, its master has lost its own session: it
leads no more, also where it still answers, and `None` is told. When *ZooKeeper* is out of our sight nothing is
known to have changed: whoever streams events from the last master goes on, and nothing is told, but logged.
`blind` says so to whoever asks.
"""

import logging
import threading
from collections.abc import Callable
from enum import Enum, auto
from queue import Empty, SimpleQueue

from kazoo.exceptions import NoNodeError
from kazoo.protocol.states import KazooState

from moroccron.adapters.zookeeper.address import ZkAddress
from moroccron.adapters.zookeeper.masters import MasterUnreadable, endpoint, leading
from moroccron.adapters.zookeeper.session import Forbidden, NoAnswer, Session
from moroccron.refrain import Refrain

log = logging.getLogger(__name__)

SESSION = 10.0  #: seconds; nothing of ours depends on it but how soon a dead connection is noticed
_ROUND = 30.0  #: seconds between two looks although nothing was heard
_SOON = (
    3.0  #: seconds between two looks without a connection, and until it is told what we wait for
)
_PAUSE = 5.0  #: seconds until the next session after one that ended

_UNTOLD = object()


class _Word(Enum):
    """What wakes the detector."""

    LOOK = auto()
    LOST = auto()


class ZooKeeperDetector:
    """Watches one path. `watch` is called once; `stop` ends it for good."""

    def __init__(
        self, address: ZkAddress, *, session: float = SESSION, secure: bool = False
    ) -> None:
        self._address = address
        self._secure = secure  #: whether masters speak TLS, of which ZooKeeper knows nothing
        self._timeout = session
        self._words: SimpleQueue[_Word] = SimpleQueue()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._on_change: Callable[[str | None], None] = lambda master: None
        self._told: object = _UNTOLD
        self._waiting = Refrain(grace=_SOON)
        self.blind = True  #: ZooKeeper is out of sight: what was told last may be out of date

    def watch(self, on_change: Callable[[str | None], None]) -> None:
        self._on_change = on_change
        self._thread = threading.Thread(target=self._run, name="master-detector", daemon=True)
        self._thread.start()

    def failed(self, master: str) -> None:
        """Look again: ZooKeeper may have told us less than it knows by now."""
        log.info("master %s is of no use; looking in ZooKeeper again", master)
        self._words.put(_Word.LOOK)

    def stop(self) -> None:
        self._stopped.set()
        self._words.put(_Word.LOOK)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(self._timeout)

    # ------------------------------------------------------------------- the thread

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._in_session()
            except Forbidden as error:
                log.error(
                    "ZooKeeper forbids us to read %s: %s; give the user and password of Mesos' masters",
                    self._address,
                    type(error).__name__,
                )
            except Exception:
                log.exception("watching the masters failed; beginning again")
            self._stopped.wait(_PAUSE)

    def _in_session(self) -> None:
        """From a new session until it is lost."""
        words = self._words = SimpleQueue()
        session = Session(self._address, self._timeout, self._listener(words))

        def on_change(_: object) -> None:
            # One for the whole session: kazoo keeps every callback that differs until the node changes.
            words.put(_Word.LOOK)

        try:
            word = _Word.LOOK
            while word is _Word.LOOK and not self._stopped.is_set():
                if session.connected:
                    self._look(session, on_change)
                else:
                    self._wait_for("ZooKeeper", f"no connection to {self._address}")
                try:
                    word = words.get(timeout=_ROUND if session.connected else _SOON)
                except Empty:
                    word = _Word.LOOK
        finally:
            self.blind = True
            session.close()

    def _listener(self, words: SimpleQueue[_Word]) -> Callable[[KazooState], None]:
        def on_state(state: KazooState) -> None:
            words.put(_Word.LOST if state == KazooState.LOST else _Word.LOOK)
            if state != KazooState.CONNECTED and not self.blind and not self._stopped.is_set():
                self.blind = True
                log.warning("ZooKeeper is out of sight; staying with master %s", self._told)

        return on_state

    def _look(self, session: Session, on_change: Callable[[object], None]) -> None:
        try:
            master = self._master(session, on_change)
        except NoNodeError:
            on_change(None)  # the leader vanished between two questions
        except Forbidden:
            raise
        except NoAnswer as error:
            log.warning("no answer from ZooKeeper about the masters: %r", error)
        else:
            self.blind = not session.connected
            self._tell(master)
            if master is None:
                self._wait_for("a Mesos master", f"none leads by {self._address}")
            else:
                self._waiting.over()

    def _master(self, session: Session, on_change: Callable[[object], None]) -> str | None:
        path = self._address.path
        if not session.exists(path, on_change):
            return None
        leader = leading(session.children(path, on_change))
        if leader is None:
            return None
        try:
            return endpoint(session.read(f"{path}/{leader}"), self._secure)
        except MasterUnreadable as error:
            log.error("the leading master cannot be known, %s/%s is %s", path, leader, error)
            return None

    def _wait_for(self, whom: str, why: str) -> None:
        if self._waiting.due(why):
            log.warning("waiting for %s: %s", whom, why)

    def _tell(self, master: str | None) -> None:
        if master == self._told or self._stopped.is_set():
            return
        self._told = master
        if master is not None:
            log.info("the leading master is %s", master)
        self._on_change(master)
