"""Which scheduled runs are due: from a timetable, what was done already, the DAG's rules and the time.

Two questions, one after the other. *Missed*: of the fires that lie behind, which are made up for? *Overlap*: of
these, which find room, and what becomes of the newest that does not? Whatever is passed over is named.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from moroccron.model.run import DataInterval
from moroccron.model.schedule import CatchUp, Overlap
from moroccron.model.timetable import Timetable

#: a fire seen so late was not missed: a new leader may have had to be found meanwhile
ON_TIME = timedelta(seconds=60)
_TICK = timedelta(microseconds=1)


class Rules(NamedTuple):
    """What a DAG says of fires that cannot have their run at once."""

    catchup: CatchUp = CatchUp.LAST
    within: float | None = None  #: seconds
    overlap: Overlap = Overlap.QUEUE


class Passed(NamedTuple):
    """Fires that get no run, from the first to the last of them."""

    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """The intervals to run now, and what that leaves behind."""

    intervals: tuple[DataInterval, ...]
    scheduled_until: datetime  #: end of the last interval run or passed over
    next_due: datetime | None  #: when to ask again; None: the schedule has ended
    missed: Passed | None = None  #: not made up for
    crowded: Passed | None = None  #: found no room and will not wait, but for the newest
    newest: DataInterval | None = None  #: found no room; its DAG says what becomes of it


def due_runs(
    timetable: Timetable, scheduled_until: datetime, rules: Rules, *, room: int, now: datetime
) -> Due:
    """At most `room` intervals that end after `scheduled_until` and not after `now`, oldest first.

    What finds no room is due still when the DAG queues, and next_due says so by lying in the past.
    """
    first = timetable.next_interval(scheduled_until)
    if first is None or first.end > now:
        return Due((), scheduled_until, first.end if first else None)
    if rules.overlap is Overlap.QUEUE and room <= 0:
        return Due((), scheduled_until, first.end)
    following = timetable.next_interval(first.end)
    if room > 0 and now - first.end <= ON_TIME and (following is None or following.end > now):
        return Due((first,), first.end, following.end if following else None)  # as nearly always
    upcoming = _made_up(timetable, first, rules, now)
    missed = None
    if upcoming is None or upcoming.end != first.end:
        scheduled_until = _before(timetable, upcoming, now)
        missed = Passed(first.end, scheduled_until)
    intervals: list[DataInterval] = []
    while upcoming is not None and upcoming.end <= now and len(intervals) < room:
        intervals.append(upcoming)
        scheduled_until = upcoming.end
        upcoming = timetable.next_interval(scheduled_until)
    due = Due(tuple(intervals), scheduled_until, upcoming.end if upcoming else None, missed)
    if rules.overlap is Overlap.QUEUE or upcoming is None or upcoming.end > now:
        return due
    return _without_room(timetable, due, upcoming, now)


def _made_up(
    timetable: Timetable, first: DataInterval, rules: Rules, now: datetime
) -> DataInterval | None:
    """The first interval that is run for; it may lie ahead. None: there is none any more."""
    within = timedelta.max
    if rules.within is not None:
        within = max(timedelta(seconds=rules.within), ON_TIME)
    if rules.catchup is CatchUp.NONE:
        within = ON_TIME
    chosen = first
    if rules.catchup is not CatchUp.ALL:
        chosen = timetable.last_interval(now) or first
    if now - chosen.end <= within:
        return chosen
    return timetable.next_interval(now - within - _TICK)


def _before(timetable: Timetable, upcoming: DataInterval | None, now: datetime) -> datetime:
    """The end of the interval before this one, or of the last that is over."""
    until = now if upcoming is None or upcoming.end > now else upcoming.end - _TICK
    last = timetable.last_interval(until)
    assert last is not None, "what was passed over was an interval"
    return last.end


def _without_room(timetable: Timetable, due: Due, upcoming: DataInterval, now: datetime) -> Due:
    """Nobody waits: of all that found no room only the newest is looked at."""
    newest = timetable.last_interval(now) or upcoming
    crowded = None
    if newest.end > upcoming.end:
        crowded = Passed(upcoming.end, _before(timetable, newest, now))
    following = timetable.next_interval(newest.end)
    next_due = following.end if following else None
    return Due(due.intervals, newest.end, next_due, due.missed, crowded, newest)


def first_scheduled_until(start: datetime | None, *, catchup: CatchUp, now: datetime) -> datetime:
    """Where a DAG seen for the first time begins: at its start when it catches up all, else now.

    Nothing of the past is run unasked: a new DAG without catchup first runs when its schedule next fires.
    """
    if catchup is CatchUp.ALL and start is not None:
        return start
    return max(start, now) if start else now
