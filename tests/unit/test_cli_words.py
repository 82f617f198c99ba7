"""How the command line words things, and what it loads to do so."""

import subprocess
import sys
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import pytest

from moroccron import api
from moroccron.cli import times, words
from moroccron.cli.exit_codes import MEANINGS, SCHEDULER_MEANINGS, ExitCode, epilog
from moroccron.lifecycle import ExitCode as SchedulerExitCode
from moroccron.model.states import AttemptState, JobRunState, RunState
from moroccron.testing import EPOCH


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0, "0 ms"),
        (0.0854, "85 ms"),
        (4.24, "4.2 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (2 * 86400 + 4 * 3600 + 59, "2 d 4 h"),
        (-3, "-3.0 s"),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert times.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "now"),
        (-0.4, "now"),
        (-1, "1 s ago"),
        (90, "in 1 min"),
        (-7300, "2 h ago"),
        (3 * 86400, "in 3 d"),
    ],
)
def test_relative(seconds: float, text: str) -> None:
    assert times.relative(EPOCH + timedelta(seconds=seconds), EPOCH) == text


def test_what_goes_on_takes_until_now() -> None:
    assert times.between(EPOCH, None, EPOCH + timedelta(seconds=90)) == "1 min 30 s"
    assert times.between(None, None, EPOCH) == ""


@pytest.mark.parametrize("states", [AttemptState, JobRunState, RunState])
def test_every_state_has_a_look_of_its_own(states: type[StrEnum]) -> None:
    looks = [words.styled(state) for state in states]
    icons = [words.icon(state).split("]")[1][0] for state in states]
    assert len(set(icons)) == len(list(states))
    assert all(words.word(state) in look for state, look in zip(states, looks, strict=True))


def test_every_state_has_an_icon_on_the_pages_too() -> None:
    sprite = (Path(api.__file__).parent / "templates" / "icons.html").read_text()
    for state in (*RunState, *JobRunState, *AttemptState):
        assert words.icon(state)
        assert f'id="i-{state.value}"' in sprite


def test_counts_leave_out_what_is_not_there() -> None:
    numbers: dict[StrEnum, int] = {
        JobRunState.SUCCEEDED: 2,
        JobRunState.RUNNING: 1,
        JobRunState.FAILED: 0,
    }
    assert words.counts(numbers) == "[blue]▶ 1 running[/]  [green]✔ 2 succeeded[/]"


def test_every_exit_code_is_explained() -> None:
    assert set(MEANINGS) == set(ExitCode)
    assert all(meaning in epilog() for meaning in MEANINGS.values())
    ours = {code.value for code in ExitCode}
    theirs = {code.value for code in SchedulerExitCode} - {0}
    assert set(SCHEDULER_MEANINGS) == theirs
    assert not ours & theirs


_HEAVY = ("alembic", "flask", "networkx", "pydantic", "rich", "sqlalchemy", "waitress")


@pytest.mark.parametrize("module", ["moroccron.cli.main", "moroccron.cli.standalone"])
def test_what_is_always_loaded_is_small(module: str) -> None:
    """--help is quick, and the supervisor is small, because they load none of these."""
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert module in loaded
    assert not [name for name in _HEAVY if name in loaded]
