"""Our cron beside croniter's, where croniter is right: plain expressions in UTC, where no clock ever changes."""

from datetime import UTC, datetime, timedelta

from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.test_timetable import cron_timetable, fires


def numbers(low: int, high: int) -> st.SearchStrategy[str]:
    """One field: everything, a step, a number, a range with or without a step, or a list of these."""
    number = st.integers(low, high)
    ranges = st.lists(number, min_size=2, max_size=2, unique=True).map(sorted)
    step = st.integers(1, high - low)
    item = st.one_of(
        number.map(str),
        ranges.map(lambda r: f"{r[0]}-{r[1]}"),
        st.builds(lambda r, s: f"{r[0]}-{r[1]}/{s}", ranges, step),
    )
    several = st.lists(item, min_size=1, max_size=3).map(",".join)
    return st.one_of(st.just("*"), step.map(lambda s: f"*/{s}"), several)


#: One of the two fields for days is free: of `*/2` in both the two make different things, and we follow cron's own
#: (docs/time.md). A day of 28 at most, so that every expression fires in every month it names.
days = st.one_of(
    st.tuples(numbers(1, 28), numbers(1, 12), st.just("*")),
    st.tuples(st.just("*"), numbers(1, 12), numbers(0, 6)),
)
expressions = st.builds(
    lambda minute, hour, day: " ".join((minute, hour, *day)), numbers(0, 59), numbers(0, 23), days
)
moments = st.integers(0, 40 * 366 * 86400).map(
    lambda seconds: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@settings(deadline=None)
@given(expressions, moments)
def test_both_name_the_same_moments(expression: str, begin: datetime) -> None:
    theirs = croniter(expression, begin - timedelta(minutes=1), ret_type=datetime)
    expected = [theirs.get_next() for _ in range(4)]
    end = expected[-1] + timedelta(minutes=1)
    assert fires(cron_timetable(expression, "UTC"), begin, end) == expected
