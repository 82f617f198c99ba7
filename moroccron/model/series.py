"""Series of fires: the moments at which a schedule fires, asked for one by one, forwards or backwards.

Moments are naive and in UTC. What happens when clocks change (Debian cron's rule, with one kindness):

- *Hours written with `*`* (`*/15 * * * *`, `0 * * * *`, `0 */2 * * *`) fire whenever the clock on the wall
  matches: nothing in the hour that is skipped, twice in the hour that comes twice. An hourly or sub-hourly
  cadence thereby stays even in elapsed time.
- *Named hours* (`30 2 * * *`) fire once a day. A time that is skipped fires at the first moment that exists,
  together with whatever fires then. A time that comes twice fires the first time only, unless the minutes are
  written with `*` (`*/15 1 * * *`), which is a cadence and goes on.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from moroccron.model.barring import Barring
from moroccron.model.cron import CronFields
from moroccron.model.wall import YEARS, Wall
from moroccron.model.zones import TICK, Segment, segment_at

_MOST_BARRED = 10_000  #: barred stretches in a row, after which a schedule is taken never to fire


class Fires(Protocol):
    """Moments in order, asked for by their neighbours."""

    def after(self, moment: datetime) -> datetime | None:
        """The first fire after the moment; None: there is none any more."""

    def before(self, moment: datetime) -> datetime | None:
        """The last fire before the moment; None: there was none yet."""


class EveryFires:
    """A fixed cadence from an anchor, in elapsed time: zones and their clocks play no part."""

    def __init__(self, anchor: datetime, seconds: int) -> None:
        self._anchor = anchor
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
        return fire if fire.year in YEARS else None


class CronFires:
    """A cron expression on the wall clock of a zone.

    UTC is walked in segments within which the zone's offset is constant: there, local time is UTC plus a
    number, and the wall needs to know no zone. What is special happens where a segment begins: a gap may
    hold times to make up for, an overlap holds times that have been already.
    """

    def __init__(self, fields: CronFields, zone: str) -> None:
        self._zone = zone
        self._wall = Wall(fields)
        self._makes_up = not fields.hour.star
        self._repeats = fields.hour.star or fields.minute.star

    def after(self, moment: datetime) -> datetime | None:
        """The first fire after the moment."""
        segment = segment_at(self._zone, moment)
        local = self._wall.after(max(moment + segment.offset, self._first(segment) - TICK))
        while local is not None and segment.end.year in YEARS:
            if local < segment.end + segment.offset:
                return local - segment.offset
            segment = segment_at(self._zone, segment.end)
            if self._made_up(segment):
                return segment.start
            first = self._first(segment)
            if local < first or segment.overlaps:
                local = self._wall.after(first - TICK)
        return None

    def before(self, moment: datetime) -> datetime | None:
        """The last fire before the moment."""
        segment = segment_at(self._zone, moment - TICK)
        local = self._wall.before(moment + segment.offset)
        while local is not None and segment.start.year in YEARS:
            if local >= self._first(segment):
                return local - segment.offset
            if self._made_up(segment):
                return segment.start
            last = segment.start + segment.offset_before
            if local >= last or segment.overlaps:
                local = self._wall.before(last)
            segment = segment_at(self._zone, segment.start - TICK)
        return None

    def _first(self, segment: "Segment") -> datetime:
        """The local time from which a segment's fires count."""
        begin = segment.start + segment.offset
        if self._repeats:
            return begin
        return max(begin, segment.start + segment.offset_before)

    def _made_up(self, segment: "Segment") -> bool:
        """Whether the gap before a segment holds a fire that is made up for at the segment's start."""
        if not self._makes_up or not segment.skips:
            return False
        skipped = self._wall.after(segment.start + segment.offset_before - TICK)
        return skipped is not None and skipped < segment.start + segment.offset


class ListedFires:
    """Fires that are written out, in order."""

    def __init__(self, moments: Sequence[datetime]) -> None:
        self._moments = moments

    def after(self, moment: datetime) -> datetime | None:
        place = bisect_right(self._moments, moment)
        return self._moments[place] if place < len(self._moments) else None

    def before(self, moment: datetime) -> datetime | None:
        place = bisect_left(self._moments, moment)
        return self._moments[place - 1] if place else None


class JoinedFires:
    """Several series at once."""

    def __init__(self, parts: Sequence[Fires]) -> None:
        self._parts = parts

    def after(self, moment: datetime) -> datetime | None:
        found = [part.after(moment) for part in self._parts]
        return min((fire for fire in found if fire is not None), default=None)

    def before(self, moment: datetime) -> datetime | None:
        found = [part.before(moment) for part in self._parts]
        return max((fire for fire in found if fire is not None), default=None)


class AllowedFires:
    """A series without the fires that fall on holidays or into blackout windows."""

    def __init__(self, fires: Fires, barring: Barring) -> None:
        self._fires = fires
        self._barring = barring

    def after(self, moment: datetime) -> datetime | None:
        for _ in range(_MOST_BARRED):
            fire = self._fires.after(moment)
            span = None if fire is None else self._barring.span(fire)
            if span is None:
                return fire
            moment = span[1] - TICK
        return None

    def before(self, moment: datetime) -> datetime | None:
        for _ in range(_MOST_BARRED):
            fire = self._fires.before(moment)
            span = None if fire is None else self._barring.span(fire)
            if span is None:
                return fire
            moment = span[0]
        return None
