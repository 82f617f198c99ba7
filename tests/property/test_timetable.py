"""Timetables against an oracle that walks minute by minute and asks the zone what the wall clock says."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from moroccron.model.cron import parse
from moroccron.model.dag_version import DagVersion
from moroccron.model.errors import DagInvalid
from moroccron.model.schedule import Blackout, BlackoutEvery, Cron, Dates, Every, Several, Single
from moroccron.model.timetable import Timetable, timetable_of

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

#: both hemispheres, a half-hour shift, midnight shifts, a zone that left a day out, negative winter time
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Sydney",
    "Australia/Lord_Howe", "Asia/Beirut", "Pacific/Apia", "Africa/Casablanca", "Europe/Dublin",
    "Asia/Kathmandu", "America/St_Johns",
)  # fmt: skip
#: days around which clocks change somewhere in ZONES
EDGES = tuple(
    datetime(*day, tzinfo=UTC)
    for day in (
        (2024, 3, 31), (2024, 10, 27), (2024, 3, 10), (2024, 11, 3), (2024, 4, 6), (2024, 4, 7),
        (2024, 10, 5), (2024, 10, 6), (2024, 9, 8), (2011, 12, 30), (2024, 4, 14), (2024, 3, 30),
        (2023, 12, 31), (2024, 2, 29),
    )
)  # fmt: skip


NAMES = {name: n for n, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}


def named(item: str, value: int, low: int, high: int) -> bool:
    """Whether one item of a field names a number; read off the text, apart from the product's parser."""
    body, _, step = item.partition("/")
    first, _, last = body.partition("-")
    if body == "*":
        return (value - low) % int(step or 1) == 0
    begin = NAMES[first] if first in NAMES else int(first)
    end = int(last) if last else high if step else begin
    return begin <= value <= end and (value - begin) % int(step or 1) == 0


def day_named(item: str, local: datetime) -> bool:
    """Whether an item of the day field names a day."""
    if item.startswith("L"):
        following = local + timedelta(days=int(item[2:] or 0))
        return following.month == local.month and (following + DAY).month != local.month
    return named(item, local.day, 1, 31)


def weekday_named(item: str, local: datetime) -> bool:
    """Whether an item of the weekday field names a day."""
    weekday = local.isoweekday() % 7
    if item.endswith("L"):
        return named(item[:-1], weekday, 0, 6) and (local + 7 * DAY).month != local.month
    body, sharp, number = item.partition("#")
    if sharp:
        earlier = sum((local - n * 7 * DAY).month == local.month for n in range(6))
        return named(body, weekday, 0, 6) and earlier == int(number)
    return named(item, weekday, 0, 6)


def matches(text: str, local: datetime) -> bool:
    minute, hour, day, month, weekday = text.split()
    on_day = any(day_named(item, local) for item in day.split(","))
    on_weekday = any(weekday_named(item, local) for item in weekday.split(","))
    either = not day.startswith("*") and not weekday.startswith("*")
    return (
        any(named(item, local.minute, 0, 59) for item in minute.split(","))
        and any(named(item, local.hour, 0, 23) for item in hour.split(","))
        and any(named(item, local.month, 1, 12) for item in month.split(","))
        and (on_day or on_weekday if either else on_day and on_weekday)
    )


def wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def oracle(text: str, zone_name: str, begin: datetime, end: datetime) -> Iterator[datetime]:
    """Every fire in [begin, end), by looking at each minute; the rule as the module's docstring has it."""
    zone = ZoneInfo(zone_name)
    minute, hour, *_ = text.split()
    made_up = not hour.startswith("*")
    twice = hour.startswith("*") or minute.startswith("*")
    seen = wall(begin - timedelta(days=2), zone)  # the latest local time that the wall has shown
    moment = begin - timedelta(days=2) + MINUTE
    while moment < end:
        local = wall(moment, zone)
        skipped = (seen + n * MINUTE for n in range(1, int((local - seen) / MINUTE)))
        due = matches(text, local) and (local > seen or twice)
        due = due or (made_up and any(matches(text, minute) for minute in skipped))
        seen = max(seen, local)
        if due and moment >= begin:
            yield moment
        moment += MINUTE


def fires(timetable: Timetable, begin: datetime, end: datetime) -> list[datetime]:
    found = []
    interval = timetable.next_interval(begin - MINUTE)
    while interval is not None and interval.end < end:
        found.append(interval.end)
        interval = timetable.next_interval(interval.end)
    return found


def cron_timetable(text: str, zone: str, **bounds: datetime) -> Timetable:
    version = DagVersion(dag_id="d", jobs=(), schedule=Cron(text), timezone=zone, **bounds)
    timetable = timetable_of(version)
    assert timetable is not None
    return timetable


def field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    spans = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    steps = st.integers(2, max(2, (high - low) // 2))
    return st.one_of(
        st.just("*"),
        st.just("*"),
        number.map(str),
        st.lists(number, min_size=2, max_size=4).map(lambda ns: ",".join(map(str, ns))),
        spans,
        steps.map(lambda n: f"*/{n}"),
        st.tuples(spans, steps).map(lambda pair: f"{pair[0]}/{pair[1]}"),
        st.tuples(number, steps).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    )


#: early hours are where clocks change
hours = st.one_of(
    field(0, 23), st.sampled_from(["0", "1", "2", "3", "1-2", "0-3", "23", "2,3", "*/2"])
)
days = st.one_of(
    st.just("*"),
    field(1, 31),
    st.sampled_from(["L", "L-1", "L-3", "1,L", "15,L-2"]),
)
weekdays = st.one_of(
    field(0, 6),
    st.sampled_from(["sunL", "5L", "fri#2", "0#1", "3#5", "mon#1,mon#3", "sat,sun#4"]),
)


def fires_at_all(text: str) -> bool:
    """Whether a minute walker would ever stop: on some day of the 28 years after which weekdays come again."""
    days = (datetime(2001, 1, 1) + n * DAY for n in range(28 * 366))  # noqa: DTZ001 - on the wall
    every_minute = " ".join(["*", "*", *text.split()[2:]])
    return any(matches(every_minute, day) for day in days)


fields = st.tuples(field(0, 59), hours, days, st.just("*"), weekdays).map(" ".join)
expressions = fields.filter(lambda text: "#" not in text or fires_at_all(text))
moments = st.builds(
    lambda edge, minutes: edge + timedelta(minutes=minutes),
    st.sampled_from(EDGES),
    st.integers(-1500, 1500),
)


@settings(deadline=None)
@given(expressions, st.sampled_from(ZONES), moments)
def test_fires_are_those_of_a_minute_walker(text: str, zone: str, begin: datetime) -> None:
    end = begin + timedelta(days=2)
    assert fires(cron_timetable(text, zone), begin, end) == list(oracle(text, zone, begin, end))


@settings(deadline=None)
@given(fields)
@example("* * */8 * 3#5")
def test_what_never_fires_is_refused(text: str) -> None:
    if fires_at_all(text):
        parse(text)
    else:
        with pytest.raises(DagInvalid, match="never fires"):
            parse(text)


@settings(deadline=None)
@given(expressions, st.sampled_from(ZONES), moments)
def test_intervals_abut_and_grow(text: str, zone: str, begin: datetime) -> None:
    timetable = cron_timetable(text, zone)
    interval = timetable.next_interval(begin)
    assert interval is not None
    assert interval.end > begin
    for _ in range(20):
        following = timetable.next_interval(interval.end)
        assert following is not None
        assert following.start == interval.end
        assert following.end > following.start
        interval = following


@settings(deadline=None)
@given(expressions, st.sampled_from(ZONES), moments)
def test_last_interval_is_what_next_interval_gave(text: str, zone: str, begin: datetime) -> None:
    walker, asked = cron_timetable(text, zone), cron_timetable(text, zone)
    interval = walker.next_interval(begin)
    for _ in range(6):
        assert interval is not None
        assert asked.last_interval(interval.end) == interval
        following = asked.next_interval(interval.end)
        assert following is not None
        assert asked.last_interval(following.end - timedelta(microseconds=1)) == interval
        interval = following


@settings(deadline=None)
@given(
    expressions,
    st.sampled_from(ZONES),
    moments,
    st.timedeltas(timedelta(0), timedelta(days=40)),
    st.timedeltas(timedelta(days=-3), timedelta(days=45)),
)
def test_bounds_hold_every_interval(
    text: str, zone: str, start: datetime, length: timedelta, look: timedelta
) -> None:
    end, moment = start + length, start + look
    bounded, free = cron_timetable(text, zone, start=start, end=end), cron_timetable(text, zone)
    following, last = bounded.next_interval(moment), bounded.last_interval(moment)
    for interval in (following, last):
        assert interval is None or start <= interval.start < end
    expected = free.next_interval(max(moment, start))
    while expected is not None and expected.start < start:
        expected = free.next_interval(expected.end)
    assert expected is not None
    assert following == (expected if expected.start < end else None)
    unbounded = free.last_interval(moment)
    assert unbounded is not None
    if start <= unbounded.start < end:
        assert last == unbounded
    elif unbounded.start < start:
        assert last is None


@settings(deadline=None)
@given(
    st.integers(1, 10**7),
    st.none() | moments,
    moments,
)
def test_every_keeps_its_cadence(seconds: int, start: datetime | None, moment: datetime) -> None:
    timetable = timetable_of(DagVersion("d", (), schedule=Every(seconds), start=start))
    assert timetable is not None
    interval = timetable.next_interval(moment)
    assert interval is not None
    anchor = start or datetime(1970, 1, 1, tzinfo=UTC)
    assert interval.end > moment
    assert interval.end - interval.start == timedelta(seconds=seconds)
    assert (interval.start - anchor).total_seconds() % seconds == 0
    assert interval.start <= moment or interval.start == start
    assert timetable.last_interval(interval.end) == interval


WINDOWS = (
    "01:00-03:00",
    "02:30-02:45",
    "23:00-01:30",
    "sat 22:00-sun 06:00",
    "sun 02:00-fri 03:30",
)


@cache
def minutes_barred(text: str) -> frozenset[str]:
    """The minutes of a week, as `mon 02:30`, that a window holds: found by walking through two weeks."""
    begin, end = text.split("-")
    found, inside = set(), False
    minute = datetime(2024, 1, 1, tzinfo=UTC)
    while minute < datetime(2024, 1, 15, tzinfo=UTC):
        name = f"{minute:%a %H:%M}".lower()
        inside = name.endswith(begin) or (inside and not name.endswith(end))
        if inside:
            found.add(name)
        minute += MINUTE
    return frozenset(found)


def barred(local: datetime, windows: frozenset[str], holidays: frozenset[date]) -> bool:
    """Whether a local time is on a holiday or in one of these windows."""
    name = f"{local:%a %H:%M}".lower()
    return local.date() in holidays or any(name in minutes_barred(text) for text in windows)


@settings(deadline=None)
@given(
    expressions,
    st.sampled_from(ZONES),
    moments,
    st.frozensets(st.sampled_from(WINDOWS), max_size=2),
    st.frozensets(st.integers(-1, 3), max_size=2),
    st.none() | st.tuples(st.integers(0, 1500), st.integers(1, 1500)),
)
def test_nothing_fires_on_holidays_and_in_blackouts(
    text: str,
    zone: str,
    begin: datetime,
    windows: frozenset[str],
    days: frozenset[int],
    span: tuple[int, int] | None,
) -> None:
    end = begin + timedelta(days=2)
    holidays = frozenset((wall(begin, ZoneInfo(zone)) + day * DAY).date() for day in days)
    first, last = (
        (begin, begin) if span is None else (begin + n * MINUTE for n in (span[0], sum(span)))
    )
    blackouts = [*map(BlackoutEvery, windows), *([Blackout(first, last)] if span else [])]
    version = DagVersion(
        "d",
        (),
        schedule=Cron(text),
        timezone=zone,
        holidays=tuple(holidays),
        blackouts=tuple(blackouts),
    )
    timetable = timetable_of(version)
    assert timetable is not None
    expected = [
        fire
        for fire in oracle(text, zone, begin, end)
        if not barred(wall(fire, ZoneInfo(zone)), windows, holidays) and not first <= fire < last
    ]
    found = fires(timetable, begin, end)
    assert found == expected
    for fire in found:
        interval = timetable.last_interval(fire)
        assert interval is None or interval.end == fire


@settings(deadline=None)
@given(
    st.lists(expressions, min_size=1, max_size=3),
    st.lists(moments, max_size=3),
    st.none() | st.integers(10, 1_500).map(lambda minutes: minutes * 60),
    st.sampled_from(ZONES),
    moments,
)
def test_several_schedules_fire_together(
    texts: list[str], dates: list[datetime], every: int | None, zone: str, begin: datetime
) -> None:
    end = begin + timedelta(days=2)
    parts: list[Single] = [Cron(text) for text in texts]
    expected = {fire for text in texts for fire in oracle(text, zone, begin, end)}
    if dates:
        parts.append(Dates(tuple(sorted(set(dates)))))
        expected |= {fire for fire in dates if begin <= fire < end}
    if every:
        parts.append(Every(every))
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        number = -((epoch - begin) // timedelta(seconds=every))
        while (fire := epoch + timedelta(seconds=every * number)) < end:
            expected.add(fire)
            number += 1
    timetable = timetable_of(DagVersion("d", (), schedule=Several(tuple(parts)), timezone=zone))
    assert timetable is not None
    assert fires(timetable, begin, end) == sorted(expected)


@settings(deadline=None)
@given(
    st.lists(moments, min_size=1, max_size=6, unique=True).map(sorted),
    st.none() | moments,
    st.none() | moments,
)
def test_every_date_from_the_start_on_has_its_run(
    dates: list[datetime], start: datetime | None, end: datetime | None
) -> None:
    version = DagVersion("d", (), schedule=Dates(tuple(dates)), start=start, end=end)
    timetable = timetable_of(version)
    assert timetable is not None
    wanted = [fire for fire in dates if start is None or fire >= start]
    begins = [wanted[0] if start is None else start, *wanted[:-1]] if wanted else []
    expected = [
        (begin, fire)
        for begin, fire in zip(begins, wanted, strict=True)
        if end is None or begin < end
    ]
    found = []
    interval = timetable.next_interval(dates[0] - DAY)
    while interval is not None:
        assert timetable.last_interval(interval.end) == interval
        found.append(tuple(interval))
        interval = timetable.next_interval(interval.end)
    assert found == expected
