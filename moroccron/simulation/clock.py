"""Time that moves only when it is told to: the Clock of a simulation."""

from datetime import UTC, datetime, timedelta

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class VirtualClock:
    """Fulfils `ports.Clock`."""

    def __init__(self, beginning: datetime = BEGINNING) -> None:
        self._beginning = beginning
        self._now = beginning

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._beginning).total_seconds()

    def move_to(self, moment: datetime) -> None:
        """Forward only: a moment that has passed leaves the clock where it is."""
        self._now = max(self._now, moment)

    def move_by(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
