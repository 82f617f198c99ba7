"""How fast fires of a schedule are found: `python -m benchmarks.cron`.

10,000 fires each, one after the other, as the engine and a backfill ask for them: forwards, each with its interval.
The floor is a loop that makes as many aware moments in the zone and turns them into UTC.
"""

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from benchmarks.report import line, title
from moroccron.model.dag_version import DagVersion
from moroccron.model.schedule import BlackoutEvery, Cron, Every, Several
from moroccron.model.timetable import timetable_of

FIRES = 10_000
ZONE = "Europe/Berlin"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ROUNDS = 3

SCHEDULES = {
    "every minute": Cron("* * * * *"),
    "every quarter of an hour": Cron("*/15 * * * *"),
    "daily at 02:30": Cron("30 2 * * *"),
    "the last Friday of each month": Cron("30 2 * * friL"),
    "three schedules at once": Several((Cron("30 2 * * *"), Cron("0 12 L * *"), Every(7 * 3600))),
}


def main() -> None:
    title(f"{FIRES:,} fires in {ZONE}: fires a second")
    best = floor()
    for name, schedule in SCHEDULES.items():
        version = DagVersion("bench", (), schedule=schedule, timezone=ZONE)
        tell(name, version, best)
    barred = DagVersion(
        "bench",
        (),
        schedule=Cron("*/15 * * * *"),
        timezone=ZONE,
        holidays=tuple(date(year, 12, 25) for year in range(2020, 2040)),
        blackouts=(BlackoutEvery("22:00-06:00"), BlackoutEvery("sat 12:00-mon 06:00")),
    )
    tell("quarters of an hour, holidays, blackouts", barred, best)


def tell(name: str, version: DagVersion, best: float) -> None:
    took = min(walk(version) for _ in range(ROUNDS))
    line(name, f"{FIRES / took:,.0f}", aim="10,000", floor=f"{FIRES / best:,.0f}")


def walk(version: DagVersion) -> float:
    """Seconds for so many intervals, one after the other, or for all that there are."""
    timetable = timetable_of(version)
    assert timetable is not None
    before = time.perf_counter()
    moment = BEGIN
    for _ in range(FIRES):
        interval = timetable.next_interval(moment)
        if interval is None:
            moment = BEGIN  # rare fires: the years that a schedule knows of are over
            continue
        moment = interval.end
    return time.perf_counter() - before


def floor() -> float:
    """Seconds for as many moments of a zone in UTC."""
    zone = ZoneInfo(ZONE)
    before = time.perf_counter()
    local = datetime(2026, 1, 1, 2, 30, tzinfo=zone)
    for _ in range(FIRES):
        local.astimezone(UTC)
        local += timedelta(days=1)
    return time.perf_counter() - before


if __name__ == "__main__":
    main()
