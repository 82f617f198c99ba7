"""standby -> elected -> loaded -> subscribed -> active -> dead, and an exit code for each reason to die.

Start-up, recovery and failover are this one path. There is no way back: whoever loses the lead, or the
database, or his wits, ends the process, and a supervisor starts a new candidate.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from moroccron.core.policy import Policy
from moroccron.core.view import View
from moroccron.feed import CommandFeed
from moroccron.loop import Loop, Pause, no_pause
from moroccron.model.errors import ElectionRefused, Fenced, FrameworkMismatch, StoreUnavailable
from moroccron.model.events import FilesLoaded
from moroccron.ports import Clock, Driver, Election, Store

log = logging.getLogger(__name__)


class ExitCode(IntEnum):
    """Why a scheduler ended, as its process says it."""

    STOPPED = 0  #: asked to
    BUG = 70  #: an exception nobody foresaw (EX_SOFTWARE)
    STORE_UNAVAILABLE = 75  #: the database took no commit (EX_TEMPFAIL)
    FENCED = 80  #: another leader holds a newer term
    LEADERSHIP_LOST = 81  #: the election says that we lead no more
    ELECTION_REFUSED = 82  #: who keeps the election will not have us
    FRAMEWORK_MISMATCH = 83  #: the database is not that of the framework which was led before
    FRAMEWORK_REMOVED = 84  #: torn down, or away for longer than the failover timeout
    DEPOSED = 85  #: another scheduler has subscribed under our framework id
    CREDENTIALS_REFUSED = 86  #: the master does not know the principal, or not with this secret


class _Stopped(Exception):
    """Told to end while the database was waited for."""


class Files(Protocol):
    """Where DAG files are read: see `moroccron.loader.Loader`."""

    def load_all(self) -> FilesLoaded: ...

    def watch(self, emit: Callable[[FilesLoaded], None], stop: threading.Event) -> None: ...


@dataclass(frozen=True, slots=True)
class Outside:
    """Everything a scheduler is joined to, built by bootstrap."""

    store: Store
    driver: Driver
    election: Election
    files: Files
    clock: Clock


class Lifecycle:
    """One candidacy, from standby to death. `run` returns the exit code; `stop` may be called by a signal."""

    def __init__(
        self, outside: Outside, *, holder: str, policy: Policy, pause: Pause = no_pause
    ) -> None:
        self._outside = outside
        self._holder = holder
        self._policy = policy
        self._pause = pause
        self._stop = threading.Event()
        self._loop: Loop | None = None
        self._death: ExitCode | None = None

    def run(self) -> ExitCode:
        """Wait to be elected, lead, and die for a reason."""
        try:
            log.info("standing for election as %s", self._holder)
            self._outside.election.wait(self._lose)
            if self._stop.is_set():
                return self._death or ExitCode.STOPPED
            self._lead()
        except _Stopped:
            log.warning("ended while the database is out of reach")
        except Fenced as fenced:
            log.error("fenced: %s", fenced)
            return ExitCode.FENCED
        except StoreUnavailable as unavailable:
            log.error("database unavailable: %s", unavailable)
            return ExitCode.STORE_UNAVAILABLE
        except ElectionRefused as refused:
            log.error("the election refuses us: %s", refused)
            return ExitCode.ELECTION_REFUSED
        except FrameworkMismatch as mismatch:
            log.error("%s", mismatch)
            return ExitCode.FRAMEWORK_MISMATCH
        except Exception:
            log.exception("unforeseen; the next candidate begins with what was committed")
            return ExitCode.BUG
        finally:
            self._stop.set()
            self._outside.driver.stop()
            self._outside.election.resign()
        return self._death or ExitCode.STOPPED

    def stop(self) -> None:
        """End in order; tasks run on. Safe in a signal handler."""
        self._stop.set()
        if self._loop is not None:
            self._loop.stop()
        else:
            self._outside.election.resign()

    def give_up(self, reason: ExitCode, why: str) -> None:
        """End for a reason that somebody outside has seen; any thread."""
        log.error("giving up: %s", why)
        self._abandon(reason)

    def _die(self, reason: ExitCode) -> None:
        if self._death is None:
            self._death = reason
        self.stop()

    def _lose(self, why: str) -> None:
        log.error("leadership lost: %s", why)
        self._abandon(ExitCode.LEADERSHIP_LOST)

    def _abandon(self, reason: ExitCode) -> None:
        if self._loop is not None:
            self._loop.abandon()
        self._die(reason)

    def _lead(self) -> None:
        outside = self._outside
        # Loaded once before: whoever finds that it is not for him to lead here must not depose who does.
        outside.store.load(self._heed_stop)
        term = outside.store.begin_term(self._holder, self._heed_stop)
        snapshot = outside.store.load(self._heed_stop)
        log.info(
            "elected, term %d: %d DAGs, %d active runs, %d attempts",
            term,
            len(snapshot.dags),
            len(snapshot.runs),
            len(snapshot.attempts),
        )
        view = View(snapshot, term=term, now=outside.clock.now(), policy=self._policy)
        loop = self._loop = Loop(
            view=view,
            store=outside.store,
            driver=outside.driver,
            clock=outside.clock,
            pause=self._pause,
            trusted=outside.election.trusted,
        )
        if self._stop.is_set():
            return
        self._spawn("files", lambda: self._read_files(loop))
        self._spawn("commands", lambda: CommandFeed(outside.store, loop.emit).run(self._stop))
        outside.driver.start(snapshot.framework_id, loop.emit)
        loop.run()

    def _heed_stop(self) -> None:
        """Called while the database is out of reach, before there is a loop to be told."""
        if self._stop.is_set():
            raise _Stopped

    def _read_files(self, loop: Loop) -> None:
        loop.emit(self._outside.files.load_all())
        self._outside.files.watch(loop.emit, self._stop)

    def _spawn(self, name: str, body: Callable[[], None]) -> None:
        """Run in a thread whose failure is the death of the process."""

        def guarded() -> None:
            try:
                body()
            except StoreUnavailable as unavailable:
                log.error("%s: database unavailable: %s", name, unavailable)
                self._die(ExitCode.STORE_UNAVAILABLE)
            except Exception:
                log.exception("%s: unforeseen", name)
                self._die(ExitCode.BUG)

        threading.Thread(target=guarded, name=name, daemon=True).start()
