"""The fires to come, as people read them: in the DAG's zone, with the days on which clocks change."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from moroccron.model.dag_version import DagVersion
from moroccron.model.fires import next_fires
from moroccron.model.schedule import Cron


def shown(text: str, zone: str, after: str, count: int) -> list[str]:
    version = DagVersion("d", (), schedule=Cron(text), timezone=zone)
    begin = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone))
    return [
        f"{fire.local:%m-%d %H:%M}{' again' if fire.second else ''} {fire.clocks or '-'}"
        for fire in next_fires(version, begin, count)
    ]


@pytest.mark.parametrize(
    ("text", "zone", "after", "expected"),
    [
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-28",
            ["03-28 02:30 -", "03-29 03:00 02:00 becomes 03:00", "03-30 02:30 -"],
        ),
        (
            "0 * * * *",
            "Australia/Sydney",
            "2026-04-05 01:30",
            [
                "04-05 02:00 03:00 becomes 02:00",
                "04-05 02:00 again 03:00 becomes 02:00",
                "04-05 03:00 03:00 becomes 02:00",
            ],
        ),
        ("0 0 * * *", "America/Santiago", "2026-09-05 12:00", ["09-06 01:00 00:00 becomes 01:00"]),
        ("0 0 1 1 *", "Asia/Tokyo", "2026-06-01", ["01-01 00:00 -"]),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-04", ["10-04 02:30 02:00 becomes 02:30"]),
    ],
)
def test_days_on_which_clocks_change_are_marked(
    text: str, zone: str, after: str, expected: list[str]
) -> None:
    assert shown(text, zone, after, len(expected)) == expected


def test_who_fires_no_more_has_no_fires() -> None:
    after = datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC"))
    assert next_fires(DagVersion("d", ()), after, 5) == []
    over = DagVersion("d", (), schedule=Cron("@daily"), end=after)
    assert next_fires(over, after, 5) == []
