"""What elections have in common, where no adapter's own test looks: signals in the middle of a call."""

import signal
from collections.abc import Iterator

import pytest

from moroccron.candidacy import Candidacy


class Standing(Candidacy):
    """Is never elected."""

    def _campaign(self) -> None:
        self._over.wait()

    def _wake(self) -> None:
        """`_over` does it."""


@pytest.fixture
def candidacy() -> Iterator[Standing]:
    candidacy = Standing(patience=1)
    before = signal.signal(signal.SIGUSR1, lambda *_: candidacy.resign())
    yield candidacy
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.timeout(10, method="thread")
def test_a_signals_handler_may_resign_while_waiting_begins(
    candidacy: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = candidacy._thread.start

    def interrupted_start() -> None:
        signal.raise_signal(signal.SIGUSR1)
        start()

    monkeypatch.setattr(candidacy._thread, "start", interrupted_start)
    candidacy.wait(lambda why: None)
    assert not candidacy.trusted()
    candidacy._thread.join(1)
    assert not candidacy._thread.is_alive()
