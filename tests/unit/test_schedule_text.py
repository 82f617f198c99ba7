"""A schedule in words."""

import pytest

from moroccron.model.schedule import Cron, Every


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (Cron("0 3 * * *"), "0 3 * * *"),
        (Every(45), "every 45 s"),
        (Every(90), "every 90 s"),
        (Every(5400), "every 90 min"),
        (Every(3600), "every 1 h"),
        (Every(172800), "every 2 d"),
    ],
)
def test_text(schedule, text):
    assert str(schedule) == text
