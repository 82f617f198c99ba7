"""How values read on a page: times, durations, amounts, states. One form for each, everywhere.

Registered as Jinja filters and globals. Gives text or safe markup whose every part is escaped.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from markupsafe import Markup, escape

from moroccron.api.doors import doors
from moroccron.api.graphing import first_line
from moroccron.api.schemas import schedule_text
from moroccron.model.param_values import to_text

_STEPS = (
    (60.0, 1.0, "s"),
    (3600.0, 60.0, "min"),
    (86400.0, 3600.0, "h"),
    (float("inf"), 86400.0, "d"),
)
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_NO_TIME = Markup('<span class="none">-</span>')

#: state -> (word, what it means), in the order of urgency
STATES: dict[str, tuple[str, str]] = {
    "failed": ("failed", "it ended by its own fault, and no retry is left"),
    "lost": ("lost", "the infrastructure lost it too often"),
    "killed": ("killed", "somebody, or a limit, ended it"),
    "upstream_failed": ("upstream failed", "not run, because of a failure upstream"),
    "unreachable": ("unreachable", "its agent is cut off; it may run on"),
    "retrying": ("retrying", "the last attempt ended, the next waits for its delay"),
    "running": ("running", "its command runs"),
    "launching": ("launching", "placed on an agent, not seen running yet"),
    "queued": ("queued", "ready, waits for room"),
    "waiting": ("waiting", "waits for jobs upstream"),
    "succeeded": ("succeeded", "it ended with exit code 0"),
    "skipped": ("skipped", "not run: its rule can never hold"),
    "not_selected": ("not selected", "left out of this run"),
}
URGENCY = {state: place for place, state in enumerate(STATES)}


@dataclass(frozen=True, slots=True)
class Count:
    """How many of something are in a state."""

    state: str
    count: int


def counts(states: list[str]) -> list[Count]:
    """How many there are of each state, most urgent first; absent ones left out."""
    return [Count(state, states.count(state)) for state in STATES if state in states]


def duration(seconds: float | None) -> str:
    """`340 ms`, `4.2 s`, `45 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`."""
    if seconds is None:
        return "-"
    if seconds < 0:
        return "-" + duration(-seconds)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02d} min"
    return f"{hours // 24} d {hours % 24} h"


def between(start: datetime | None, end: datetime | None) -> Markup:
    """The time from start to end; one that still grows when there is no end."""
    if start is None:
        return _NO_TIME
    if end is not None:
        return escape(duration((end - start).total_seconds()))
    so_far = duration((doors().now() - start).total_seconds())
    return Markup('<span data-since="{}">{}</span>').format(iso(start), so_far)


def moment(at: datetime | None) -> Markup:
    """How long ago, or in how long; the exact time on hover."""
    if at is None:
        return _NO_TIME
    text = relative((at - doors().now()).total_seconds())
    return Markup('<time datetime="{}" title="{}">{}</time>').format(iso(at), exact(at), text)


def clock(at: datetime | None) -> Markup:
    """The exact time, for tables where moments are compared."""
    if at is None:
        return _NO_TIME
    text = f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return Markup('<time datetime="{}" title="{}" data-exact>{}</time>').format(
        iso(at), exact(at), text
    )


def relative(seconds: float) -> str:
    """`just now`, `3 min ago`, `in 2 h`."""
    away = abs(seconds)
    if away < 1:
        return "just now"
    unit = next((size, word) for limit, size, word in _STEPS if away < limit)
    text = f"{int(away // unit[0])} {unit[1]}"
    return f"in {text}" if seconds > 0 else f"{text} ago"


def exact(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def amount_of_cpus(thousandths: int) -> str:
    return f"{thousandths / 1000:g}"


def amount_of_mib(mib: int) -> str:
    return f"{mib / 1024:g} GiB" if mib >= 1024 else f"{mib} MiB"


def plain(text: str) -> str:
    """A log without terminal escapes, which mean nothing on a page."""
    return _ESCAPES.sub("", text)


def json_text(value: Any) -> str:
    """A parameter's value as it is given: JSON."""
    return json.dumps(value, ensure_ascii=False)


def word(state: str) -> str:
    return STATES[state][0]


def meaning(state: str) -> str:
    return STATES[state][1]


def register(app: Flask) -> None:
    """Make these known to the templates."""
    filters: dict[str, Any] = {
        "amount_of_cpus": amount_of_cpus,
        "amount_of_mib": amount_of_mib,
        "clock": clock,
        "counts": counts,
        "duration": duration,
        "first_line": first_line,
        "iso": iso,
        "json_text": json_text,
        "meaning": meaning,
        "moment": moment,
        "param_text": to_text,
        "plain": plain,
        "schedule": schedule_text,
        "word": word,
    }
    app.jinja_env.filters.update(filters)
    app.jinja_env.globals["between"] = between
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
