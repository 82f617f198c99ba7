"""Commands come to the loop once each, oldest first, and wait for a store that cannot be read."""

import threading

from moroccron.feed import CommandFeed
from moroccron.model.command import PauseDag
from moroccron.model.errors import StoreUnavailable
from moroccron.testing import MemoryStore
from tests.waiting import until


def test_each_command_is_emitted_once() -> None:
    store, heard = MemoryStore(), []
    feed = CommandFeed(store, heard.append)
    store.submit(PauseDag("a"), "ann")
    store.submit(PauseDag("b"), "ann")
    assert feed.poll() == 2
    assert feed.poll() == 0
    store.submit(PauseDag("c"), "ann")
    assert feed.poll() == 1
    assert [event.command.intent.dag_id for event in heard] == ["a", "b", "c"]


class Flaky(MemoryStore):
    """Cannot be read three times in a row."""

    failures = 3

    def unanswered_commands(self, after, limit):
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("away")
        return super().unanswered_commands(after, limit)


def test_an_unreadable_store_delays_commands_and_nothing_else() -> None:
    store, heard, stop = Flaky(), [], threading.Event()
    store.submit(PauseDag("a"), "ann")
    thread = threading.Thread(target=CommandFeed(store, heard.append).run, args=(stop,))
    thread.start()
    until(lambda: heard, "the command")
    stop.set()
    thread.join()
    assert len(heard) == 1
