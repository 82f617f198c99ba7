"""`moroccron logs`: what an attempt wrote, live or finished."""

import sys
from collections.abc import Iterator
from functools import partial

import click

from moroccron.bootstrap.logs import open_logs
from moroccron.bootstrap.readers import open_queries
from moroccron.cli import asking, finding, shapes, words
from moroccron.cli.errors import Failure
from moroccron.cli.exit_codes import ExitCode
from moroccron.cli.finding import JOB_ID, RUN_ID
from moroccron.cli.options import STORE, json_option, with_settings
from moroccron.cli.output import diagnostics, emit_json, escape
from moroccron.model.errors import LogUnavailable
from moroccron.model.run import Attempt, Run
from moroccron.ports import LogChunk, Logs, Queries, Stream
from moroccron.settings import TRUST, Settings

_PIECE = 64 * 1024
_LONGEST_PAUSE = 0.25


@click.command("logs")
@click.argument("run_id", metavar="RUN", type=RUN_ID)
@click.argument("job_id", metavar="JOB", type=JOB_ID)
@click.option(
    "--attempt",
    "number",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="Which attempt.  [default: the newest]",
)
@click.option("--stderr", is_flag=True, help="The error output instead of the output.")
@click.option("-f", "--follow", is_flag=True, help="Wait for more, until the attempt is over.")
@with_settings(*TRUST, *STORE)
@json_option
def command(
    run_id: str,
    job_id: str,
    number: int | None,
    stderr: bool,
    follow: bool,
    as_json: bool,
    settings: Settings,
) -> None:
    """Show what a JOB of a RUN (an id, or DAG@latest) wrote."""
    queries, logs = open_queries(settings), open_logs(settings)
    run = finding.run(queries, run_id)
    finding.job_run(queries, run, job_id)
    if as_json and follow:
        raise click.UsageError("--json shows a log as a whole: leave out --follow")
    stream = Stream.STDERR if stderr else Stream.STDOUT
    reader = Reading(queries, logs, run, job_id, number, stream)
    if follow:
        reader.await_start()
    if as_json:
        _emit_json(reader)
        return
    for data in reader.pieces(follow=follow):
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    _tell_end(reader.attempt(), other=not stderr)


def _emit_json(reader: "Reading") -> None:
    data = b"".join(reader.pieces(follow=False))
    emit_json(
        {
            "attempt": shapes.attempt(reader.attempt()),
            "stream": reader.stream.value,
            "text": data.decode(errors="replace"),
        }
    )


def _tell_end(attempt: Attempt, *, other: bool) -> None:
    """On a terminal, how the attempt stands, apart from what it wrote."""
    if not sys.stderr.isatty():
        return
    code = f", exit code {attempt.exit_code}" if attempt.exit_code is not None else ""
    hint = "  [dim](its errors: --stderr)[/]" if other and attempt.exit_code else ""
    diagnostics().print(
        f"[dim]attempt {attempt.number}[/] {words.styled(attempt.state)}{escape(code)}{hint}"
    )


class Reading:
    """One log, from its beginning to where it ends now, or for good."""

    def __init__(
        self,
        queries: Queries,
        logs: Logs,
        run: Run,
        job_id: str,
        number: int | None,
        stream: Stream,
    ) -> None:
        self.stream = stream
        self._queries = queries
        self._logs = logs
        self._run_id = run.id
        self._job_id = job_id
        self._number = number

    def attempt(self) -> Attempt:
        """The attempt as it stands now."""
        found = self._find()
        if found is not None:
            return found
        which = f"attempt {self._number}" if self._number else "attempt yet"
        raise Failure(
            f"{self._job_id} of {self._run_id} has no {which}",
            code=ExitCode.NOT_FOUND,
            remedy=f"moroccron logs -f {self._run_id} {self._job_id} waits for it",
        )

    def _find(self) -> Attempt | None:
        attempts = self._queries.attempts(self._run_id, self._job_id)
        if self._number is None:
            return attempts[-1] if attempts else None
        return next((each for each in attempts if each.number == self._number), None)

    def await_start(self) -> None:
        """Until the attempt runs or is over. Fails when the run ends without it."""

        def look() -> Attempt | None:
            over = self._queries.run(self._run_id).state.is_terminal
            found = self._find()
            if found is not None and (found.started is not None or found.state.is_terminal):
                self._number = found.number
                return found
            return self.attempt() if over else None

        asking.await_value(look, longest=_LONGEST_PAUSE)

    def pieces(self, *, follow: bool) -> Iterator[bytes]:
        """What was written, in order; with `follow`, until the attempt is over and read to its end."""
        offset = 0
        while True:
            attempt = self.attempt()
            while data := self._read(attempt, offset, patient=follow).data:
                offset += len(data)
                yield data
            if not follow or attempt.state.is_terminal:
                return
            asking.await_value(partial(self._news, offset), longest=_LONGEST_PAUSE)

    def _news(self, offset: int) -> bool | None:
        """True when there is more to read, or when there will never be."""
        attempt = self.attempt()
        return (
            attempt.state.is_terminal
            or bool(self._read(attempt, offset, patient=True).data)
            or None
        )

    def _read(self, attempt: Attempt, offset: int, *, patient: bool) -> LogChunk:
        """The next piece. Who is `patient` reads nothing for now where the agent of a live attempt is silent."""
        try:
            chunk = self._logs.read(attempt, self.stream, offset, _PIECE)
        except LogUnavailable as unavailable:
            if patient and not attempt.state.is_terminal:
                return LogChunk(b"", offset, offset)
            raise Failure(
                str(unavailable),
                code=ExitCode.FAILED,
                remedy="try again later: the agent may come back, and the log with it",
            ) from unavailable
        if chunk.gone and attempt.state.is_terminal and attempt.started is None:
            why = attempt.message or attempt.reason or words.word(attempt.state)
            raise Failure(
                f"attempt {attempt.number} of {self._job_id} never began to run: {why}",
                code=ExitCode.NOT_FOUND,
            )
        if chunk.gone and attempt.sandbox is not None:
            raise Failure(
                f"the {self.stream} of attempt {attempt.number} of {self._job_id} is not there any more",
                code=ExitCode.NOT_FOUND,
            )
        return chunk
