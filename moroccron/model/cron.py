"""The grammar of a cron expression: what each field allows, and which field is wrong.

Owns parsing and checking; `model.wall` evaluates. The five standard fields with names and aliases, and beyond
them what people know from other crons: `L` and `L-2` (the last day of the month, the second before it), `fri#2` and
`friL` (the second, the last Friday of the month), and Jenkins' `H`: a number that a name decides, the same for
ever, so that many schedules spread over the hour, the night or the week. No seconds, no years, no `W`, no `?`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from moroccron.model.errors import DagInvalid

ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  #: days of a month, in a leap year


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a field is called, its range, and names for its numbers."""

    name: str
    low: int
    high: int
    names: dict[str, int]

    @property
    def range(self) -> str:
        names = f" or {next(iter(self.names))}-{list(self.names)[-1]}" if self.names else ""
        return f"{self.low}-{self.high}{names}"


_KINDS = (
    _Kind("minute", 0, 59, {}),
    _Kind("hour", 0, 23, {}),
    _Kind("day of month", 1, 31, {}),
    _Kind("month", 1, 12, {name: n for n, name in enumerate(_MONTHS, 1)}),
    _Kind("day of week", 0, 7, {name: n for n, name in enumerate(_DAYS)}),
)


_HASHED = re.compile(r"h(?:\((\w+)-(\w+)\))?(?:/(\w+))?")
_LATEST_HASHED_DAY = 28  #: `H` among the days of a month: one that every month has

Spread = Callable[[str], int]  #: a field's name -> a large number that is always the same


@dataclass(frozen=True, slots=True)
class CronField:
    """What a field allows: numbers, and days that only a calendar tells."""

    values: frozenset[int]
    star: bool  #: written as a cadence, with a leading `*` or as `H/n`
    from_end: frozenset[int] = frozenset()  #: days before the month's last; 0 is the last
    #: (day of the week, which one in the month); -1: the last one
    nth: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class CronFields:
    """An expression, taken apart. Sunday is 0."""

    minute: CronField
    hour: CronField
    day: CronField
    month: CronField
    weekday: CronField

    @property
    def either_day(self) -> bool:
        """Both day fields are restricted, so either suffices; Debian's cron has it so, `*/2` counts as `*`."""
        return not self.day.star and not self.weekday.star

    def days(self, first: int, length: int) -> Iterator[int]:
        """The days, in order, that it names in a month of so many, the first being this weekday (Monday is 0)."""
        for day in range(1, length + 1):
            named = day in self.day.values or length - day in self.day.from_end
            suits = _suits(self.weekday, (first + day) % 7, day, length)
            if (named or suits) if self.either_day else (named and suits):
                yield day


def _suits(field: CronField, weekday: int, day: int, length: int) -> bool:
    """Whether the weekday field allows a day of a month of this length. Sunday is 0."""
    if weekday in field.values or (weekday, (day + 6) // 7) in field.nth:
        return True
    return (weekday, -1) in field.nth and day + 7 > length


def parse(text: str, name: str = "") -> CronFields:
    """The fields of an expression or alias; `DagInvalid` when it has none or never fires.

    `name` decides what `H` stands for.
    """
    stripped = text.strip().lower()
    if stripped.startswith("@"):
        if stripped not in ALIASES:
            raise DagInvalid(f"{text!r} is no alias", remedy=f"use one of {', '.join(ALIASES)}")
        stripped = ALIASES[stripped]
    words = stripped.split()
    if len(words) != len(_KINDS):
        raise DagInvalid(
            f"{text!r} has {len(words)} fields, not 5",
            remedy='write "minute hour day-of-month month day-of-week", for example "30 2 * * mon-fri"',
        )
    spread = _spread_of(name)
    fields = CronFields(
        *(_field(word, kind, spread) for word, kind in zip(words, _KINDS, strict=True))
    )
    _refuse_never(text, fields)
    return fields


def _spread_of(name: str) -> Spread:
    def spread(field: str) -> int:
        return int.from_bytes(sha256(f"{name}/{field}".encode()).digest()[:8])

    return spread


def _field(word: str, kind: _Kind, spread: Spread) -> CronField:
    values: set[int] = set()
    from_end: set[int] = set()
    nth: set[tuple[int, int]] = set()
    for item in word.split(","):
        if kind.name == "day of month" and item.startswith("l"):
            from_end.add(_from_end(item, kind))
        elif kind.name == "day of week" and ("#" in item or item.endswith("l")):
            nth.add(_nth(item, kind))
        elif hashed := _HASHED.fullmatch(item):
            values.update(_hashed(hashed, item, kind, spread(kind.name)))
        else:
            values.update(_item(item, kind))
    if kind.high == 7 and 7 in values:
        values = values - {7} | {0}
    star = word.startswith(("*", "h/"))
    return CronField(frozenset(values), star, frozenset(from_end), frozenset(nth))


def _from_end(item: str, kind: _Kind) -> int:
    """`L` or `L-n`."""
    body, dash, back = item.partition("-")
    if body != "l" or (dash and not (_digits(back) and 1 <= int(back) <= 27)):
        raise _wrong(
            item, kind, "use L for the last day of the month, L-1 to L-27 for one before it"
        )
    return int(back) if dash else 0


def _nth(item: str, kind: _Kind) -> tuple[int, int]:
    """`fri#2` or `friL`."""
    body, sharp, number = item.partition("#")
    if not sharp:
        body, number = item[:-1], "-1"
    if not body or number not in ("-1", "1", "2", "3", "4", "5"):
        raise _wrong(item, kind, "use fri#1 to fri#5, or friL for the month's last Friday")
    return _number(body, item, kind) % 7, int(number)


def _hashed(match: re.Match[str], item: str, kind: _Kind, hashed: int) -> range:
    """`H`, `H(a-b)`, each with or without `/step`."""
    low_text, high_text, step_text = match.groups()
    low, high = kind.low, 6 if kind.high == 7 else kind.high
    if low_text is not None:
        low, high = _number(low_text, item, kind), _number(high_text, item, kind)
        if low > high:
            raise _wrong(item, kind, "a range must grow")
    elif step_text is None and kind.name == "day of month":
        high = _LATEST_HASHED_DAY
    if step_text is None:
        first = low + hashed % (high - low + 1)
        return range(first, first + 1)
    step = _step(step_text, item, kind)
    return range(low + hashed % min(step, high - low + 1), high + 1, step)


def _item(item: str, kind: _Kind) -> range:
    """`*`, `n`, `a-b`, each with or without `/step`; `n/step` runs to the field's end."""
    body, slash, step_text = item.partition("/")
    step = _step(step_text, item, kind) if slash else 1
    top = 6 if kind.high == 7 else kind.high
    if body == "*":
        return range(kind.low, top + 1, step)
    low_text, dash, high_text = body.partition("-")
    low = _number(low_text, item, kind)
    if dash:
        high = _number(high_text, item, kind)
        if kind.high == 7 and high == 0 and low > 0:
            high = 7  # fri-sun: a range may end on Sunday
    else:
        high = top if slash else low
    if low > high:
        raise _wrong(item, kind, f"a range must grow; write {body} as two ranges joined by a comma")
    return range(low, high + 1, step)


def _step(text: str, item: str, kind: _Kind) -> int:
    if not _digits(text) or int(text) == 0:
        raise _wrong(item, kind, "the step after / must be a number, 1 or more")
    return int(text)


def _number(text: str, item: str, kind: _Kind) -> int:
    if text in kind.names:
        return kind.names[text]
    if _digits(text) and kind.low <= int(text) <= kind.high:
        return int(text)
    raise _wrong(item, kind, f"use {kind.range}, *, a-b, */n or a list with commas")


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 5


def _wrong(item: str, kind: _Kind, remedy: str) -> DagInvalid:
    return DagInvalid(f"{item!r} is wrong in the {kind.name} field", remedy=remedy)


def _refuse_never(text: str, fields: CronFields) -> None:
    """A 30th of February, unless a day of the week or the month's end may stand in for it."""
    if fields.either_day:
        return
    longest = max(_LONGEST[month - 1] for month in fields.month.values)
    if not fields.day.from_end and min(fields.day.values) > longest:
        raise DagInvalid(
            f"{text!r} never fires: no month that it names has such a day",
            remedy=f"use a day of month up to {longest}",
        )
    if fields.weekday.nth and not _ever_meet(fields):
        raise DagInvalid(
            f"{text!r} never fires: both day fields have to name a day, and there is none",
            remedy="leave one of the two at *, or begin neither with *: then either suffices",
        )


def _ever_meet(fields: CronFields) -> bool:
    """Whether some month, beginning on some weekday, has a day that it names."""
    lengths = {_LONGEST[month - 1] for month in fields.month.values}
    lengths |= {28} if 2 in fields.month.values else set()
    return any(True for length in lengths for first in range(7) for _ in fields.days(first, length))
