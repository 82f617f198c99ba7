"""Deadlines: what an author may write, and which moment it means."""

from datetime import UTC, datetime, timedelta

import pytest

from moroccron.model.deadline import deadline, deadline_of
from moroccron.model.errors import DagInvalid


@pytest.mark.parametrize(
    ("said", "meant"),
    [("7:30", "07:30"), ("23:59", "23:59"), (90, 90.0), (timedelta(hours=1), 3600.0)],
)
def test_what_may_be_written(said, meant):
    assert deadline(said) == meant


@pytest.mark.parametrize("said", ["24:00", "7", "07:30:00", 0, -1, "soon", None])
def test_what_may_not(said):
    with pytest.raises(DagInvalid):
        deadline(said)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "due", "zone", "meant"),
    [
        (None, "2026-01-05 03:00", "UTC", None),
        (90.0, "2026-01-05 03:00", "UTC", "2026-01-05 03:01:30"),
        ("07:30", "2026-01-05 03:00", "UTC", "2026-01-05 07:30"),
        ("07:30", "2026-01-05 07:30", "UTC", "2026-01-06 07:30"),
        ("07:30", "2026-01-05 22:00", "UTC", "2026-01-06 07:30"),
        ("07:30", "2026-01-05 23:30", "Europe/Berlin", "2026-01-06 06:30"),
        ("02:30", "2026-03-28 22:00", "Europe/Berlin", "2026-03-29 01:30"),  # skipped: 03:30 there
        ("02:30", "2026-10-24 22:00", "Europe/Berlin", "2026-10-25 00:30"),  # the first of two
        ("09:00", "2026-01-05 20:30", "Pacific/Auckland", "2026-01-06 20:00"),
    ],
)
def test_the_moment_that_is_meant(said, due, zone, meant):
    assert deadline_of(said, at(due), zone) == (meant and at(meant))
