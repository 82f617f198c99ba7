"""The single writer's order: commit, then perform; and nothing at all once the lead is lost."""

import pytest

from moroccron.core.view import View
from moroccron.loop import BATCH, Loop
from moroccron.model.events import FilesLoaded, Subscribed, TimePassed
from moroccron.model.load import LoadedFile
from moroccron.testing import FakeClock, MemoryStore, a_version

FILES = FilesLoaded((LoadedFile("d.py", (a_version(),)),))


class Diary(MemoryStore):
    """A store and a driver that note who was called when."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    def commit(self, term, changes) -> None:
        self.notes.append("commit")
        super().commit(term, changes)

    def perform(self, effects) -> None:
        self.notes.append("perform")


def make_loop(diary: Diary, pause=lambda moment: None) -> Loop:
    clock = FakeClock()
    term = diary.begin_term("test")
    view = View(diary.load(), term=term, now=clock.now())
    return Loop(view=view, store=diary, driver=diary, clock=clock, pause=pause)


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
