"""Elections under test: candidates that are processes of their own, and what their shared journal proves."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tests.waiting import PATIENCE, until

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Fact:
    """One line of the journal."""

    at: float
    who: str
    what: str


class Candidate:
    """A process of `tests.candidate`."""

    def __init__(self, booth: "Booth", name: str) -> None:
        self.name = name
        self._booth = booth
        spec = booth.spec | {"name": name, "journal": str(booth.journal)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.candidate", json.dumps(spec)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            text=True,
        )

    def said(self, what: str) -> list[Fact]:
        return [fact for fact in self._booth.facts() if (fact.who, fact.what) == (self.name, what)]

    def await_word(self, what: str, patience: float = PATIENCE) -> Fact:
        return until(lambda: self.said(what), f"{self.name}: {what}", patience)[0]

    @property
    def leads(self) -> bool:
        """Whether it has ever believed to."""
        return bool(self.said("trusted"))

    def resign(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("resign\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)
        if self._process.stdin is not None:
            self._process.stdin.close()


class Booth:
    """Where one election is held: how to stand for it, and what everybody noted.

    `lease` is the longest time for which a silent leader keeps the others waiting; None: for ever.
    """

    def __init__(self, folder: Path, kind: str, where: str, *, length: float, lease: float | None):
        self.spec: dict[str, Any] = {"kind": kind, "where": where, "length": length}
        self.lease = lease
        self.journal = folder / "journal"
        self._numbers = count(1)
        self.candidates: list[Candidate] = []

    def stand(self) -> Candidate:
        """A new candidate; does not wait for it."""
        candidate = Candidate(self, f"c{next(self._numbers)}")
        self.candidates.append(candidate)
        return candidate

    def leader(self) -> Candidate:
        """One that leads, alone."""
        candidate = self.stand()
        candidate.await_word("trusted")
        return candidate

    def standby(self) -> Candidate:
        """One that waits to be elected, as far as that can be seen."""
        candidate = self.stand()
        candidate.await_word("standing")
        return candidate

    def facts(self) -> list[Fact]:
        if not self.journal.exists():
            return []
        whole_lines = self.journal.read_text().rpartition("\n")[0]
        return [Fact(**json.loads(line)) for line in whole_lines.splitlines()]

    def await_next(self, candidates: list[Candidate], patience: float) -> Candidate:
        """The one of them that leads first."""
        found: Callable[[], list[Candidate]] = lambda: [c for c in candidates if c.leads]  # noqa: E731
        return until(found, "one of the others leads", patience)[0]

    def assert_one_leader(self) -> None:
        """Whoever asked himself whether he leads, after another had been elected, answered no.

        A look's time is taken before the question, so that a process frozen in between proves nothing; an
        election counts from the first look that was answered yes.
        """
        looks = sorted((f.at, f.who) for f in self.facts() if f.what == "trusted")
        reigns: list[str] = []
        for _, who in looks:
            if not reigns or reigns[-1] != who:
                reigns.append(who)
        assert reigns, "nobody has led"
        assert len(reigns) == len(set(reigns)), f"one came back after another had led: {reigns}"

    def end(self) -> None:
        for candidate in self.candidates:
            candidate.end()
