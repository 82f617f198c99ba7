"""Timetables: which data interval is next.

An interval is [previous fire, fire): its run is due at the fire. With a start, the first interval begins at the
first fire at or after it; with an end, no interval begins at or after that. A schedule that names dates is
finite, and each of them counts: its first interval begins at the start or, when there is none, is empty.

When a schedule fires is told by `model.series`, on days on which clocks change as well.
"""

from datetime import UTC, datetime
from typing import Protocol

from moroccron.model.barring import Barring
from moroccron.model.cron import parse
from moroccron.model.dag_version import DagVersion
from moroccron.model.run import DataInterval
from moroccron.model.schedule import Cron, Dates, Every, Foreseen, Schedule, Several
from moroccron.model.series import (
    AllowedFires,
    CronFires,
    EveryFires,
    Fires,
    JoinedFires,
    ListedFires,
)
from moroccron.model.zones import TICK


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
    schedule = version.schedule
    if schedule is None:
        return None
    fires = _fires_of(schedule, version)
    if version.holidays or version.blackouts:
        fires = AllowedFires(fires, Barring(version.timezone, version.holidays, version.blackouts))
    return _Intervals(fires, _naive(version.start), _naive(version.end), dated=_is_dated(schedule))


def never_fires(version: DagVersion) -> bool:
    """Whether holidays and blackout windows leave nothing of the schedule."""
    if version.schedule is None or not (version.holidays or version.blackouts):
        return False
    begin = (_naive(version.start) or _EPOCH) - TICK
    bare = _fires_of(version.schedule, version)
    barring = Barring(version.timezone, version.holidays, version.blackouts)
    return bare.after(begin) is not None and AllowedFires(bare, barring).after(begin) is None


def _fires_of(schedule: Schedule, version: DagVersion) -> Fires:
    match schedule:
        case Cron(text):
            return CronFires(parse(text, version.dag_id), version.timezone)
        case Every(seconds):
            anchor = (_naive(version.start) or _EPOCH).replace(microsecond=0)
            return EveryFires(anchor, seconds)  # whole seconds: the ids of runs tell no less apart
        case Dates(moments) | Foreseen(_, moments):
            return ListedFires([moment.replace(tzinfo=None) for moment in moments])
        case Several(parts):
            return JoinedFires([_fires_of(part, version) for part in parts])


def _is_dated(schedule: Schedule) -> bool:
    """Whether it names single dates, each of which must count."""
    parts = schedule.parts if isinstance(schedule, Several) else (schedule,)
    return any(isinstance(part, Dates | Foreseen) for part in parts)


# Inside this module moments are naive and in UTC, which makes arithmetic twice as fast as with a zone.

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)


def _naive(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)


class _Intervals:
    """Fires, cut by start and end into intervals."""

    def __init__(
        self, fires: Fires, start: datetime | None, end: datetime | None, *, dated: bool
    ) -> None:
        self._fires = fires
        self._start = start
        self._end = end
        self._dated = dated
        self._latest: datetime | None = None  #: a fire: whoever walks on from it need not look back

    def next_interval(self, after: datetime) -> DataInterval | None:
        moment = after.astimezone(UTC).replace(tzinfo=None)
        if self._start is not None and moment < self._start - TICK:
            moment = self._start - TICK
        fire = self._fires.after(moment)
        if fire is None:
            return None
        begin = self._latest if moment == self._latest else self._fires.before(fire)
        if not self._dated and (begin is None or self._is_early(begin)):
            following = self._fires.after(fire)  # the first fire only opens the first interval
            return None if following is None else self._interval(fire, following)
        return self._interval(begin, fire)

    def last_interval(self, until: datetime) -> DataInterval | None:
        fire = self._fires.before(until.astimezone(UTC).replace(tzinfo=None) + TICK)
        begin = None if fire is None else self._fires.before(fire)
        if self._end is not None and begin is not None and begin >= self._end:
            begin = self._fires.before(self._end)
            fire = None if begin is None else self._fires.after(begin)
        return None if fire is None else self._interval(begin, fire)

    def _is_early(self, moment: datetime) -> bool:
        return self._start is not None and moment < self._start

    def _interval(self, begin: datetime | None, fire: datetime) -> DataInterval | None:
        if begin is None or self._is_early(begin):
            if not self._dated or self._is_early(fire):
                return None
            begin = fire if self._start is None else self._start
        if self._end is not None and begin >= self._end:
            return None
        self._latest = fire
        return DataInterval(begin.replace(tzinfo=UTC), fire.replace(tzinfo=UTC))
