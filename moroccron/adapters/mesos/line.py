"""A subscription as others see it: what a call needs to be of it, and who hears of it. Values and a protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from moroccron.ports import DriverEnd


@dataclass(frozen=True, slots=True)
class Line:
    """One subscription: what a call needs to be of it. Two are never equal, whatever they say."""

    master: str
    framework_id: str
    stream_id: str
    number: int
    authorization: str | None = field(default=None, repr=False)  #: under which it was subscribed


class Listener(Protocol):
    """Who hears of the subscription, in its thread. Must not wait, and need not fear to raise."""

    def subscribed(self, line: Line, suppressed: Sequence[str]) -> None: ...

    def heard(self, line: Line, message: Mapping[str, Any]) -> None: ...

    def lost(self, reason: str) -> None: ...

    def refused(self, reason: str) -> None: ...

    def ended(self, end: DriverEnd, message: str) -> None: ...
