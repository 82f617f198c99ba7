"""How states look in a terminal: one icon, one colour, one word each. The words are the model's own."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

#: state: icon, rich style. The icons are those of the pages (api/templates/icons.html), as near
#: as one character comes, and differ in shape: colour is never needed to tell them apart.
_LOOKS: dict[str, tuple[str, str]] = {
    "waiting": ("◌", "dim"),
    "queued": ("≡", "cyan"),
    "launching": ("↑", "cyan"),
    "running": ("▶", "blue"),
    "unreachable": ("↯", "yellow"),
    "retrying": ("↻", "yellow"),
    "succeeded": ("✔", "green"),
    "failed": ("✘", "bold red"),
    "lost": ("?", "bold magenta"),
    "killed": ("■", "magenta"),
    "skipped": ("⇥", "dim"),
    "upstream_failed": ("⊗", "red"),
    "not_selected": ("⊖", "dim"),
    "paused": ("‖", "yellow"),
    "cancelled": ("■", "magenta"),
    "done": ("✔", "green"),
}


def word(state: StrEnum) -> str:
    """The state as people read it."""
    return state.value.replace("_", " ")


def styled(state: StrEnum) -> str:
    """Icon and word in the state's colour, as rich markup."""
    icon, style = _LOOKS[state.value]
    return f"[{style}]{icon} {word(state)}[/]"


def icon(state: StrEnum) -> str:
    """The icon alone in the state's colour, as rich markup."""
    symbol, style = _LOOKS[state.value]
    return f"[{style}]{symbol}[/]"


def counts(numbers: Mapping[Any, int]) -> str:
    """`✔ 3 succeeded  ▶ 1 running`, as rich markup, in the order of the table; zeros left out."""
    order = list(_LOOKS)
    parts = []
    for state in sorted(numbers, key=lambda state: order.index(state.value)):
        if numbers[state]:
            symbol, style = _LOOKS[state.value]
            parts.append(f"[{style}]{symbol} {numbers[state]} {word(state)}[/]")
    return "  ".join(parts)
