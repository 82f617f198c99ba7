"""What stands in the fields of a cron expression beside numbers: H, L and the nth weekday."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from moroccron.model.cron import parse
from moroccron.model.dag_version import DagVersion
from moroccron.model.schedule import Cron
from moroccron.model.timetable import timetable_of


def days(text: str, year: int = 2026, count: int = 6) -> list[str]:
    """The next days on which an expression fires."""
    timetable = timetable_of(DagVersion("d", (), schedule=Cron(text)))
    assert timetable is not None
    found: list[str] = []
    moment = datetime(year, 1, 1, tzinfo=UTC)
    while len(found) < count:
        interval = timetable.next_interval(moment)
        assert interval is not None
        moment = interval.end
        found.append(f"{moment:%m-%d}")
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 3 L * *", "01-31 02-28 03-31 04-30 05-31 06-30"),
        ("0 3 L-1 2,3 *", "02-27 03-30 02-27 03-30 02-28 03-30"),
        ("0 3 * * fri#2", "01-09 02-13 03-13 04-10 05-08 06-12"),
        ("0 3 * * 5#2", "01-09 02-13 03-13 04-10 05-08 06-12"),
        ("0 3 * * 5L", "01-30 02-27 03-27 04-24 05-29 06-26"),
        ("0 3 * * mon#5", "03-30 06-29 08-31 11-30 03-29 05-31"),
        ("0 3 * * 7#1", "01-04 02-01 03-01 04-05 05-03 06-07"),
        ("0 3 1,L * monL", "01-01 01-26 01-31 02-01 02-23 02-28"),
        ("0 3 L jan-jun/2 *", "01-31 03-31 05-31 01-31 03-31 05-31"),
    ],
)
def test_days_that_only_a_calendar_tells(text: str, expected: str) -> None:
    assert days(text) == expected.split()


@pytest.mark.parametrize(
    "text", ["H H * * *", "h H(0-5) H * h", "H/15 * * * *", "H(0-29)/10 H H/7 * *"]
)
def test_a_name_decides_h_for_ever(text: str) -> None:
    assert parse(text, "etl") == parse(text, "etl")
    assert len({parse(text, f"dag{n}") for n in range(200)}) > 5


def test_h_spreads_evenly() -> None:
    minutes = Counter(
        *[[next(iter(parse("H * * * *", f"d{n}").minute.values)) for n in range(6000)]]
    )
    assert set(minutes) == set(range(60))
    assert max(minutes.values()) < 2 * 6000 / 60


def test_minute_and_hour_of_a_name_are_drawn_apart() -> None:
    drawn = {
        (*f.minute.values, *f.hour.values)
        for f in (parse("H H * * *", f"d{n}") for n in range(2000))
    }
    assert len(drawn) > 1000


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("H(0-29) 2 * * *", range(30)),
        ("H(10-20)/5 2 * * *", range(10, 21)),
        ("H/20 2 * * *", range(60)),
    ],
)
def test_h_stays_in_its_range(text: str, allowed: range) -> None:
    for n in range(300):
        assert parse(text, f"d{n}").minute.values <= set(allowed)


def test_h_with_a_step_is_a_cadence_and_fires_so_often() -> None:
    for n in range(50):
        field = parse("H/15 H/6 * * *", f"d{n}")
        assert (len(field.minute.values), len(field.hour.values)) == (4, 4)
        assert field.minute.star


def test_h_among_days_is_a_day_that_every_month_has() -> None:
    assert {day for n in range(2000) for day in parse("0 0 H * *", f"d{n}").day.values} == set(
        range(1, 29)
    )


def test_what_h_stands_for_never_changes() -> None:
    """These were drawn once: another number would move what people rely on."""
    fields = parse("H H H H H", "nightly-report")
    drawn = [
        min(field.values)
        for field in (fields.minute, fields.hour, fields.day, fields.month, fields.weekday)
    ]
    assert drawn == [34, 2, 17, 1, 4]
