"""What the attempts of a run write, on standard error as it comes: each line under the name of its job.

Owns which bytes were shown. Must not know who runs the jobs.
"""

from collections.abc import Sequence

import click

from moroccron.cli import times, words
from moroccron.cli.output import diagnostics, escape
from moroccron.model.run import Attempt, AttemptKey
from moroccron.model.states import AttemptState
from moroccron.ports import Logs, Stream

_PIECE = 64 * 1024
_LONGEST_NAME = 24
_COLOURS = {Stream.STDOUT: "cyan", Stream.STDERR: "yellow"}


class Outputs:
    """Shows, each time it is called, what is new."""

    def __init__(self, logs: Logs, job_ids: Sequence[str]) -> None:
        self._logs = logs
        self._width = min(max(map(len, job_ids)), _LONGEST_NAME)
        self._shown: dict[tuple[AttemptKey, Stream], int] = {}
        self._rest: dict[
            tuple[AttemptKey, Stream], bytes
        ] = {}  #: a line whose end is not there yet
        self._over: set[AttemptKey] = set()

    def show(self, attempts: Sequence[Attempt]) -> None:
        """What was written since, and which attempts are over."""
        for attempt in attempts:
            if attempt.key in self._over:
                continue
            for stream in Stream:
                self._show(attempt, stream)
            if attempt.state.is_terminal:
                self._over.add(attempt.key)
                self._tell_end(attempt)

    def _show(self, attempt: Attempt, stream: Stream) -> None:
        place = (attempt.key, stream)
        while data := self._read(attempt, stream):
            self._shown[place] = self._shown.get(place, 0) + len(data)
            *lines, self._rest[place] = (self._rest.get(place, b"") + data).split(b"\n")
            for line in lines:
                self._relay(attempt, stream, line)
        if attempt.state.is_terminal and (rest := self._rest.pop(place, b"")):
            self._relay(attempt, stream, rest)

    def _read(self, attempt: Attempt, stream: Stream) -> bytes:
        if attempt.sandbox is None:
            return b""
        offset = self._shown.get((attempt.key, stream), 0)
        return self._logs.read(attempt, stream, offset, _PIECE).data

    def _relay(self, attempt: Attempt, stream: Stream, line: bytes) -> None:
        name = click.style(f"{attempt.job_id:<{self._width}}", fg=_COLOURS[stream])
        text = line.decode(errors="replace").rstrip("\r")
        click.echo(f"{name} {click.style('|', dim=True)} {text}", err=True)

    def _tell_end(self, attempt: Attempt) -> None:
        good = attempt.state is AttemptState.SUCCEEDED
        took = times.between(attempt.started, attempt.ended, attempt.ended or attempt.ready)
        parts = [
            "" if good and attempt.number == 1 else f"attempt {attempt.number}",
            words.styled(attempt.state),
            took,
            "" if good else escape(attempt.message or attempt.reason or ""),
        ]
        name = f"{attempt.job_id:<{self._width}}"
        diagnostics().print(
            f"{escape(name)}   {'  '.join(part for part in parts if part)}", soft_wrap=True
        )
