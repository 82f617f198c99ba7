"""The attempt table, written out in full: whatever is not named here must be Stay or Illegal."""

import pytest

from moroccron.model.attempt import (
    OWN_INPUTS,
    AttemptInput,
    Illegal,
    Move,
    Stay,
    diagram,
    input_of,
    verdict,
)
from moroccron.model.states import AttemptState, KillReason, ReportedState

S = AttemptState
I = AttemptInput  # noqa: E741

#: rows are states, columns are inputs; `.` stays, `!` is illegal, else the first letters of the new state
MATRIX = """
                 QUEUED     LAUNCHING   RUNNING     UNREACHABLE  SUCCEEDED FAILED KILLED LOST
placed           LAUNCHING  !           !           !            !         !      !      !
kill_requested   KILLED     .           .           KILLED       .         .      .      .
patience_ended   !          !           !           LOST         !         !      !      !
vanished         !          LOST        LOST        LOST         !         !      !      !
staging          .          .           .           LAUNCHING    .         .      .      .
running          .          RUNNING     .           RUNNING      .         .      .      .
finished         .          SUCCEEDED   SUCCEEDED   SUCCEEDED    .         .      .      .
failed           .          FAILED      FAILED      FAILED       .         .      .      .
error            .          FAILED      .           .            .         .      .      .
killed_as_wanted .          KILLED      KILLED      KILLED       .         .      .      .
killed_for_time  .          FAILED      FAILED      FAILED       .         .      .      .
killed_unasked   .          LOST        LOST        LOST         .         .      .      .
gone             .          LOST        LOST        LOST         .         .      .      .
unreachable      .          UNREACHABLE UNREACHABLE .            .         .      .      .
"""


def cells():
    header, *rows = MATRIX.strip().splitlines()
    states = header.split()
    for row in rows:
        name, *words = row.split()
        for state, word in zip(states, words, strict=True):
            yield S[state], I(name), word


def test_the_matrix_names_every_state_and_input():
    assert {(state, given) for state, given, _ in cells()} == {(s, i) for s in S for i in I}


@pytest.mark.parametrize(("state", "given", "word"), list(cells()))
def test_cell(state, given, word):
    expected = {".": Stay(), "!": Illegal()}.get(word) or Move(S[word])
    assert verdict(state, given) == expected


def test_the_outside_is_never_illegal():
    for state in S:
        for given in set(I) - OWN_INPUTS:
            assert not isinstance(verdict(state, given), Illegal)


def test_a_terminal_state_is_never_left():
    for state in S:
        if state.is_terminal:
            assert not any(isinstance(verdict(state, given), Move) for given in I)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, I.KILLED_UNASKED),
        (KillReason.REQUESTED, I.KILLED_AS_WANTED),
        (KillReason.TIMEOUT, I.KILLED_FOR_TIME),
    ],
)
def test_what_killed_means_depends_on_what_was_wanted(wanted, expected):
    assert input_of(ReportedState.KILLED, wanted) is expected


def test_every_report_but_unknown_is_an_input():
    silent = [r for r in ReportedState if input_of(r, None) is None]
    assert silent == [ReportedState.UNKNOWN]


def test_the_diagram_names_every_move():
    drawn = diagram()
    for state, given, word in cells():
        if word not in ".!":
            line = next(x for x in drawn.splitlines() if f"{state.name} --> {word}:" in x)
            assert given.value in line
