"""Timetables against an oracle that walks minute by minute and asks the zone what the wall clock says."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from moroccron.model.cron import CronFields, parse
from moroccron.model.dag_version import Cron, DagVersion, Every
from moroccron.model.timetable import Timetable, timetable_of

MINUTE = timedelta(minutes=1)

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


def matches(fields: CronFields, local: datetime) -> bool:
    day = local.day in fields.day.values
    weekday = local.isoweekday() % 7 in fields.weekday.values
    return (
        local.minute in fields.minute.values
        and local.hour in fields.hour.values
        and local.month in fields.month.values
        and (day or weekday if fields.either_day else day and weekday)
    )


def wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def oracle(text: str, zone_name: str, begin: datetime, end: datetime) -> Iterator[datetime]:
    """Every fire in [begin, end), by looking at each minute; the rule as the module's docstring has it."""
    fields = parse(text)
    zone = ZoneInfo(zone_name)
    made_up = not fields.hour.star
    twice = fields.hour.star or fields.minute.star
    seen = wall(begin - timedelta(days=2), zone)  # the latest local time that the wall has shown
    moment = begin - timedelta(days=2) + MINUTE
    while moment < end:
        local = wall(moment, zone)
        skipped = (seen + n * MINUTE for n in range(1, int((local - seen) / MINUTE)))
        due = matches(fields, local) and (local > seen or twice)
        due = due or (made_up and any(matches(fields, minute) for minute in skipped))
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
expressions = st.tuples(
    field(0, 59), hours, st.one_of(st.just("*"), field(1, 31)), st.just("*"), field(0, 6)
).map(" ".join)
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
