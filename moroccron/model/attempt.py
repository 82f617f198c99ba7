"""The one state machine: what each input does to an attempt, as a table.

The table is the truth; the README's diagram is drawn from it. The outside can never cause `Illegal`: it may be
late, doubled or wrong, so whatever it says of a state it does not fit is `Stay`. Only our own inputs (placing,
giving up on somebody silent) can be illegal, and then they are bugs.
"""

from dataclasses import dataclass
from enum import StrEnum

from moroccron.model.states import AttemptState, KillReason, ReportedState


class AttemptInput(StrEnum):
    """What may happen to an attempt. The first four are our own decisions, the others words from outside."""

    PLACED = "placed"  #: matched to an offer
    KILL_REQUESTED = "kill_requested"  #: wanted dead
    PATIENCE_ENDED = "patience_ended"  #: unreachable for longer than its job waits
    VANISHED = "vanished"  #: nobody knows it, asked twice after its launch grace
    STAGING = "staging"  #: alive, its command not seen to run yet (also STARTING and KILLING)
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    ERROR = "error"  #: the launch was invalid, or the id is a duplicate of one that lives
    KILLED_AS_WANTED = "killed_as_wanted"
    KILLED_FOR_TIME = "killed_for_time"  #: by our own watchdog, because it ran too long
    KILLED_UNASKED = (
        "killed_unasked"  #: by somebody else: a drain, an operator, a removed framework
    )
    GONE = "gone"  #: LOST, DROPPED, GONE, GONE_BY_OPERATOR: it does not run and never will
    UNREACHABLE = "unreachable"


OWN_INPUTS = frozenset(
    {
        AttemptInput.PLACED,
        AttemptInput.KILL_REQUESTED,
        AttemptInput.PATIENCE_ENDED,
        AttemptInput.VANISHED,
    }
)


@dataclass(frozen=True, slots=True)
class Move:
    """The attempt goes to another state."""

    to: AttemptState


@dataclass(frozen=True, slots=True)
class Stay:
    """Nothing changes: old news, a repetition, or a word that does not fit."""


@dataclass(frozen=True, slots=True)
class Illegal:
    """One of our own inputs came where it must not: a bug."""


Verdict = Move | Stay | Illegal

STAY = Stay()
ILLEGAL = Illegal()

_S = AttemptState
_I = AttemptInput

_ENDINGS = {
    _I.FINISHED: _S.SUCCEEDED,
    _I.FAILED: _S.FAILED,
    _I.KILLED_AS_WANTED: _S.KILLED,
    _I.KILLED_FOR_TIME: _S.FAILED,
    _I.KILLED_UNASKED: _S.LOST,
    _I.GONE: _S.LOST,
    _I.VANISHED: _S.LOST,
}

#: every move there is; what is not here is Stay or Illegal, as `verdict` says
MOVES: dict[AttemptState, dict[AttemptInput, AttemptState]] = {
    _S.QUEUED: {_I.PLACED: _S.LAUNCHING, _I.KILL_REQUESTED: _S.KILLED},
    _S.LAUNCHING: {
        _I.RUNNING: _S.RUNNING,
        _I.UNREACHABLE: _S.UNREACHABLE,
        _I.ERROR: _S.FAILED,
        **_ENDINGS,
    },
    # An ERROR about a running attempt means that a duplicate of its id was refused, not that it ended
    # (observed on Mesos 1.11): it stays, and reconciliation tells.
    _S.RUNNING: {_I.UNREACHABLE: _S.UNREACHABLE, **_ENDINGS},
    _S.UNREACHABLE: {
        _I.STAGING: _S.LAUNCHING,
        _I.RUNNING: _S.RUNNING,
        _I.PATIENCE_ENDED: _S.LOST,
        _I.KILL_REQUESTED: _S.KILLED,
        **_ENDINGS,
    },
    _S.SUCCEEDED: {},
    _S.FAILED: {},
    _S.KILLED: {},
    _S.LOST: {},
}

_MOVE_TO = {state: Move(state) for state in AttemptState}


def verdict(state: AttemptState, given: AttemptInput) -> Verdict:
    """What `given` does to an attempt in `state`."""
    to = MOVES[state].get(given)
    if to is not None:
        return _MOVE_TO[to]
    if given in OWN_INPUTS and given is not AttemptInput.KILL_REQUESTED:
        return ILLEGAL
    return STAY


_REPORTS = {
    ReportedState.STAGING: _I.STAGING,
    ReportedState.STARTING: _I.STAGING,
    ReportedState.KILLING: _I.STAGING,
    ReportedState.RUNNING: _I.RUNNING,
    ReportedState.FINISHED: _I.FINISHED,
    ReportedState.FAILED: _I.FAILED,
    ReportedState.ERROR: _I.ERROR,
    ReportedState.LOST: _I.GONE,
    ReportedState.DROPPED: _I.GONE,
    ReportedState.GONE: _I.GONE,
    ReportedState.GONE_BY_OPERATOR: _I.GONE,
    ReportedState.UNREACHABLE: _I.UNREACHABLE,
}


def input_of(report: ReportedState, wanted: KillReason | None) -> AttemptInput | None:
    """What a report means for an attempt that was wanted dead for `wanted`, or not at all.

    None for UNKNOWN, which says nothing by itself: see `core.updates`.
    """
    if report is ReportedState.KILLED:
        if wanted is None:
            return AttemptInput.KILLED_UNASKED
        if wanted is KillReason.TIMEOUT:
            return AttemptInput.KILLED_FOR_TIME
        return AttemptInput.KILLED_AS_WANTED
    return _REPORTS.get(report)


def diagram() -> str:
    """The table as a Mermaid state diagram, one arrow per pair of states."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for state, moves in MOVES.items():
        for given, to in moves.items():
            arrows.setdefault((state.name, to.name), []).append(given.value)
    lines = ["stateDiagram-v2", "    [*] --> QUEUED"]
    lines += [f"    {a} --> {b}: {', '.join(given)}" for (a, b), given in arrows.items()]
    lines += [f"    {state.name} --> [*]" for state in AttemptState if state.is_terminal]
    return "\n".join(lines)
