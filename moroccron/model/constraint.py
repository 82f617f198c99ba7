"""Where a job may run: Marathon's constraint operators, on attributes of agents and on their hostname.

The evaluation lives in `core.vetoes`; this module owns the value and what makes one well-formed.

Expressions are RE2's, as in Mesos itself: matching takes time in proportion to the value's length, whatever an
author writes. Python's own engine can be kept busy for years by one pattern of ten characters, and with it
the one thread that decides.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import re2

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False  # they are told by the exception
_LONGEST_EXPRESSION = 1000

AGENT = (
    "@agent"  #: the pseudo attribute that is the agent's id, for what the engine itself asks for
)


class Operator(StrEnum):
    """Marathon's operators. "The group" is the jobs of one run that carry the same constraint."""

    UNIQUE = "UNIQUE"  #: no two live jobs of the group on agents with the same value
    CLUSTER = "CLUSTER"  #: all of the group on agents with the same value (the one named, if any)
    #: spread the group's live jobs evenly over the values (at least n of them)
    GROUP_BY = "GROUP_BY"
    LIKE = "LIKE"  #: the value matches the regular expression, as a whole
    UNLIKE = "UNLIKE"  #: the value does not match it; an agent without the attribute passes
    MAX_PER = "MAX_PER"  #: at most n live jobs of the group per value
    IS = "IS"  #: the value is exactly this


#: operators whose verdict depends on where the rest of the group is
GROUP_OPERATORS = frozenset(
    {Operator.UNIQUE, Operator.GROUP_BY, Operator.MAX_PER, Operator.CLUSTER}
)


@dataclass(frozen=True, slots=True)
class Constraint:
    """One condition on an agent. `attribute` is an attribute's name or `hostname`."""

    attribute: str
    operator: Operator
    value: str | None = None

    def __str__(self) -> str:
        tail = "" if self.value is None else f" {self.value}"
        return f"{self.attribute} {self.operator}{tail}"


def check_expression(text: str) -> None:
    """Raise ValueError, with why, unless LIKE and UNLIKE can match with this."""
    if len(text) > _LONGEST_EXPRESSION:
        raise ValueError(f"{len(text)} characters are more than {_LONGEST_EXPRESSION}")
    try:
        re2.compile(text, _OPTIONS)
    except re2.error as error:
        raise ValueError(error.args[0].decode()) from None


@lru_cache(maxsize=65_536)
def expression_matches(text: str, value: str) -> bool | None:
    """Whether the whole value matches; None when one of them cannot be judged: no expression, no Unicode."""
    try:
        return re2.compile(text, _OPTIONS).fullmatch(value) is not None
    except (re2.error, UnicodeError):
        return None
