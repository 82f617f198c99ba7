"""Brings people's commands from the store to the loop: a short poll, so that any process may insert a row.

A store that cannot be read delays commands and nothing else: whether the process can go on without it is for the
loop to find out, when it has something to commit.
"""

import logging
import threading
from collections.abc import Callable

from moroccron.model.errors import StoreUnavailable
from moroccron.model.events import CommandReceived
from moroccron.ports import Store

log = logging.getLogger(__name__)

#: seconds between two looks; one indexed read each, some 0.1 ms
POLL_INTERVAL = 0.2

BATCH = 100


class CommandFeed:
    """Emits each unanswered command once per term, oldest first."""

    def __init__(self, store: Store, emit: Callable[[CommandReceived], None]) -> None:
        self._store = store
        self._emit = emit
        self._after = 0

    def poll(self) -> int:
        """Emit the commands that came since the last poll; how many there were."""
        commands = self._store.unanswered_commands(self._after, BATCH)
        for command in commands:
            self._after = command.id
            self._emit(CommandReceived(command))
        return len(commands)

    def run(self, stop: threading.Event) -> None:
        """Poll until told to stop."""
        readable = True
        while not stop.is_set():
            try:
                full = self.poll() == BATCH
                readable = True
            except StoreUnavailable as unavailable:
                full = False
                if readable:
                    log.warning("commands cannot be read: %s", unavailable)
                readable = False
            if not full:
                stop.wait(POLL_INTERVAL)
