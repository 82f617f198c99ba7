"""What an author writes for amounts and durations, and the exact numbers they stand for.

Text and Decimal are exact; a float means the shortest decimal that it prints as, so 0.1 is a tenth. What does
not come out whole is refused, never rounded.
"""

import re
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Literal

from moroccron.model.resources import Resources
from moroccron.model.validation import kind_of, refuse, whole

Amount = int | float | Decimal | str
Duration = timedelta | int | float

#: what a job gets that asks for nothing
DEFAULT_CPUS = 100  #: thousandths
DEFAULT_MEM = 64  #: MiB

#: more than this is taken for a slip of the pen
SANE = Resources(
    cpus=1024 * 1000, mem=16 * 1024 * 1024, disk=1024 * 1024 * 1024, gpus=64, ports=1024
)

_LARGEST = 10**12  #: keeps every sum within 64 bits
_LONGEST_YEARS = 10
_LONGEST = _LONGEST_YEARS * 366 * 86400  #: seconds
_UNITS = {"mib": 1, "gib": 1024, "tib": 1024 * 1024}
_SIZE = re.compile(r"\s*([0-9.]+)\s*([A-Za-z]+)\s*")


def cpus(value: object) -> int:
    """Thousandths of a cpu, from 0.001."""
    number = _decimal(value)
    if number <= 0:
        raise refuse(f"{value} cpus are not possible", "ask for 0.001 or more")
    return _whole(number * 1000, f"{value} cpus have more than three decimals", "use at most three")


def mem(value: object) -> int:
    """MiB, from 1."""
    size = disk(value)
    if size == 0:
        raise refuse("no memory is not possible", "ask for 1 MiB or more")
    return size


def disk(value: object) -> int:
    """MiB, from 0: a number, or text with a unit such as `"1.5GiB"`."""
    factor = 1
    number_text = value
    if isinstance(value, str) and (match := _SIZE.fullmatch(value)):
        number_text, unit = match.groups()
        if unit.lower() not in _UNITS:
            raise refuse(f"{unit!r} is no unit here", "use MiB, GiB or TiB")
        factor = _UNITS[unit.lower()]
    number = _decimal(number_text)
    if number < 0:
        raise refuse(f"{value} is less than nothing", "ask for 0 or more")
    return _whole(
        number * factor, f"{value} is no whole number of MiB", 'use whole MiB, or "1.5GiB"'
    )


#: counts, from 0
gpus = whole(0, 10**6)
ports = whole(0, 65535)


def beyond(asked: Resources, most: Resources) -> tuple[str, str, str]:
    """Of what does not fit: the first kind, how much was asked, and the bound, as people write them."""
    kinds = ("cpus", "mem", "disk", "gpus", "ports")
    for kind, amount, bound in zip(kinds, asked.as_tuple(), most.as_tuple(), strict=True):
        if amount > bound:
            return kind, _written(kind, amount), _written(kind, bound)
    raise ValueError(f"{asked} fits in {most}")


def _written(kind: str, amount: int) -> str:
    if kind == "cpus":
        return f"{Decimal(amount) / 1000:f}"
    return f"{amount} MiB" if kind in ("mem", "disk") else str(amount)


def delay(value: object) -> float:
    """Seconds, from 0."""
    return _seconds(value, allow_zero=True)


def limit(value: object) -> float:
    """Seconds, more than 0."""
    return _seconds(value, allow_zero=False)


def limit_or_never(value: object) -> float | Literal["never"]:
    """Seconds, more than 0, or the word `never`."""
    if isinstance(value, str):
        if value != "never":
            raise refuse(f"{value!r} is no duration", 'use seconds, a timedelta, or "never"')
        return "never"
    return _seconds(value, allow_zero=False)


def _seconds(value: object, *, allow_zero: bool) -> float:
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value) if abs(value) < _LARGEST else float("inf")
    else:
        raise refuse(f"{kind_of(value)} is no duration", "use seconds, or a timedelta")
    if not 0 <= seconds <= _LONGEST or (seconds == 0 and not allow_zero):
        span = "from 0 seconds to" if allow_zero else "more than 0 seconds, up to"
        remedy = f"use {span} {_LONGEST_YEARS} years"
        raise refuse(f"{value} is no possible duration", remedy)
    return seconds + 0.0  # a negative zero becomes zero


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise refuse(f"{kind_of(value)} is no amount", "use a number")
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, ValueError):
        raise refuse(f"{kind_of(value)} is no amount", "use a number") from None
    if not number.is_finite() or abs(number) >= _LARGEST:
        raise refuse(f"{value} is no possible amount", f"use a finite number below {_LARGEST:g}")
    return number


def _whole(number: Decimal, message: str, remedy: str) -> int:
    if number != number.to_integral_value():
        raise refuse(message, remedy)
    return int(number)
