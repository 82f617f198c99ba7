"""What says when a DAG fires, as data: the values that a version holds. `model.timetable` evaluates them.

All moments are aware and in UTC. Everything here can be written as JSON and read back, an author's own timetable
too: what it answered is kept, not its code.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Timetable(Protocol):
    """An author's own timetable: anything with this method, in a DAG file.

    It is asked while the file is read, for some years at once; the engine never calls it. The same question must
    get the same answer.
    """

    def fires(self, begin: datetime, end: datetime) -> Iterable[datetime]:
        """The moments of [begin, end) at which to fire, in any order. Naive ones are in the DAG's zone."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A five-field cron expression or an alias such as `@daily`, in the DAG's zone."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Every:
    """A fixed cadence, counted in elapsed time from the DAG's start (or from 1970 when it has none)."""

    seconds: int

    def __str__(self) -> str:
        """`every 90 min`: in the largest unit that leaves it whole."""
        for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
            if self.seconds % size == 0:
                return f"every {self.seconds // size} {unit}"
        return f"every {self.seconds} s"


@dataclass(frozen=True, slots=True)
class Dates:
    """Fixed moments, in order."""

    moments: tuple[datetime, ...]

    def __str__(self) -> str:
        first = f"{self.moments[0]:%Y-%m-%d %H:%MZ}"
        return (
            f"on {first}"
            if len(self.moments) == 1
            else f"on {len(self.moments)} dates from {first}"
        )


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What an author's own timetable answered for the time before `until`."""

    name: str  #: the author's name for it
    moments: tuple[datetime, ...]  #: in order
    until: datetime

    def __str__(self) -> str:
        return f"{self.name} (foreseen until {self.until:%Y-%m-%d})"

    def _between(self, begin: datetime, end: datetime) -> tuple[datetime, ...]:
        return tuple(moment for moment in self.moments if begin <= moment < end)


Single = Cron | Every | Dates | Foreseen


@dataclass(frozen=True, slots=True)
class Several:
    """Several schedules at once. Where two fire at one moment, that is one fire."""

    parts: tuple[Single, ...]

    def __str__(self) -> str:
        return "; ".join(map(str, self.parts))


Schedule = Single | Several


@dataclass(frozen=True, slots=True)
class Blackout:
    """A window in which nothing fires: [begin, end) in UTC."""

    begin: datetime
    end: datetime

    def __str__(self) -> str:
        return f"{self.begin:%Y-%m-%d %H:%MZ} to {self.end:%Y-%m-%d %H:%MZ}"


@dataclass(frozen=True, slots=True)
class BlackoutEvery:
    """A window of every day (`22:00-06:00`) or week (`sat 22:00-sun 06:00`), on the DAG's clock."""

    text: str

    def __str__(self) -> str:
        return self.text


def same_fires(one: Schedule | None, other: Schedule | None) -> bool:
    """Whether two schedules fire alike. A timetable that was only foreseen further is the same."""
    if isinstance(one, Several) and isinstance(other, Several):
        pairs = zip(one.parts, other.parts, strict=False)
        return len(one.parts) == len(other.parts) and all(same_fires(*pair) for pair in pairs)
    if not isinstance(one, Foreseen) or not isinstance(other, Foreseen) or one.name != other.name:
        return one == other
    begin, until = max(one.moments[0], other.moments[0]), min(one.until, other.until)
    return begin < until and one._between(begin, until) == other._between(begin, until)


class CatchUp(StrEnum):
    """What becomes of fires that were missed: while nobody led, or with no room for their run."""

    NONE = "none"  #: nothing
    LAST = "last"  #: the latest of them is run
    ALL = "all"  #: each of them is run, the oldest first


class Overlap(StrEnum):
    """What becomes of a fire while max_active_runs of its DAG are under way."""

    QUEUE = "queue"  #: its run waits
    SKIP = "skip"  #: there is no run
    CANCEL_NEW = "cancel_new"  #: there is a run, which is over at once: killed
    REPLACE = "replace"  #: the oldest run is killed to make room


# --------------------------------------------------------------------------- as JSON


def encode_schedule(schedule: Schedule) -> dict[str, Any]:
    match schedule:
        case Cron(text):
            return {"cron": text}
        case Every(seconds):
            return {"every": seconds}
        case Dates(moments):
            return {"dates": _encode(moments)}
        case Foreseen(name, moments, until):
            return {"foreseen": name, "dates": _encode(moments), "until": until.isoformat()}
        case Several(parts):
            return {"several": [encode_schedule(part) for part in parts]}


def decode_schedule(data: Mapping[str, Any]) -> Schedule:
    if "several" in data:
        return Several(tuple(_decode_single(part) for part in data["several"]))
    return _decode_single(data)


def _decode_single(data: Mapping[str, Any]) -> Single:
    if "cron" in data:
        return Cron(data["cron"])
    if "every" in data:
        return Every(data["every"])
    moments = tuple(datetime.fromtimestamp(second, UTC) for second in data["dates"])
    if "foreseen" in data:
        return Foreseen(data["foreseen"], moments, datetime.fromisoformat(data["until"]))
    return Dates(moments)


def _encode(moments: tuple[datetime, ...]) -> list[int]:
    """Seconds since 1970: own timetables may have many."""
    return [int(moment.timestamp()) for moment in moments]


def encode_blackout(blackout: Blackout | BlackoutEvery) -> str | list[str]:
    if isinstance(blackout, BlackoutEvery):
        return blackout.text
    return [blackout.begin.isoformat(), blackout.end.isoformat()]


def decode_blackout(data: Any) -> Blackout | BlackoutEvery:
    if isinstance(data, str):
        return BlackoutEvery(data)
    begin, end = data
    return Blackout(datetime.fromisoformat(begin), datetime.fromisoformat(end))
