"""The grammar of a cron expression: what each field allows, and which field is wrong.

Owns parsing and checking; `model.timetable` evaluates. Kept apart from it, and free of croniter, so that
reading a DAG file need not pay for importing an evaluator. Standard five fields with names and aliases; no
seconds, no years, no `L`, `W`, `#` or `?`.
"""

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class CronField:
    """The numbers that a field allows. `star`: it was written with a leading `*`, as in `*/5`."""

    values: frozenset[int]
    star: bool


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


def parse(text: str) -> CronFields:
    """The fields of an expression or alias; `DagInvalid` when it has none or never fires."""
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
    fields = CronFields(*(_field(word, kind) for word, kind in zip(words, _KINDS, strict=True)))
    _refuse_never(text, fields)
    return fields


def _field(word: str, kind: _Kind) -> CronField:
    values: set[int] = set()
    for item in word.split(","):
        values.update(_item(item, kind))
    if kind.high == 7 and 7 in values:
        values = values - {7} | {0}
    return CronField(frozenset(values), word.startswith("*"))


def _item(item: str, kind: _Kind) -> range:
    """`*`, `n`, `a-b`, each with or without `/step`; `n/step` runs to the field's end."""
    body, slash, step_text = item.partition("/")
    step = 1
    if slash:
        if not _digits(step_text) or int(step_text) == 0:
            raise _wrong(item, kind, "the step after / must be a number, 1 or more")
        step = int(step_text)
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
    """A 30th of February, unless a day of the week may stand in for it."""
    if fields.either_day:
        return
    longest = max(_LONGEST[month - 1] for month in fields.month.values)
    if min(fields.day.values) > longest:
        raise DagInvalid(
            f"{text!r} never fires: no month that it names has such a day",
            remedy=f"use a day of month up to {longest}",
        )
