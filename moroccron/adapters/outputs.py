"""A driver that also reads outputs: each in a thread of a few, and the answer is one more event.

Owns the threads. Where an output lies, `ports.Outputs` knows.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from moroccron.model.effects import Effect, ReadOutput
from moroccron.model.errors import LogUnavailable
from moroccron.model.events import Event, OutputRead
from moroccron.model.run import Attempt
from moroccron.ports import Driver, Outputs

log = logging.getLogger("moroccron.outputs")

THREADS = 8  #: outputs read at a time


class ReadingDriver:
    """Fulfils `ports.Driver` by another one, and `ReadOutput` by itself."""

    def __init__(self, driver: Driver, outputs: Outputs) -> None:
        self._driver = driver
        self._outputs = outputs
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="output")
        self._emit: Callable[[Event], None] | None = None

    def start(self, framework_id: str | None, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._driver.start(framework_id, emit)

    def perform(self, effects: Sequence[Effect]) -> None:
        others = []
        for effect in effects:
            if isinstance(effect, ReadOutput):
                self._threads.submit(self._read, effect.attempt)
            else:
                others.append(effect)
        if others:
            self._driver.perform(others)

    def stop(self) -> None:
        """What is being read is not waited for: nobody would hear of it."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._driver.stop()

    def _read(self, attempt: Attempt) -> None:
        assert attempt.task_id is not None and self._emit is not None, attempt.key
        try:
            found = OutputRead(attempt.task_id, self._outputs.read_output(attempt))
        except LogUnavailable as error:
            found = OutputRead(attempt.task_id, trouble=str(error))
        except Exception as error:
            # Nobody looks at what a thread of the pool raises, and the attempt would wait for ever.
            log.exception("unforeseen, while reading the output of %s", attempt.task_id)
            found = OutputRead(attempt.task_id, trouble=repr(error))
        self._emit(found)
