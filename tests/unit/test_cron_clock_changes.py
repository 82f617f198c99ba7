"""What a schedule does on the days on which clocks change, in both hemispheres, written out."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from moroccron.model.dag_version import DagVersion
from moroccron.model.schedule import Cron
from moroccron.model.timetable import timetable_of

BERLIN_SPRING = ("Europe/Berlin", "2026-03-29")  # 02:00 becomes 03:00
BERLIN_AUTUMN = ("Europe/Berlin", "2026-10-25")  # 03:00 becomes 02:00
SYDNEY_SPRING = ("Australia/Sydney", "2026-10-04")  # 02:00 becomes 03:00
SYDNEY_AUTUMN = ("Australia/Sydney", "2026-04-05")  # 03:00 becomes 02:00
SANTIAGO_SPRING = ("America/Santiago", "2026-09-06")  # midnight becomes 01:00
LORD_HOWE_SPRING = ("Australia/Lord_Howe", "2026-10-04")  # 02:00 becomes 02:30


def fires(text: str, zone: str, day: str, hours: int = 8) -> list[str]:
    """Local times from the day's first moment on; a second pass is marked with '."""
    begin = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
    timetable = timetable_of(DagVersion("d", (), schedule=Cron(text), timezone=zone))
    assert timetable is not None
    found = []
    interval = timetable.next_interval(begin - timedelta(seconds=1))
    while interval is not None and interval.end < begin + timedelta(hours=hours):
        local = interval.end.astimezone(ZoneInfo(zone))
        if local.date() != begin.date() or local.hour >= 5:
            break
        found.append(f"{local:%H:%M}" + "'" * local.fold)
        interval = timetable.next_interval(interval.end)
    return found


@pytest.mark.parametrize(
    ("text", "day", "expected"),
    [
        # a fixed time that is skipped fires at the first moment that exists, once
        ("30 2 * * *", BERLIN_SPRING, "03:00"),
        ("30 2 * * *", SYDNEY_SPRING, "03:00"),
        ("15,45 2 * * *", BERLIN_SPRING, "03:00"),
        ("30 2,3 * * *", BERLIN_SPRING, "03:00 03:30"),
        ("0 2,3 * * *", BERLIN_SPRING, "03:00"),
        ("0 0 * * *", SANTIAGO_SPRING, "01:00"),
        ("@daily", SANTIAGO_SPRING, "01:00"),
        ("15 2 * * *", LORD_HOWE_SPRING, "02:30"),
        ("*/20 2 * * *", BERLIN_SPRING, "03:00"),
        # a fixed time that comes twice fires the first time
        ("30 2 * * *", BERLIN_AUTUMN, "02:30"),
        ("30 2 * * *", SYDNEY_AUTUMN, "02:30"),
        ("15,45 2 * * *", BERLIN_AUTUMN, "02:15 02:45"),
        ("30 1-3 * * *", BERLIN_AUTUMN, "01:30 02:30 03:30"),
        # a cadence stays even in elapsed time
        ("0 * * * *", BERLIN_SPRING, "00:00 01:00 03:00 04:00"),
        ("30 * * * *", BERLIN_SPRING, "00:30 01:30 03:30 04:30"),
        ("0 * * * *", BERLIN_AUTUMN, "00:00 01:00 02:00 02:00' 03:00 04:00"),
        ("@hourly", SYDNEY_AUTUMN, "00:00 01:00 02:00 02:00' 03:00 04:00"),
        ("*/30 1-3 * * *", BERLIN_AUTUMN, "01:00 01:30 02:00 02:30 02:00' 02:30' 03:00 03:30"),
        ("*/30 1-3 * * *", SYDNEY_SPRING, "01:00 01:30 03:00 03:30"),
    ],
)
def test_fires(text: str, day: tuple[str, str], expected: str) -> None:
    assert fires(text, *day) == expected.split()


def test_day_of_month_or_day_of_week() -> None:
    """Both restricted: either suffices. With a star in one, as Debian's cron has it: both are needed."""
    timetable = timetable_of(DagVersion("d", (), schedule=Cron("0 0 13 * fri")))
    both = timetable_of(DagVersion("d", (), schedule=Cron("0 0 */13 * fri")))
    assert timetable is not None
    assert both is not None
    start = datetime(2026, 2, 9, tzinfo=ZoneInfo("UTC"))
    days = []
    interval = timetable.next_interval(start)
    while len(days) < 6:
        assert interval is not None
        days.append((interval.end.month, interval.end.day))
        interval = timetable.next_interval(interval.end)
    assert days == [(2, 13), (2, 20), (2, 27), (3, 6), (3, 13), (3, 20)]
    interval = both.next_interval(start)
    assert interval is not None
    assert (interval.end.month, interval.end.day) == (2, 27)


def test_leap_day_has_its_years() -> None:
    timetable = timetable_of(DagVersion("d", (), schedule=Cron("0 0 29 2 *")))
    assert timetable is not None
    interval = timetable.next_interval(datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")))
    assert interval is not None
    assert (interval.start.year, interval.end.year) == (2024, 2028)
