"""Holidays and blackout windows: when nothing fires, whatever a schedule says.

Moments are naive and in UTC, days and windows are on the wall of the DAG's zone. A fire that clocks moved is
judged where it is, not where it was written.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from moroccron.model.errors import DagInvalid
from moroccron.model.schedule import Blackout, BlackoutEvery
from moroccron.model.zones import segment_at

_DAY, _WEEK = 1440, 10080  #: minutes
_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SIDE = r"(?:([a-z]{3}) )?(\d\d):(\d\d)"
_TEXT = re.compile(rf"{_SIDE}-{_SIDE}")


@dataclass(frozen=True, slots=True)
class Window:
    """A window that comes back every day or every week, in minutes from Monday's midnight."""

    begin: int
    length: int
    period: int

    def since(self, local: datetime) -> datetime | None:
        """When the window that holds a local time began; None: it is in none."""
        minute = local.weekday() * _DAY + local.hour * 60 + local.minute
        into = (minute - self.begin) % self.period
        if into >= self.length:
            return None
        return local.replace(second=0, microsecond=0) - timedelta(minutes=into)


def window(text: str) -> Window:
    """The window that text such as `22:00-06:00` or `sat 22:00-mon 04:00` means; `DagInvalid` if none."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise _refused(text)
    from_day, from_hour, from_minute, to_day, to_hour, to_minute = match.groups()
    if (from_day is None) != (to_day is None):
        raise _refused(text)
    period = _DAY if from_day is None else _WEEK
    begin = _minute(text, from_day, from_hour, from_minute)
    length = (_minute(text, to_day, to_hour, to_minute) - begin) % period
    if length == 0:
        raise DagInvalid(f"the window {text!r} is empty", remedy="let it end at another time")
    return Window(begin, length, period)


def _minute(text: str, day: str | None, hour: str, minute: str) -> int:
    if int(hour) > 24 or int(minute) > 59 or (hour == "24" and minute != "00"):
        raise _refused(text)
    if day is not None and day not in _NAMES:
        raise _refused(text)
    return (0 if day is None else _NAMES.index(day) * _DAY) + int(hour) * 60 + int(minute)


def _refused(text: str) -> DagInvalid:
    return DagInvalid(
        f"{text!r} is no blackout window",
        remedy='write "22:00-06:00" (every day), "sat 22:00-sun 06:00" (every week), or (begin, end)',
    )


class Barring:
    """What bars fires in one zone."""

    def __init__(
        self, zone: str, holidays: Iterable[date], blackouts: Iterable[Blackout | BlackoutEvery]
    ) -> None:
        self._zone = zone
        self._holidays = frozenset(holidays)
        self._windows = [window(one.text) for one in blackouts if isinstance(one, BlackoutEvery)]
        self._spans = [
            (_naive(one.begin), _naive(one.end)) for one in blackouts if isinstance(one, Blackout)
        ]

    def span(self, moment: datetime) -> tuple[datetime, datetime] | None:
        """A stretch around the moment in which nothing fires, perhaps not all of it; None: it may fire."""
        for begin, end in self._spans:
            if begin <= moment < end:
                return begin, end
        segment = segment_at(self._zone, moment)
        local = moment + segment.offset
        found = self._on_the_wall(local)
        if found is None:
            return None
        # Where clocks change, the wall says nothing of what lies beyond: that is looked at by itself.
        begin, end = (wall - segment.offset for wall in found)
        return max(begin, segment.start), min(end, segment.end)

    def _on_the_wall(self, local: datetime) -> tuple[datetime, datetime] | None:
        if local.date() in self._holidays:
            midnight = datetime.combine(local.date(), time())
            return midnight, midnight + timedelta(days=1)
        for one in self._windows:
            since = one.since(local)
            if since is not None:
                return since, since + timedelta(minutes=one.length)
        return None


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
