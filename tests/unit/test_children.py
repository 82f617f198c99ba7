"""The supervisor's processes: when they are started again, and what is said of their end."""

import signal
from types import SimpleNamespace

import pytest

from moroccron.cli import children
from moroccron.cli.children import Child, Part, reason


def test_a_process_that_falls_for_ever_is_started_again_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(children, "time", SimpleNamespace(monotonic=lambda: 1.0))
    child = Child(Part("web", (), {}))
    delays = [child.plan_restart() for _ in range(2_000)]
    assert delays[:4] == [0.5, 1.0, 2.0, 4.0]
    assert delays == sorted(delays)
    assert delays[-1] == 30.0


def test_every_signal_has_words() -> None:
    assert reason(-signal.SIGKILL) == "was ended by SIGKILL"
    assert reason(-(signal.SIGRTMIN + 1)) == f"was ended by signal {signal.SIGRTMIN + 1}"
