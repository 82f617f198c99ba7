"""When the clocks of a zone change: stretches of UTC within which its offset is constant.

Moments are naive and in UTC, which makes arithmetic twice as fast as with a zone.
"""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

TICK = timedelta(microseconds=1)


class Segment(NamedTuple):
    """A stretch of UTC in which a zone's offset is constant, cut at New Year's as well."""

    start: datetime
    end: datetime
    offset: timedelta
    offset_before: timedelta

    @property
    def skips(self) -> bool:
        """Clocks went forward where it begins: some local times do not exist."""
        return self.offset > self.offset_before

    @property
    def overlaps(self) -> bool:
        """Clocks went back where it begins: some local times come twice."""
        return self.offset < self.offset_before


def segment_at(zone: str, moment: datetime) -> Segment:
    """The segment that holds the moment."""
    segments = _segments_of_year(zone, moment.year)
    return segments[bisect_right(segments, moment, key=_start_of) - 1]


def _start_of(segment: Segment) -> datetime:
    return segment.start


@lru_cache(maxsize=4096)
def _segments_of_year(zone: str, year: int) -> tuple[Segment, ...]:
    """All segments of a year. No zone ever changed twice within a day, so looking once a day finds all."""
    tz = ZoneInfo(zone)
    start, end = _new_year(year), _new_year(year + 1)
    before = _offset(tz, start - TICK)
    offset = _offset(tz, start)
    segments = []
    day = start
    while day < end:
        following = min(day + timedelta(days=1), end)
        if _offset(tz, following - TICK) != offset:
            change = _change(tz, day, following)
            segments.append(Segment(start, change, offset, before))
            start, before, offset = change, offset, _offset(tz, change)
        day = following
    segments.append(Segment(start, end, offset, before))
    return tuple(segment for segment in segments if segment.start < segment.end)


def _new_year(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None)


def _change(tz: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The second in (low, high) from which another offset holds than at `low`."""
    offset = _offset(tz, low)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if _offset(tz, middle) == offset:
            low = middle
        else:
            high = middle
    return high


def _offset(tz: ZoneInfo, moment: datetime) -> timedelta:
    offset = moment.replace(tzinfo=UTC).astimezone(tz).utcoffset()
    return offset if offset is not None else timedelta(0)
