"""Timetables: which data interval is next. The only module that knows croniter.

An interval is [previous fire, fire): its run is due at the fire. With a start, the first interval begins at
the first fire at or after it; with an end, no interval begins at or after that.

What happens when clocks change (Debian cron's rule, with one kindness):

- *Hours written with `*`* (`*/15 * * * *`, `0 * * * *`, `0 */2 * * *`) fire whenever the clock on the wall
  matches: nothing in the hour that is skipped, twice in the hour that comes twice. An hourly or sub-hourly
  cadence thereby stays even in elapsed time.
- *Named hours* (`30 2 * * *`) fire once a day. A time that is skipped fires at the first moment that exists,
  together with whatever fires then. A time that comes twice fires the first time only, unless the minutes are
  written with `*` (`*/15 1 * * *`), which is a cadence and goes on.

croniter itself slips at these edges (it fires 01:30 twice), so it is asked about local time without a zone
only; the way from there to UTC is our own: see `_CronFires`.
"""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

from moroccron.model.cron import CronField, CronFields, parse
from moroccron.model.dag_version import Cron, DagVersion, Every
from moroccron.model.run import DataInterval


class Timetable(Protocol):
    """A series of data intervals that abut and grow. An interval's run is due at the interval's end.

    Not for use by two threads at once: each makes its own with `timetable_of`.
    """

    def next_interval(self, after: datetime) -> DataInterval | None:
        """The first interval that ends after the moment; None when there is none any more."""

    def last_interval(self, until: datetime) -> DataInterval | None:
        """The latest interval that ends at the moment or before; None when there is none yet."""


def timetable_of(version: DagVersion) -> Timetable | None:
    """The timetable of a DAG version; None when only people trigger it."""
    match version.schedule:
        case None:
            return None
        case Every(seconds):
            fires: _Fires = _EveryFires(version.start or _EPOCH, seconds)
        case Cron(text):
            fires = _CronFires(text, version.timezone)
    return _Intervals(fires, _naive(version.start), _naive(version.end))


# Inside this module moments are naive and in UTC, which makes arithmetic twice as fast as with a zone.

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_YEARS = range(1900, 2200)  #: beyond these a schedule has nothing to say


def _naive(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)


class _Fires(Protocol):
    """The moments at which a schedule fires, endless in both directions."""

    def after(self, moment: datetime) -> datetime | None: ...
    def before(self, moment: datetime) -> datetime | None: ...


class _Intervals:
    """Fires, cut by start and end into intervals."""

    def __init__(self, fires: _Fires, start: datetime | None, end: datetime | None) -> None:
        self._fires = fires
        self._start = start
        self._end = end
        self._latest: datetime | None = None  #: a fire: whoever walks on from it need not look back

    def next_interval(self, after: datetime) -> DataInterval | None:
        moment = after.astimezone(UTC).replace(tzinfo=None)
        fire = self._fires.after(moment)
        if fire is None:
            return None
        start = moment if moment == self._latest else self._fires.before(fire)
        if self._start is not None and (start is None or start < self._start):
            return self._from(self._fires.after(self._start - _TICK))
        return self._interval(start, fire)

    def last_interval(self, until: datetime) -> DataInterval | None:
        fire = self._fires.before(until.astimezone(UTC).replace(tzinfo=None) + _TICK)
        start = None if fire is None else self._fires.before(fire)
        if self._end is not None and start is not None and start >= self._end:
            return self._from(self._fires.before(self._end))
        return self._interval(start, fire)

    def _from(self, start: datetime | None) -> DataInterval | None:
        """The interval that begins at this fire."""
        return self._interval(start, None if start is None else self._fires.after(start))

    def _interval(self, start: datetime | None, end: datetime | None) -> DataInterval | None:
        if start is None or end is None:
            return None
        if self._start is not None and start < self._start:
            return None
        if self._end is not None and start >= self._end:
            return None
        self._latest = end
        return DataInterval(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC))


class _EveryFires:
    """A fixed cadence from an anchor, in elapsed time: zones and their clocks play no part."""

    def __init__(self, anchor: datetime, seconds: int) -> None:
        self._anchor = anchor.astimezone(UTC).replace(tzinfo=None)
        self._step = timedelta(seconds=seconds)

    def after(self, moment: datetime) -> datetime | None:
        return self._at((moment - self._anchor) // self._step + 1)

    def before(self, moment: datetime) -> datetime | None:
        return self._at(-((self._anchor - moment) // self._step) - 1)

    def _at(self, number: int) -> datetime | None:
        try:
            fire = self._anchor + number * self._step
        except OverflowError:
            return None
        return fire if fire.year in _YEARS else None


class _CronFires:
    """A cron expression on the wall clock of a zone.

    UTC is walked in segments within which the zone's offset is constant: there, local time is UTC plus a
    number, and croniter needs to know no zone. What is special happens where a segment begins: a gap may
    hold times to make up for, an overlap holds times that have been already.
    """

    def __init__(self, text: str, timezone: str) -> None:
        fields = parse(text)
        self._zone = timezone
        self._wall = croniter(
            _canonical(fields), _EPOCH.replace(tzinfo=None), datetime, day_or=fields.either_day
        )
        self._makes_up = not fields.hour.star
        self._repeats = fields.hour.star or fields.minute.star

    def after(self, moment: datetime) -> datetime | None:
        """The first fire after the moment."""
        segment = _segment(self._zone, moment)
        local = self._wall_after(max(moment + segment.offset, self._first(segment) - _TICK))
        while local is not None and segment.end.year in _YEARS:
            if local < segment.end + segment.offset:
                return local - segment.offset
            segment = _segment(self._zone, segment.end)
            if self._made_up(segment):
                return segment.start
            first = self._first(segment)
            if local < first or segment.overlaps:
                local = self._wall_after(first - _TICK)
        return None

    def before(self, moment: datetime) -> datetime | None:
        """The last fire before the moment."""
        segment = _segment(self._zone, moment - _TICK)
        local = self._wall_before(moment + segment.offset)
        while local is not None and segment.start.year in _YEARS:
            if local >= self._first(segment):
                return local - segment.offset
            if self._made_up(segment):
                return segment.start
            last = segment.start + segment.offset_before
            if local >= last or segment.overlaps:
                local = self._wall_before(last)
            segment = _segment(self._zone, segment.start - _TICK)
        return None

    def _first(self, segment: "_Segment") -> datetime:
        """The local time from which a segment's fires count."""
        begin = segment.start + segment.offset
        if self._repeats:
            return begin
        return max(begin, segment.start + segment.offset_before)

    def _made_up(self, segment: "_Segment") -> bool:
        """Whether the gap before a segment holds a fire that is made up for at the segment's start."""
        if not self._makes_up or not segment.skips:
            return False
        skipped = self._wall_after(segment.start + segment.offset_before - _TICK)
        return skipped is not None and skipped < segment.start + segment.offset

    def _wall_after(self, local: datetime) -> datetime | None:
        try:
            fire: datetime = self._wall.get_next(datetime, start_time=local)
        except (CroniterBadDateError, OverflowError):
            return None
        return fire

    def _wall_before(self, local: datetime) -> datetime | None:
        try:
            fire: datetime = self._wall.get_prev(datetime, start_time=local)
        except (CroniterBadDateError, OverflowError):
            return None
        return fire


def _canonical(fields: CronFields) -> str:
    """The expression as plain lists of numbers, so that croniter's own dialect plays no part."""
    day, weekday = _list(fields.day, 31), _list(fields.weekday, 7)
    if fields.either_day and "*" in (day, weekday):
        day = weekday = "*"  # every day suffices
    minute, hour = _list(fields.minute, 60), _list(fields.hour, 24)
    return f"{minute} {hour} {day} {_list(fields.month, 12)} {weekday}"


def _list(field: CronField, size: int) -> str:
    return "*" if len(field.values) == size else ",".join(map(str, sorted(field.values)))


class _Segment(NamedTuple):
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


def _segment(zone: str, moment: datetime) -> _Segment:
    """The segment that holds the moment."""
    segments = _segments_of_year(zone, moment.year)
    return segments[bisect_right(segments, moment, key=_start_of) - 1]


def _start_of(segment: _Segment) -> datetime:
    return segment.start


@lru_cache(maxsize=4096)
def _segments_of_year(zone: str, year: int) -> tuple[_Segment, ...]:
    """All segments of a year. No zone ever changed twice within a day, so looking once a day finds all."""
    tz = ZoneInfo(zone)
    start, end = _new_year(year), _new_year(year + 1)
    before = _offset(tz, start - _TICK)
    offset = _offset(tz, start)
    segments = []
    day = start
    while day < end:
        following = min(day + timedelta(days=1), end)
        if _offset(tz, following - _TICK) != offset:
            change = _change(tz, day, following)
            segments.append(_Segment(start, change, offset, before))
            start, before, offset = change, offset, _offset(tz, change)
        day = following
    segments.append(_Segment(start, end, offset, before))
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
