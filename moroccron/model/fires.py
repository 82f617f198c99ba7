"""The next fires of a DAG, for people to read: when, about what, and what clocks do on that day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from moroccron.model.dag_version import DagVersion
from moroccron.model.run import DataInterval
from moroccron.model.timetable import timetable_of
from moroccron.model.zones import segment_at

MOST_FIRES = 1000  #: that are worth looking at


@dataclass(frozen=True, slots=True)
class Fire:
    """A fire to come."""

    local: datetime  #: in the DAG's zone, with its offset
    interval: DataInterval  #: that its run will be about; the fire is its end
    clocks: str | None  #: what they do on that day: `02:00 becomes 03:00`
    second: bool  #: the wall showed this time before: it comes twice


def next_fires(version: DagVersion, after: datetime, count: int) -> list[Fire]:
    """The next fires after a moment; none for a DAG that only people trigger."""
    return list(islice(_fires(version, after), min(count, MOST_FIRES)))


def _fires(version: DagVersion, after: datetime) -> Iterator[Fire]:
    timetable = timetable_of(version)
    zone = ZoneInfo(version.timezone)
    interval = timetable.next_interval(after) if timetable else None
    while timetable is not None and interval is not None:
        local = interval.end.astimezone(zone)
        second = local.fold == 1
        yield Fire(local, interval, _clock_change(local, zone), second)
        interval = timetable.next_interval(interval.end)


def _clock_change(local: datetime, zone: ZoneInfo) -> str | None:
    """What the clocks of a zone do on a local day."""
    midnight = datetime.combine(local.date(), time(), zone)
    begin, end = (_naive(day) for day in (midnight, midnight + timedelta(days=1)))
    segment = segment_at(zone.key, begin)
    if segment.start == begin and segment.offset != segment.offset_before:
        return _becomes(begin + segment.offset_before, begin + segment.offset)
    while segment.end < end:
        following = segment_at(zone.key, segment.end)
        if following.offset != segment.offset:
            return _becomes(segment.end + segment.offset, segment.end + following.offset)
        segment = following
    return None


def _becomes(before: datetime, after: datetime) -> str:
    return f"{before:%H:%M} becomes {after:%H:%M}"


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
