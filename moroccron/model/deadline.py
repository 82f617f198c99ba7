"""Deadlines: by when, on the wall, a job or a run should have ended. They end nothing."""

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from moroccron.model import amounts
from moroccron.model.validation import refuse

Deadline = float | str

_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


def deadline(value: object) -> Deadline:
    """Seconds after the run is due, or a time of day such as `07:30`."""
    if not isinstance(value, str):
        return amounts.limit(value)
    found = _CLOCK.fullmatch(value.strip())
    if found is None:
        raise refuse(f"{value!r} is no time of day", 'write "07:30", seconds, or a timedelta')
    return f"{int(found[1]):02d}:{found[2]}"


def deadline_of(said: Deadline | None, due: datetime, timezone: str) -> datetime | None:
    """The moment that a deadline means for a run that is due then, in UTC.

    A time of day is the first one after that in the zone. Where clocks skip it, it is as late as they would have
    shown it; where they show it twice, the first.
    """
    if said is None:
        return None
    if not isinstance(said, str):
        return due + timedelta(seconds=said)
    zone = ZoneInfo(timezone)
    hour, minute = map(int, said.split(":"))
    day = due.astimezone(zone).date()
    for ahead in range(-1, 3):
        local = datetime.combine(day + timedelta(days=ahead), time(hour, minute), zone)
        moment = local.astimezone(UTC)
        if moment > due:
            return moment
    raise AssertionError(f"no {said} within two days of {due}")
