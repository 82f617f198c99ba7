"""The single writer's order: commit, then perform; and nothing at all once the lead is lost."""

import pytest

from moroccron.core.view import View
from moroccron.loop import BATCH, Loop
from moroccron.model.command import TriggerRun
from moroccron.model.effects import Accept, Decline
from moroccron.model.events import (
    CommandReceived,
    FilesLoaded,
    OffersReceived,
    Subscribed,
    TimePassed,
)
from moroccron.model.load import LoadedFile
from moroccron.model.offer import Offer
from moroccron.model.resources import Resources
from moroccron.ports import idle
from moroccron.testing import FakeClock, MemoryStore, a_version

FILES = FilesLoaded((LoadedFile("d.py", (a_version(),)),))


class Diary(MemoryStore):
    """A store and a driver that note who was called when."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []
        self.effects: list[object] = []

    def commit(self, term, changes, waiting=idle) -> None:
        self.notes.append("commit")
        super().commit(term, changes)

    def perform(self, effects) -> None:
        self.notes.append("perform")
        self.effects += effects


def make_loop(diary: Diary, pause=lambda moment: None, trusted=lambda: True) -> Loop:
    clock = FakeClock()
    term = diary.begin_term("test")
    view = View(diary.load(), term=term, now=clock.now())
    return Loop(view=view, store=diary, driver=diary, clock=clock, pause=pause, trusted=trusted)


def test_effects_follow_the_commit() -> None:
    diary = Diary()
    make_loop(diary).turn([Subscribed("f1")])
    assert diary.notes == ["commit", "perform"]


def test_without_a_change_nothing_is_committed() -> None:
    diary = Diary()
    make_loop(diary).turn([TimePassed()])
    assert diary.notes == []


def test_nothing_is_performed_when_the_commit_fails() -> None:
    diary = Diary()
    loop = make_loop(diary)
    diary.begin_term("rival")
    with pytest.raises(Exception, match="may not write"):
        loop.turn([Subscribed("f1")])
    assert diary.notes == ["commit"]


def test_nothing_is_performed_once_the_lead_is_lost_though_it_is_committed() -> None:
    diary = Diary()
    loop = make_loop(diary, lambda moment: loop.abandon() if moment == "after commit" else None)
    loop.turn([Subscribed("f1")])
    assert diary.notes == ["commit"]


def test_what_was_committed_while_trust_ended_is_not_launched() -> None:
    """A process that is stopped in mid-commit for longer than its lease wakes up between commit and ACCEPT."""
    diary = Diary()
    trust = [True]
    loop = make_loop(
        diary,
        lambda moment: trust.clear() if moment == "after commit" else None,
        trusted=lambda: bool(trust),
    )
    offer = Offer("o1", "a1", "a1", Resources(8000, 8192, 9000, 0, 0))
    trust.append(True)
    diary.submit(TriggerRun("d"), "test")
    (command,) = diary.unanswered_commands(0, 1)
    loop.turn([Subscribed("f1"), FILES, CommandReceived(command), OffersReceived((offer,))])
    (attempt,) = diary.attempts(diary.runs()[0].id)
    assert attempt.state == "launching"
    assert not any(isinstance(effect, Accept) for effect in diary.effects)
    assert Decline(("o1",), 0.0) in diary.effects


def test_an_abandoned_loop_takes_no_further_batch() -> None:
    diary = Diary()
    loop = make_loop(diary)
    loop.emit(Subscribed("f1"))
    loop.abandon()
    loop.run()
    assert diary.notes == []


def test_a_loop_that_is_told_to_stop_does_what_came_before() -> None:
    diary = Diary()
    loop = make_loop(diary)
    loop.emit(FILES)
    loop.stop()
    loop.run()
    assert diary.notes == ["commit"]


def test_a_batch_has_a_bound() -> None:
    loop = make_loop(Diary())
    for _ in range(BATCH + 5):
        loop.emit(TimePassed())
    assert len(loop.drain()) == BATCH
    assert len(loop.drain()) == 5


class Slow(Diary):
    """Its database is out of reach for a moment, in which the test may do something."""

    def __init__(self, meanwhile) -> None:
        super().__init__()
        self._meanwhile = [meanwhile]

    def commit(self, term, changes, waiting=idle) -> None:
        while self._meanwhile:
            self._meanwhile.pop()()
            waiting()
        super().commit(term, changes)


def test_offers_that_come_while_the_database_is_away_are_given_back() -> None:
    offer = Offer("o1", "a1", "a1", Resources(8000, 8192, 9000, 0, 0))
    diary = Slow(lambda: [loop.emit(OffersReceived((offer,))), loop.emit(FILES)])
    loop = make_loop(diary)
    loop.turn([Subscribed("f1")])
    assert diary.notes == ["perform", "commit", "perform"]
    assert isinstance(diary.effects[0], Decline)
    assert diary.effects[0].offer_ids == ("o1",)
    assert loop.await_events() == [FILES], "what else came is not forgotten"


def test_news_are_kept_in_their_order_while_the_database_is_away() -> None:
    first, second, third = Subscribed("f1"), TimePassed(), Subscribed("f2")
    diary = Slow(lambda: [loop.emit(first), loop.emit(second)])
    loop = make_loop(diary)
    loop.turn([Subscribed("f1")])
    loop.emit(third)
    assert loop.drain() == [first, second, third]


@pytest.mark.parametrize("end", ["stop", "abandon"])
def test_the_end_does_not_wait_for_a_database_that_is_away(end: str) -> None:
    offer = Offer("o1", "a1", "a1", Resources(8000, 8192, 9000, 0, 0))
    diary = Slow(lambda: [loop.emit(OffersReceived((offer,))), getattr(loop, end)()])
    loop = make_loop(diary)
    loop.emit(Subscribed("f1"))
    loop.run()
    assert diary.notes == []
