"""Where a job may run: Marathon's constraint operators, on attributes of agents and on their hostname.

The evaluation lives in `core.vetoes`; this module owns the value and what makes one well-formed.
"""

from dataclasses import dataclass
from enum import StrEnum


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
