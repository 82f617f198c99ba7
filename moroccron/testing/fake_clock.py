"""A clock that moves only when it is told to. Fulfils `ports.Clock`."""

from datetime import UTC, datetime, timedelta

from moroccron.testing.builders import EPOCH


class FakeClock:
    """Stands still at `now` until advanced or set. The monotonic side never runs backwards."""

    def __init__(self, now: datetime = EPOCH) -> None:
        self._now = now.astimezone(UTC)
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Time passes: both clocks move on."""
        if seconds < 0:
            raise ValueError(
                "time does not pass backwards; to set the wall clock back, use set_now"
            )
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def set_now(self, now: datetime) -> None:
        """Somebody sets the wall clock, forwards or back; the monotonic clock does not notice."""
        self._now = now.astimezone(UTC)
