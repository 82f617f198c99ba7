"""Who may lead among the schedulers of one ZooKeeper path. Implements `ports.Election`.

Each candidate puts a node under the path: ephemeral, so that it goes with its session, and numbered by the
ensemble. Whose number is the lowest leads. That much is every recipe's; what follows is why we do not use
kazoo's `Election`, which knows neither doubt nor loss and runs the leader as a callback.

**How long a leader may believe.** The ensemble gives a session up when it has heard nothing of it for the
granted time S. We cannot know when it heard us last, only when we last asked something that it answered. So
every S/6 the leader writes his own node, and each answer buys trust until S/2 after its *question* was sent,
by a clock that counts while the process is stopped and the machine asleep. It is a write since only writes go
through the ensemble's majority: a server cut off from the others answers reads for a while yet. S/2 leaves
room for what the ensemble heard later than we said it (a server passes on its sessions' signs of life once
per half a tick, and takes the last ones with it when it dies) and for what is under way when trust ends.

**SUSPENDED** means that the connection broke. The session may live on at the ensemble, and nobody else is
elected while it does. The leader stays, trusts no more, and so launches nothing; a reconnection and an
answered write bring the trust back. An ensemble that is down as a whole elects nobody either, and counts
sessions anew when it is back: there the leader outlasts any outage, provided that it reconnects within S.

**LOST** means that the ensemble says the session is over. Somebody else may lead by now: `on_loss`. The same
holds when our node is gone although the session lives, for then an operator has removed it. It is the one way
by which two may believe for up to S/2; the database's term tells them apart, as it does whatever else fails.

All candidates watch the whole list. They are a handful, so that nobody is hurt by all of them waking at once.
"""

import logging
from collections.abc import Callable
from enum import Enum, auto
from queue import Empty, SimpleQueue

from kazoo.exceptions import NoNodeError
from kazoo.protocol.states import KazooState

from moroccron.adapters.zookeeper.address import ZkAddress
from moroccron.adapters.zookeeper.ballot import Ballot
from moroccron.adapters.zookeeper.session import Forbidden, NoAnswer, Session
from moroccron.candidacy import Candidacy, boot_clock
from moroccron.model.errors import ElectionRefused
from moroccron.refrain import Refrain

log = logging.getLogger(__name__)

SESSION = 5.0  #: seconds of silence after which the ensemble gives a leader up
_BEATS = 6  #: signs of life within that time
_TRUSTED = 0.5  #: of that time, for which an answer is trusted
_PAUSE = 1.0  #: seconds until a candidate whose session was lost opens another


class _Word(Enum):
    """What wakes the campaign."""

    LOOK = auto()
    LOST = auto()


class ZooKeeperElection(Candidacy):
    """One candidacy. A thread of its own talks to ZooKeeper; nobody else does."""

    def __init__(
        self,
        address: ZkAddress,
        holder: str,
        *,
        session: float = SESSION,
        clock: Callable[[], float] = boot_clock,
    ) -> None:
        super().__init__(patience=session, clock=clock)
        self._address = address
        self._holder = holder
        self._timeout = session
        self._words: SimpleQueue[_Word] = SimpleQueue()
        self._silent = Refrain()

    def _campaign(self) -> None:
        try:
            while not self._over.is_set():
                self._stand()
        except Forbidden as error:
            raise ElectionRefused(
                f"ZooKeeper forbids us {self._address}: {type(error).__name__}; "
                "give the user and password that own the path, or another path"
            ) from error

    def _wake(self) -> None:
        self._words.put(_Word.LOOK)

    def _stand(self) -> None:
        """From a new session until it is lost, or the campaign is over."""
        words = self._words = SimpleQueue()
        session = Session(self._address, self._timeout, self._listener(words))
        ballot = Ballot(
            session, self._address.path, self._holder.encode(), lambda _: words.put(_Word.LOOK)
        )
        try:
            word = _Word.LOOK
            while word is _Word.LOOK and not self._over.is_set():
                self._step(session, ballot)
                word = self._next(words, session)
        finally:
            session.close()
        if self._elected:
            self._lose("the session with ZooKeeper is over")
        else:
            self._over.wait(_PAUSE)

    def _listener(self, words: SimpleQueue[_Word]) -> Callable[[KazooState], None]:
        """Bound to one session's queue: a late word of an earlier session must not be taken for this one's."""

        def on_state(state: KazooState) -> None:
            if state != KazooState.CONNECTED:
                self._doubt()
            words.put(_Word.LOST if state == KazooState.LOST else _Word.LOOK)
            if state == KazooState.SUSPENDED and self._elected and not self._over.is_set():
                log.warning("the connection to ZooKeeper broke: launching nothing until it is back")

        return on_state

    def _next(self, words: SimpleQueue[_Word], session: Session) -> _Word:
        """The next word; after a while of silence, a look for its own sake."""
        try:
            return words.get(timeout=session.granted / (_BEATS if self._elected else 1))
        except Empty:
            self._tell_of_silence(session)
            return _Word.LOOK

    def _tell_of_silence(self, session: Session) -> None:
        if session.connected:
            self._silent.over()
        elif self._silent.due("no connection"):
            log.warning("waiting for ZooKeeper: no connection to %s", self._address)

    def _step(self, session: Session, ballot: Ballot) -> None:
        """Stand, see who is first, and once it is us give signs of life. Comes again and again, so may fail."""
        if not session.connected:
            return
        asked = self._clock()
        try:
            if not self._elected and not ballot.is_first():
                self._stand_by(ballot.leader())
                return
            ballot.beat()
        except NoNodeError:
            if self._elected:
                self._lose("our node in ZooKeeper was removed")
        except Forbidden:
            raise
        except NoAnswer as error:
            log.warning("no answer from ZooKeeper: %r", error)
        else:
            if session.connected:
                self._trust(asked + session.granted * _TRUSTED)
