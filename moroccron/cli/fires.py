"""When a DAG fires next, for people to read."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from moroccron.model.timetable import timetable_of
from moroccron.ports import DagSummary


def next_fires(summary: DagSummary, now: datetime, count: int) -> Sequence[datetime]:
    """The next moments at which a run will fall due, in the DAG's zone; none when paused or gone."""
    timetable = timetable_of(summary.version)
    if timetable is None or summary.state.paused or not summary.state.active:
        return ()
    zone, fires, after = ZoneInfo(summary.version.timezone), list[datetime](), now
    while len(fires) < count:
        interval = timetable.next_interval(after)
        if interval is None:
            break
        fires.append(interval.end.astimezone(zone))
        after = interval.end
    return fires
