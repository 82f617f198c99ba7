"""Which scheduled runs are due: from a timetable, what was done already, and the time."""

from dataclasses import dataclass
from datetime import datetime

from moroccron.model.run import DataInterval
from moroccron.model.timetable import Timetable


@dataclass(frozen=True, slots=True)
class Due:
    """The intervals to run now, and what that leaves behind."""

    intervals: tuple[DataInterval, ...]
    scheduled_until: datetime  #: end of the last interval run or passed over
    next_due: datetime | None  #: when to ask again; None: the schedule has ended


def due_runs(
    timetable: Timetable, scheduled_until: datetime, *, catchup: bool, room: int, now: datetime
) -> Due:
    """At most `room` intervals that end after `scheduled_until` and not after `now`, oldest first.

    With `catchup` every interval counts; without it only the latest, and earlier ones are passed over. What
    finds no room is not lost: it is due still, and next_due says so by lying in the past.
    """
    intervals: list[DataInterval] = []
    upcoming = timetable.next_interval(scheduled_until)
    if not catchup and upcoming is not None and upcoming.end <= now and room > 0:
        upcoming = timetable.last_interval(now) or upcoming
    while upcoming is not None and upcoming.end <= now and len(intervals) < room:
        intervals.append(upcoming)
        scheduled_until = upcoming.end
        upcoming = timetable.next_interval(scheduled_until)
    return Due(tuple(intervals), scheduled_until, upcoming.end if upcoming else None)


def first_scheduled_until(start: datetime | None, *, catchup: bool, now: datetime) -> datetime:
    """Where a DAG seen for the first time begins: at its start when it catches up, else now.

    Nothing of the past is run unasked: a new DAG without catchup first runs when its schedule next fires.
    """
    if catchup and start is not None:
        return start
    return max(start, now) if start else now
