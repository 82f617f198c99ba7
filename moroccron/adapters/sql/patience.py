"""Asking a database again that was out of reach for a while. Owns the pauses; knows nothing of what is asked.

A failure that may pass is one of the connection, or the server's word that it cannot just now. All others are
final at once: the same question would get the same answer.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from moroccron.adapters.sql.failures import driver_error, unavailable
from moroccron.ports import idle
from moroccron.refrain import Refrain

log = logging.getLogger(__name__)

T = TypeVar("T")

FIRST_PAUSE = 0.02
LONGEST_PAUSE = 1.0
_FIRST_REPETITION = 2.0  #: seconds until a failure that lasts is told again


class Patience:
    """`seconds`: for how long, 0 for one try; `may_pass`: whether the same may succeed a little later."""

    def __init__(
        self, engine: Engine, seconds: float, may_pass: Callable[[Exception], bool]
    ) -> None:
        self._error: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._seconds = seconds
        self._may_pass = may_pass

    def repeat(self, once: Callable[[], T], waiting: Callable[[], None] = idle) -> T:
        """The result of `once`, tried until it succeeds; `waiting` is called between two tries.

        Raises `StoreUnavailable` when trying on is of no use, or has been for too long. Whatever else is raised,
        by `waiting` too, passes through.
        """
        deadline = time.monotonic() + self._seconds
        pause = FIRST_PAUSE
        silent = Refrain(first=_FIRST_REPETITION)
        while True:
            try:
                return once()
            except (self._error, DBAPIError) as error:
                cause = driver_error(error)
                if not self._may_pass(cause) or time.monotonic() + pause > deadline:
                    raise unavailable(cause) from error
                if silent.due(str(cause)):
                    left = deadline - time.monotonic()
                    log.warning("the database failed, trying again for %.0f s: %s", left, cause)
            waiting()
            threading.Event().wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
