"""The local times that a cron expression names, as a calendar on the wall has them.

Knows months, weekdays and leap years; knows no zone, and so no clock that changes: `model.series` does.
"""

from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from moroccron.model.cron import CronFields

YEARS = range(1900, 2200)  #: beyond these a schedule has nothing to say


class Wall:
    """Naive local times, endless in both directions."""

    def __init__(self, fields: CronFields) -> None:
        self._fields = fields
        self._minutes = _minutes_of(fields.hour.values, fields.minute.values)
        self._days: dict[tuple[int, int], tuple[int, ...]] = {}

    def after(self, local: datetime) -> datetime | None:
        """The first time after this one."""
        year, month, day = local.year, local.month, local.day
        days = self._days_of(year, month)
        place = bisect_left(days, day)
        if place < len(days) and days[place] == day:
            later = bisect_right(self._minutes, local.hour * 60 + local.minute)
            if later < len(self._minutes):
                return _time(year, month, day, self._minutes[later])
            place += 1
        while place == len(days):
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
            if year not in YEARS:
                return None
            days, place = self._days_of(year, month), 0
        return _time(year, month, days[place], self._minutes[0])

    def before(self, local: datetime) -> datetime | None:
        """The last time before this one."""
        year, month, day = local.year, local.month, local.day
        days = self._days_of(year, month)
        place = bisect_left(days, day)
        if place < len(days) and days[place] == day:
            begun = local.second > 0 or local.microsecond > 0
            earlier = bisect_left(self._minutes, local.hour * 60 + local.minute + begun)
            if earlier > 0:
                return _time(year, month, day, self._minutes[earlier - 1])
        while place == 0:
            year, month = (year, month - 1) if month > 1 else (year - 1, 12)
            if year not in YEARS:
                return None
            days = self._days_of(year, month)
            place = len(days)
        return _time(year, month, days[place - 1], self._minutes[-1])

    def _days_of(self, year: int, month: int) -> tuple[int, ...]:
        """The days of a month, in order."""
        found = self._days.get((year, month))
        if found is None:
            found = self._days[year, month] = tuple(self._find_days(year, month))
        return found

    def _find_days(self, year: int, month: int) -> Iterator[int]:
        if month not in self._fields.month.values:
            return
        yield from self._fields.days(*monthrange(year, month))


@lru_cache(maxsize=1024)
def _minutes_of(hours: frozenset[int], minutes: frozenset[int]) -> tuple[int, ...]:
    """The minutes of a day, in order. Many DAGs share them."""
    return tuple(hour * 60 + minute for hour in sorted(hours) for minute in sorted(minutes))


def _time(year: int, month: int, day: int, minutes: int) -> datetime:
    return datetime(year, month, day, minutes // 60, minutes % 60)  # noqa: DTZ001 - on the wall
