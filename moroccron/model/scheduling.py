"""What an author writes about when to fire: the schedule, holidays, blackout windows, missed fires.

Checks that need no zone come first, field by field; what the rest means is told once the DAG's zone and start are
known. An author's own timetable is asked here, while the file is read, and never again.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from moroccron.model.barring import window
from moroccron.model.cron import parse
from moroccron.model.origin import year_of_reading
from moroccron.model.schedule import (
    Blackout,
    BlackoutEvery,
    CatchUp,
    Cron,
    Dates,
    Every,
    Foreseen,
    Schedule,
    Several,
    Single,
    Timetable,
)
from moroccron.model.validation import choice, kind_of, refuse
from moroccron.model.when import moment

#: of a schedule as given: what is not a cadence becomes one only with the DAG's zone and start
Part = Cron | Every | date | str | Timetable
Parts = tuple[Part, ...]
#: of a blackout as given
Window = str | tuple[object, object]

_LONGEST = timedelta(days=3660)
_DATED = re.compile(r"\d{4}-")  #: text that begins so is a date, not a cron expression
_MOST_FORESEEN = 30_000  #: fires of an author's timetable: some three years of every hour
_FIRST_FIRE, _LAST_FIRE = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def schedule(value: object) -> Parts | None:
    """The parts of a schedule, each checked by itself; None for a DAG that only people trigger."""
    if value is None:
        return None
    if not isinstance(value, list | tuple | set | frozenset):
        return (_part(value),)
    if not value:
        raise refuse("the list of schedules is empty", "name one, or write None")
    return tuple(dict.fromkeys(_part(one) for one in value))


def _part(value: object) -> Part:
    """Cron text, an alias, a cadence, a date, or an author's own timetable."""
    match value:
        case str() if _DATED.match(value):
            return value
        case str():
            return _cron(value)
        case Cron():
            return _cron(value.text)
        case timedelta():
            return _every(value.total_seconds())
        case Every():
            return _every(value.seconds)
        case date():
            return value
        case type():
            pass
        case Timetable():
            return value
    raise refuse(
        f"{kind_of(value)} is no schedule",
        'use cron text such as "30 2 * * *" or "@daily", a timedelta, a date, a list of these, an object '
        "with a method fires(begin, end), or None",
    )


def resolved(parts: Sequence[Part], zone: str, start: datetime | None) -> Schedule:
    """The schedule that the parts make in a zone."""
    singles: list[Single] = [part for part in parts if isinstance(part, Cron | Every)]
    dates = sorted({_fire(part, zone) for part in parts if isinstance(part, date | str)})
    if dates:
        singles.append(Dates(tuple(dates)))
    own = [part for part in parts if not isinstance(part, Cron | Every | date | str)]
    singles += [_foreseen(timetable, zone, start) for timetable in own]
    return singles[0] if len(singles) == 1 else Several(tuple(singles))


def _fire(value: object, zone: str) -> datetime:
    """A moment to fire at, in whole seconds."""
    found = moment(value, zone)
    if found is None or not _FIRST_FIRE <= found < _LAST_FIRE:
        raise refuse(f"{value} is out of bounds", "use a year from 1970 to 2199")
    return found.replace(microsecond=0)


def _foreseen(timetable: Timetable, zone: str, start: datetime | None) -> Foreseen:
    """What an author's timetable answers, for this year, the one before and the one after."""
    name = type(timetable).__name__
    year = year_of_reading()
    if year is None and start is None:
        raise refuse(
            f"{name} is asked from the DAG's start on, and there is none", "give the DAG a start"
        )
    begin = start or datetime((year or 0) - 1, 1, 1, tzinfo=UTC)
    until = datetime(max(year or 0, begin.year) + 2, 1, 1, tzinfo=UTC)
    fires = sorted({_fire(fire, zone) for fire in _asked(timetable, zone, begin, until)})
    if len(fires) > _MOST_FORESEEN:
        raise refuse(
            f"{name} fires more than {_MOST_FORESEEN} times from {begin:%F} to {until:%F}",
            "write a cadence as cron text or a timedelta, or let the DAG start later",
        )
    if not fires:
        raise refuse(f"{name} does not fire from {begin:%F} to {until:%F}", "correct its fires()")
    if fires[0] < begin.replace(microsecond=0) or fires[-1] >= until:
        raise refuse(
            f"{name} was asked from {begin:%F} to {until:%F}, and answers {fires[0]:%F} to {fires[-1]:%F}",
            "yield only moments from begin on and before end",
        )
    return Foreseen(name, tuple(fires), until)


def _asked(timetable: Timetable, zone: str, begin: datetime, until: datetime) -> list[object]:
    tz = ZoneInfo(zone)
    try:
        answer = timetable.fires(begin.astimezone(tz), until.astimezone(tz))
        return list(islice(answer, _MOST_FORESEEN + 1))
    except Exception as error:  # an author's code may raise anything
        raise refuse(
            f"{type(timetable).__name__}.fires failed: {type(error).__name__}: {error}",
            "correct it",
        ) from error


def holidays(value: object) -> tuple[date, ...]:
    """Days, in order."""
    if isinstance(value, str | date) or not isinstance(value, Iterable):
        raise refuse(f"must be a list of days, not {kind_of(value)}", 'write ["2026-12-25", ...]')
    return tuple(sorted({_day(item) for item in value}))


def _day(value: object) -> date:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise refuse(f"{value!r} is no day", "write YYYY-MM-DD, or a date") from None
    if isinstance(value, datetime) or not isinstance(value, date):
        raise refuse(f"{kind_of(value)} is no day", "write YYYY-MM-DD, or a date")
    return value


def blackouts(value: object) -> tuple[Window, ...]:
    """Windows as given, those of the wall checked."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise refuse(f"must be a list of windows, not {kind_of(value)}", "write it in [ ]")
    return tuple(dict.fromkeys(_window(item) for item in value))


def _window(value: object) -> Window:
    if isinstance(value, str):
        text = "-".join(" ".join(side.split()) for side in value.lower().split("-"))
        window(text)
        return text
    if isinstance(value, list | tuple) and len(value) == 2:
        return value[0], value[1]
    raise refuse(
        f"{kind_of(value)} is no window",
        'write "sat 22:00-sun 06:00", "22:00-06:00" or (begin, end)',
    )


def blackout(given: Window, zone: str) -> Blackout | BlackoutEvery:
    """A window in a zone."""
    if isinstance(given, str):
        return BlackoutEvery(given)
    begin, end = moment(given[0], zone), moment(given[1], zone)
    if begin is None or end is None or end <= begin:
        raise refuse(f"the window from {given[0]} to {given[1]} is empty", "let it end later")
    return Blackout(begin, end)


def catchup(value: object) -> CatchUp:
    """True stands for all, False for the latest."""
    if isinstance(value, bool):
        return CatchUp.ALL if value else CatchUp.LAST
    found: CatchUp = choice(CatchUp)(value)
    return found


@lru_cache(maxsize=256)
def _cron(text: str) -> Cron:
    parse(text)
    return Cron(" ".join(text.split()))


def _every(seconds: object) -> Every:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds != seconds // 1:
        raise refuse(f"a cadence of {seconds} seconds is not whole", "use whole seconds")
    if not 1 <= seconds <= _LONGEST.total_seconds():
        raise refuse(f"a cadence of {seconds} seconds is out of bounds", "use 1 second to 10 years")
    return Every(int(seconds))
