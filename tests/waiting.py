"""Waiting for what another process or thread brings about: by condition and deadline, never by a guess."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 20.0  #: seconds; only a failing test waits so long
_BETWEEN_LOOKS = threading.Event()  #: never set

T = TypeVar("T")


def until(condition: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """The first true value of the condition; fails, naming what was awaited, when there is none in time."""
    deadline = time.monotonic() + patience
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience:g} s: {what}")
        _BETWEEN_LOOKS.wait(0.005)
