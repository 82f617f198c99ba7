"""How moments, durations and amounts read: one format each. Must not know what they belong to."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def duration(seconds: float | None) -> str:
    """Two units at most: `85 ms`, `4.2 s`, `3 min 20 s`, `2 d 4 h`; nothing for None."""
    if seconds is None:
        return ""
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for (unit, size), (smaller, small_size) in pairwise(_UNITS):
        if whole >= size:
            rest = whole % size // small_size
            return f"{whole // size} {unit} {rest} {smaller}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


def between(start: datetime | None, end: datetime | None, now: datetime) -> str:
    """How long something took, or takes until now when it has not ended."""
    if start is None:
        return ""
    return duration(((end or now) - start).total_seconds())


def relative(moment: datetime | None, now: datetime) -> str:
    """`3 min ago`, `in 2 h`, `now`; one unit."""
    if moment is None:
        return ""
    seconds = (moment - now).total_seconds()
    if abs(seconds) < 1:
        return "now"
    for unit, size in _UNITS:
        if abs(seconds) >= size:
            amount = f"{int(abs(seconds) // size)} {unit}"
            return f"in {amount}" if seconds > 0 else f"{amount} ago"
    return "now"


def exact(moment: datetime) -> str:
    """The moment in its own zone, to the second."""
    return moment.strftime("%Y-%m-%d %H:%M:%S %Z")


def in_zone(moment: datetime, zone: str) -> str:
    """The moment in a zone, to the second."""
    return exact(moment.astimezone(ZoneInfo(zone)))


def amount(number: int, thing: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
