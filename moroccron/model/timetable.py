"""Timetables: which data interval is next. The only module that knows croniter."""

from datetime import datetime
from typing import Protocol

from moroccron.model.run import DataInterval


class Timetable(Protocol):
    """A series of data intervals that abut and grow. An interval's run is due at the interval's end."""

    def next_interval(self, after: datetime) -> DataInterval | None:
        """The first interval that ends after the moment; None when there is none any more."""

    def last_interval(self, until: datetime) -> DataInterval | None:
        """The latest interval that ends at the moment or before; None when there is none yet."""
