"""How many upstream jobs of a job ended in which way, as one number that a single addition keeps in step.

A number has a field of bits per kind. An edge's bond says how its upstream job counts: as it is, with its
failures forgiven, or only as over or not.
"""

from enum import IntEnum
from typing import NamedTuple

from moroccron.model.states import PASSED_OVER, JobRunState


class Kind(IntEnum):
    """The ways in which an upstream job may stand that rules tell apart."""

    OPEN = 0  #: not over
    SUCCEEDED = 1
    FAILED = 2  #: it ended in failure itself: failed, lost or killed
    UPSTREAM_FAILED = 3
    SKIPPED = 4
    LEFT_OUT = 5  #: not selected: to the rules it is not there


class Bond(IntEnum):
    """How an upstream job counts."""

    PLAIN = 0
    FORGIVEN = 1  #: `allow_failure`: a failure is as good as a success
    WATCHED = 2  #: waited for, whatever becomes of it: what a teardown cleans up after
    SETUP = 3  #: of a teardown: left out, it is as good as skipped


class Tally(NamedTuple):
    """How many upstream jobs stand how."""

    open: int = 0
    succeeded: int = 0
    failed: int = 0
    upstream_failed: int = 0
    skipped: int = 0

    @property
    def bad(self) -> int:
        """Failures of either kind."""
        return self.failed + self.upstream_failed


def kind_of(state: JobRunState) -> Kind:
    """How a job run in this state counts for the jobs downstream."""
    if not state.is_terminal:
        return Kind.OPEN
    if state is JobRunState.SUCCEEDED:
        return Kind.SUCCEEDED
    if state is JobRunState.NOT_SELECTED:
        return Kind.LEFT_OUT
    if state in PASSED_OVER:
        return Kind.SKIPPED
    return Kind.UPSTREAM_FAILED if state is JobRunState.UPSTREAM_FAILED else Kind.FAILED


def passed(kind: Kind) -> Kind:
    """How a job that chose counts for one that it did not choose to follow: a success is as good as skipped."""
    return Kind.SKIPPED if kind is Kind.SUCCEEDED else kind


#: those that a tally tells apart, in the order of its fields
COUNTED = tuple(kind for kind in Kind if kind is not Kind.LEFT_OUT)
KIND_OF = {state: kind_of(state) for state in JobRunState}

_BITS = 24  #: upstream jobs of one job: fewer than 16 millions
_MASK = (1 << _BITS) - 1
ONE_OPEN = 1 << (_BITS * Kind.OPEN)  #: whatever the bond
ANY_OPEN = _MASK << (
    _BITS * Kind.OPEN
)  #: of a packed tally: nothing of this is left when all are over


def weight(kind: Kind, bond: Bond) -> int:
    """What one upstream job adds to a packed tally."""
    if bond is Bond.WATCHED and kind is not Kind.OPEN:
        return 0
    if kind is Kind.LEFT_OUT:
        if bond is not Bond.SETUP:
            return 0
        kind = Kind.SKIPPED
    if bond is Bond.FORGIVEN and kind in (Kind.FAILED, Kind.UPSTREAM_FAILED):
        kind = Kind.SUCCEEDED
    return 1 << (_BITS * kind)


#: by bond and kind
WEIGHTS = [[weight(kind, bond) for kind in Kind] for bond in Bond]
#: by bond, kind before and kind after: what is to be added to a packed tally
STEPS = [[[after - before for after in weights] for before in weights] for weights in WEIGHTS]


def unpack(packed: int) -> Tally:
    """The counts of a packed tally."""
    # spelt out, and with a look at the highest bits first: nearly all upstream jobs just succeed
    more = packed >> 2 * _BITS
    open, succeeded = packed & _MASK, (packed >> _BITS) & _MASK
    if not more:
        return Tally(open, succeeded)
    return Tally(open, succeeded, more & _MASK, (more >> _BITS) & _MASK, more >> 2 * _BITS)
