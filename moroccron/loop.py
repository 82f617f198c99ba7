"""The single writer: drain, decide, commit, perform. Knows the core and the ports, never an adapter.

    events in -> decide (pure) -> changes + effects -> one commit -> perform the effects

Whatever goes wrong here ends the process; a new one begins with what was committed. `pauses` names the two
moments between which a crash is interesting, for tests that crash there.
"""

import logging
import queue
from collections import deque
from collections.abc import Callable
from datetime import datetime

from moroccron.core.decide import decide
from moroccron.core.view import View
from moroccron.model.effects import Accept, Decline, Effect
from moroccron.model.events import Event, OffersReceived, TrustChanged
from moroccron.ports import Clock, Driver, Store
from moroccron.recalling import looked_up, with_recalled

log = logging.getLogger(__name__)

#: events decided in one batch at most, so that one commit stays small enough to be quick
BATCH = 2000

#: the longest sleep, in seconds: a step of the wall clock is noticed within it
LONGEST_SLEEP = 60.0

#: the longest sleep while we are not sure to lead: trust comes back without a word
DOUBTFUL_SLEEP = 0.1

#: seconds for which offers are refused that come while the database is out of reach
SILENT_REFUSAL = 5.0

Pause = Callable[[str], None]


def no_pause(name: str) -> None:
    """Crash points do nothing in earnest."""


def _always() -> bool:
    """Whoever leads alone."""
    return True


class Stop:
    """Put into the queue to end the loop in order. Not an event: nothing is decided on it."""


class _CommitGivenUp(Exception):
    """The end came while a commit waited for the database. Whether it was made, the next leader will see."""


class Loop:
    """Owns the queue and the view of one term. `emit` may be called from any thread, all else from one."""

    def __init__(
        self,
        *,
        view: View,
        store: Store,
        driver: Driver,
        clock: Clock,
        pause: Pause = no_pause,
        trusted: Callable[[], bool] = _always,
    ) -> None:
        self._view = view
        self._store = store
        self._driver = driver
        self._clock = clock
        self._pause = pause
        self._is_trusted = trusted
        self._trusted = True  #: what the view was told
        self._queue: queue.SimpleQueue[Event | Stop] = queue.SimpleQueue()
        self._kept: deque[Event] = deque()  #: taken from the queue before their time
        self._stopping = False
        self._abandoned = False

    def emit(self, event: Event) -> None:
        """Put an event into the queue."""
        self._queue.put(event)

    def stop(self) -> None:
        """End `run` after the batch at hand."""
        self._queue.put(Stop())

    def abandon(self) -> None:
        """The lead is lost: from this moment nothing more is performed. From any thread."""
        self._abandoned = True
        self.stop()

    def run(self) -> None:
        """Turn until stopped. Sleeps until the next event or due time."""
        try:
            while not (self._stopping or self._abandoned):
                self.turn(self.await_events())
        except _CommitGivenUp:
            log.warning(
                "ended while the database is out of reach; what it was to store is given up"
            )

    def turn(self, events: list[Event]) -> None:
        """One batch: decide on the events, the time and whether we are trusted, commit, then act."""
        batch = with_recalled(self._view, self._store, events)
        decision = decide(self._view, [*self._news_of_trust(), *batch], self._clock.now())
        if decision.changes:
            self._pause("before commit")
            self._store.commit(self._view.term, decision.changes, self._wait_for_store)
            self._pause("after commit")
        if decision.effects and not self._abandoned:
            self._driver.perform(self._permitted(decision.effects))
            self._pause("after effects")

    def _permitted(self, effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
        """The effects, but no launch if trust ended while the commit was made: a stopped process wakes up here too.

        The offers go back. What was to be launched is found out to be unknown, which costs no retry.
        """
        if self._is_trusted() or not any(isinstance(effect, Accept) for effect in effects):
            return effects
        log.warning("not sure to lead any more: what was just committed is not launched")
        return tuple(
            Decline(e.offer_ids, refuse_seconds=0.0) if isinstance(e, Accept) else e
            for e in effects
        )

    def drain(self) -> list[Event]:
        """The events that are there now, without waiting; at most a batch."""
        self._look_up()
        events: list[Event] = []
        while self._kept and len(events) < BATCH:
            events.append(self._kept.popleft())
        while len(events) < BATCH:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            self._take(item, events)
        return events

    def next_wake(self) -> datetime | None:
        """When to turn again although nothing happens."""
        return self._view.next_wake()

    def await_events(self) -> list[Event]:
        """Sleep until the next event or due time; the events that are there then."""
        if self._kept or self._view.sought:
            return self.drain()
        events: list[Event] = []
        try:
            self._take(self._queue.get(timeout=self._patience()), events)
        except queue.Empty:
            return events
        return events + self.drain()

    def _look_up(self) -> None:
        """What the last batch wants to know of the store comes before all other news."""
        self._kept.extendleft(reversed(looked_up(self._view, self._store)))

    def _take(self, item: Event | Stop, events: list[Event]) -> None:
        if isinstance(item, Stop):
            self._stopping = True
        else:
            events.append(item)

    def _wait_for_store(self) -> None:
        """The commit at hand waits for the database. Keep the news in order and give back what is offered: others
        can use it, and by the time that we could it may be worth nothing. Told to end, do so without the commit."""
        news: list[Event] = []
        while not self._queue.empty():
            self._take(self._queue.get(), news)
        offered = [event for event in news if isinstance(event, OffersReceived)]
        self._kept.extend(event for event in news if not isinstance(event, OffersReceived))
        if self._stopping or self._abandoned:
            raise _CommitGivenUp
        ids = tuple(offer.id for event in offered for offer in event.offers)
        if ids:
            self._driver.perform((Decline(ids, SILENT_REFUSAL),))

    def _patience(self) -> float:
        longest = LONGEST_SLEEP if self._trusted else DOUBTFUL_SLEEP
        wake = self._view.next_wake()
        if wake is None:
            return longest
        return min(max((wake - self._clock.now()).total_seconds(), 0.0), longest)

    def _news_of_trust(self) -> list[Event]:
        """Asked at the last moment before deciding: a process that was stopped for long is told so first."""
        trusted = self._is_trusted()
        if trusted == self._trusted:
            return []
        self._trusted = trusted
        log.warning("sure to lead again" if trusted else "not sure to lead: launching nothing")
        return [TrustChanged(trusted)]
