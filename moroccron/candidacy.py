"""What elections by lease have in common: one thread that campaigns, and a belief that fades by itself.

A lease is granted for a time, by somebody far away. Its holder cannot know when it ends there; he knows when he
asked, and that it cannot have been granted before that. So trust is a moment on his own clock, counted from
the question, well before the lease's end. Nobody has to wake up for it to end: `trusted` compares two numbers,
and a process that was stopped, or a machine that slept, finds its trust gone before it does anything else.

Must not know who grants what: that is the adapters', each of which is a subclass with a `_campaign`.
"""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from queue import SimpleQueue

from moroccron.model.errors import MoroccronError
from moroccron.refrain import Refrain

log = logging.getLogger(__name__)

NEVER = float("-inf")


def boot_clock() -> float:
    """Seconds that pass whether or not the process, or the machine, is awake."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Candidacy(ABC):
    """Fulfils `ports.Election`, given a campaign. `patience`: how long resigning may take."""

    def __init__(self, *, patience: float, clock: Callable[[], float] = boot_clock) -> None:
        self._patience = patience
        self._clock = clock
        #: may be taken twice: a signal's handler resigns in the middle of whatever this thread was doing
        self._guard = threading.RLock()
        self._trusted_until = NEVER
        self._over = threading.Event()  #: resigned or lost: never to be trusted again
        self._elected = False
        self._outcome: SimpleQueue[MoroccronError | None] = SimpleQueue()
        self._on_loss: Callable[[str], None] | None = None
        self._standing_by = Refrain()
        self._thread = threading.Thread(target=self._run, name="election", daemon=True)

    # ------------------------------------------------------------------- the port

    def wait(self, on_loss: Callable[[str], None]) -> None:
        with self._guard:
            if self._over.is_set():
                return
            self._on_loss = on_loss
            self._thread.start()
        refusal = self._outcome.get()
        if refusal is not None:
            raise refusal

    def trusted(self) -> bool:
        return self._clock() < self._trusted_until

    def resign(self) -> None:
        self._end()
        self._outcome.put(None)
        self._wake()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(self._patience)

    # ------------------------------------------------------------------- for the campaign

    @abstractmethod
    def _campaign(self) -> None:
        """Win, keep what was won, and give it up once `_over` is set. Raises what makes trying on useless."""

    @abstractmethod
    def _wake(self) -> None:
        """Have the campaign notice that it is over."""

    def _stand_by(self, leader: str | None) -> None:
        """Say that another leads, and who; not at every look."""
        words = f"standing by: {leader} leads" if leader else "standing by: another leads"
        if self._standing_by.due(words):
            log.info("%s", words)

    def _trust(self, until: float) -> None:
        """Somebody has just granted, or prolonged, a lease. The first time, we are elected by it."""
        with self._guard:
            if self._over.is_set():
                return
            self._trusted_until = until
            elected, self._elected = not self._elected, True
        if elected:
            self._outcome.put(None)

    def _doubt(self) -> None:
        """We may not be heard any more: trust nothing until the next grant."""
        with self._guard:
            self._trusted_until = NEVER

    def _lose(self, why: str) -> None:
        """Somebody else may lead by now. Nothing happens to one that has resigned."""
        if self._end() and self._on_loss is not None:
            self._on_loss(why)

    # ------------------------------------------------------------------- the thread

    def _end(self) -> bool:
        """Trust no more; whether that is news."""
        with self._guard:
            self._trusted_until = NEVER
            news = not self._over.is_set()
            self._over.set()
            return news

    def _run(self) -> None:
        try:
            self._campaign()
        except MoroccronError as error:
            self._fail(error)
        except Exception as error:
            # A thread that died in silence would leave a candidate that never wins, or worse, never loses.
            log.exception("the election failed")
            self._fail(MoroccronError(f"the election failed: {error!r}"))

    def _fail(self, error: MoroccronError) -> None:
        if self._elected:
            self._lose(str(error))
        else:
            self._outcome.put(error)
