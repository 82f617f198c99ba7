"""Every way for a scheduler to end has its exit code."""

import threading
from collections.abc import Callable

import pytest

from moroccron.core.policy import DEFAULT_POLICY
from moroccron.lifecycle import ExitCode, Lifecycle, Outside
from moroccron.model.command import PauseDag, TriggerRun
from moroccron.model.effects import Accept
from moroccron.model.errors import ElectionRefused, FrameworkMismatch, StoreUnavailable
from moroccron.model.events import Event, FilesLoaded, OffersReceived, Subscribed
from moroccron.model.load import LoadedFile
from moroccron.model.offer import Offer
from moroccron.model.resources import Resources
from moroccron.ports import idle
from moroccron.testing import FakeClock, MemoryStore, a_version
from tests.waiting import until


class SomeDriver:
    """Connects at once; says when it was stopped."""

    def __init__(self) -> None:
        self.stopped = False
        self.effects: list[object] = []
        self.emit: Callable[[Event], None] | None = None

    def start(self, framework_id, emit) -> None:
        self.emit = emit
        emit(Subscribed(framework_id or "f1"))

    def perform(self, effects) -> None:
        self.effects += effects

    def stop(self) -> None:
        self.stopped = True


class SomeElection:
    """Won when the test says so."""

    def __init__(self) -> None:
        self.won = threading.Event()
        self.on_loss: Callable[[str], None] | None = None
        self.resigned = False
        self.believed = True

    def wait(self, on_loss) -> None:
        self.on_loss = on_loss
        self.won.wait(10)

    def trusted(self) -> bool:
        return self.believed

    def resign(self) -> None:
        self.resigned = True
        self.won.set()


class SomeFiles:
    """One file, and then no change; or whatever `load` does instead."""

    def __init__(self, load: Callable[[], FilesLoaded] | None = None) -> None:
        self._load = load

    def load_all(self) -> FilesLoaded:
        if self._load is not None:
            return self._load()
        return FilesLoaded((LoadedFile("d.py", (a_version(),)),), complete=True)

    def watch(self, emit, stop) -> None:
        stop.wait(10)


class Candidate:
    """A lifecycle in a thread, with its outside at hand."""

    def __init__(
        self,
        store: MemoryStore,
        files: SomeFiles | None = None,
        election: SomeElection | None = None,
    ) -> None:
        self.store, self.driver, self.election = store, SomeDriver(), election or SomeElection()
        outside = Outside(store, self.driver, self.election, files or SomeFiles(), FakeClock())
        self.lifecycle = Lifecycle(outside, holder="test", policy=DEFAULT_POLICY)
        self.code: ExitCode | None = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        self.code = self.lifecycle.run()

    def lead(self) -> "Candidate":
        self.election.won.set()
        until(lambda: self.store.load().dags or self.code is not None, "it leads")
        return self

    def end(self) -> ExitCode | None:
        self.thread.join(10)
        assert not self.thread.is_alive()
        assert self.driver.stopped
        assert self.election.resigned
        return self.code


def test_a_leader_that_is_told_to_stop_stops() -> None:
    candidate = Candidate(MemoryStore()).lead()
    candidate.lifecycle.stop()
    assert candidate.end() is ExitCode.STOPPED


def test_a_candidate_that_is_told_to_stop_never_leads() -> None:
    candidate = Candidate(MemoryStore())
    until(lambda: candidate.election.on_loss, "it stands for election")
    candidate.lifecycle.stop()
    assert candidate.end() is ExitCode.STOPPED
    assert candidate.store.leader() is None


def test_a_leader_whose_election_is_lost() -> None:
    candidate = Candidate(MemoryStore()).lead()
    assert candidate.election.on_loss is not None
    candidate.election.on_loss("the session expired")
    assert candidate.end() is ExitCode.LEADERSHIP_LOST


def test_a_leader_with_a_rival_is_fenced_at_its_next_commit() -> None:
    candidate = Candidate(MemoryStore()).lead()
    candidate.store.begin_term("rival")
    assert candidate.driver.emit is not None
    candidate.driver.emit(FilesLoaded((), complete=True))
    assert candidate.end() is ExitCode.FENCED


def test_a_leader_that_somebody_outside_gives_up() -> None:
    candidate = Candidate(MemoryStore()).lead()
    candidate.lifecycle.give_up(ExitCode.DEPOSED, "Framework failed over")
    assert candidate.end() is ExitCode.DEPOSED


def test_an_election_that_refuses_us() -> None:
    class Closed(SomeElection):
        def wait(self, on_loss) -> None:
            raise ElectionRefused("wrong password")

    assert Candidate(MemoryStore(), election=Closed()).end() is ExitCode.ELECTION_REFUSED


def test_a_database_of_another_framework() -> None:
    class Other(MemoryStore):
        def load(self, waiting=idle):
            raise FrameworkMismatch("not ours")

    candidate = Candidate(Other())
    candidate.election.won.set()
    assert candidate.end() is ExitCode.FRAMEWORK_MISMATCH
    assert candidate.driver.emit is None, "it never subscribed"


def test_who_finds_the_database_of_another_framework_deposes_nobody() -> None:
    class Other(MemoryStore):
        def load(self, waiting=idle):
            raise FrameworkMismatch("not ours")

    store = Other()
    rightful = store.begin_term("rightful")
    candidate = Candidate(store)
    candidate.election.won.set()
    assert candidate.end() is ExitCode.FRAMEWORK_MISMATCH
    store.commit(rightful, [])


@pytest.mark.parametrize("asked", ["begin_term", "load"])
def test_one_that_is_told_to_stop_does_not_wait_for_a_database_that_is_away(asked: str) -> None:
    class Away(MemoryStore):
        def __init__(self) -> None:
            super().__init__()
            self.waited = threading.Event()

        def _wait(self, waiting) -> None:
            while True:
                self.waited.set()
                waiting()

        def begin_term(self, holder, waiting=idle) -> int:
            if asked == "begin_term":
                self._wait(waiting)
            return super().begin_term(holder)

        def load(self, waiting=idle):
            if asked == "load":
                self._wait(waiting)
            return super().load()

    store = Away()
    candidate = Candidate(store)
    candidate.election.won.set()
    assert store.waited.wait(10)
    candidate.lifecycle.stop()
    assert candidate.end() is ExitCode.STOPPED


def test_who_is_not_trusted_leads_on_but_launches_nothing(caplog: pytest.LogCaptureFixture) -> None:
    election = SomeElection()
    election.believed = False
    candidate = Candidate(MemoryStore(), election=election).lead()
    store, driver = candidate.store, candidate.driver
    assert driver.emit is not None
    number = store.submit(TriggerRun("d"), "test")
    until(lambda: store.answer(number), "something is queued")
    driver.emit(OffersReceived((Offer("o1", "a1", "a1", Resources(8000, 8192, 9000, 0, 0)),)))
    number = store.submit(PauseDag("d"), "test")
    until(lambda: store.answer(number), "the offer was seen")
    assert not any(isinstance(e, Accept) for e in driver.effects)
    election.believed = True  # nobody tells: it is seen
    until(lambda: any(isinstance(e, Accept) for e in driver.effects), "a launch")
    candidate.lifecycle.stop()
    assert candidate.end() is ExitCode.STOPPED
    assert "not sure to lead" in caplog.text


def test_a_store_that_takes_no_commit() -> None:
    class Broken(MemoryStore):
        def commit(self, term, changes, waiting=idle) -> None:
            raise StoreUnavailable("disk full")

    assert Candidate(Broken()).lead().end() is ExitCode.STORE_UNAVAILABLE


def test_a_bug_in_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    class Crooked(MemoryStore):
        def commit(self, term, changes, waiting=idle) -> None:
            raise ZeroDivisionError

    assert Candidate(Crooked()).lead().end() is ExitCode.BUG
    assert "unforeseen" in caplog.text


def test_a_bug_in_a_thread(caplog: pytest.LogCaptureFixture) -> None:
    def bug() -> FilesLoaded:
        raise RuntimeError("unforeseen")

    assert Candidate(MemoryStore(), SomeFiles(bug)).lead().end() is ExitCode.BUG
    assert "unforeseen" in caplog.text
