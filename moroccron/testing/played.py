"""What a test looks at once a run was played: its state, its jobs, their attempts, and the order they began in.

Reads the store that the engine wrote; decides nothing.
"""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moroccron.model.command import RetryJob
from moroccron.model.offer import Launch
from moroccron.model.run import Attempt, JobRun, Run
from moroccron.model.states import JobRunState
from moroccron.model.validation import suggestion
from moroccron.testing.outcomes import Misused, Outcomes, Script
from moroccron.testing.playing import Playing


@dataclass(frozen=True)
class PlayedAttempt:
    """One try. `command` and `env` are what the agent was given; empty if it never got there."""

    number: int
    state: str
    hostname: str | None  #: of the agent that it was launched on
    ready: datetime
    started: datetime | None
    ended: datetime | None
    exit_code: int | None
    reason: str | None
    message: str | None
    command: str
    env: Mapping[str, str]
    output: Any  #: the value that it handed on; None as well where there is none

    @classmethod
    def of(cls, attempt: Attempt, launch: Launch | None) -> "PlayedAttempt":
        """The attempt's row, with its launch if it got so far."""
        return cls(
            number=attempt.number,
            state=attempt.state.value,
            hostname=attempt.hostname,
            ready=attempt.ready,
            started=attempt.started,
            ended=attempt.ended,
            exit_code=attempt.exit_code,
            reason=attempt.reason,
            message=attempt.message,
            command=_text(launch),
            env=dict(launch.env) if launch else {},
            output=None if attempt.output is None else json.loads(attempt.output),
        )


def _text(launch: Launch | None) -> str:
    if launch is None:
        return ""
    return launch.command if isinstance(launch.command, str) else shlex.join(launch.command)


class PlayedJob:
    """A job within the run. Its `command` and `env` are those of its newest attempt."""

    def __init__(self, row: JobRun, attempts: tuple[PlayedAttempt, ...]) -> None:
        self._row = row
        self.all_attempts = attempts  #: the oldest first

    @property
    def id(self) -> str:
        return self._row.job_id

    @property
    def state(self) -> str:
        return self._row.state.value

    @property
    def attempts(self) -> int:
        """How many there were; 0: it was not run."""
        return len(self.all_attempts)

    def attempt(self, number: int) -> PlayedAttempt:
        """One of its attempts; they count from 1."""
        if not 1 <= number <= self.attempts:
            raise AssertionError(f"there is no attempt {number} of {self!r}")
        return self.all_attempts[number - 1]

    @property
    def cause(self) -> str | None:
        """The upstream job because of which it was not run."""
        return self._row.cause

    @property
    def started(self) -> datetime | None:
        """When its first attempt began."""
        return self._row.started

    @property
    def ended(self) -> datetime | None:
        return self._row.ended

    @property
    def exit_code(self) -> int | None:
        """That of its newest attempt."""
        return self._newest().exit_code

    @property
    def command(self) -> str:
        """As launched. A list of arguments is written as a shell would read it."""
        return self._newest().command

    @property
    def env(self) -> Mapping[str, str]:
        """As launched: its own, and what moroccron adds."""
        return self._newest().env

    @property
    def output(self) -> Any:
        """The value that its newest attempt handed on; None as well where there is none."""
        return self._newest().output

    def _newest(self) -> PlayedAttempt:
        return self.attempt(max(self.attempts, 1))

    def __repr__(self) -> str:
        parts = [f"{self.id} {self.state.replace('_', ' ')}"]
        if self.cause:
            parts.append(f"because of {self.cause}")
        if self.attempts > 1:
            parts.append(f"after {self.attempts} attempts")
        if self.attempts and self.state == JobRunState.FAILED.value:
            last = self._newest()
            code = None if last.exit_code is None else f"exit code {last.exit_code}"
            parts.append(f"({code or last.reason})")
        return " ".join(parts)


class PlayedRun:
    """A run that was played to its end."""

    def __init__(self, playing: Playing, run_id: str) -> None:
        self._playing = playing
        self.id = run_id

    @property
    def row(self) -> Run:
        """All that the engine stored of it."""
        return self._playing.store.run(self.id)

    @property
    def state(self) -> str:
        """`succeeded`, `failed` or `killed`."""
        return self.row.state.value

    @property
    def params(self) -> Mapping[str, Any]:
        return self.row.params

    @property
    def logical_date(self) -> datetime:
        return self.row.logical_date

    @property
    def seconds(self) -> float:
        """Virtual time from its beginning to its end."""
        row = self.row
        assert row.started is not None and row.ended is not None, row
        return (row.ended - row.started).total_seconds()

    @property
    def states(self) -> dict[str, str]:
        """The state of every job, in topological order."""
        return {row.job_id: row.state.value for row in self._playing.store.job_runs(self.id)}

    @property
    def order(self) -> list[str]:
        """The jobs that ran, in the order in which their first attempts began."""
        keys = (launch.key for launch in self._playing.launches.values())
        return list(dict.fromkeys(key.job_id for key in keys if key.run_id == self.id))

    def __getitem__(self, job_id: str) -> PlayedJob:
        for row in self._playing.store.job_runs(self.id):
            if row.job_id == job_id:
                return self._job(row)
        remedy = suggestion(job_id, self.states, f"its jobs are {', '.join(self.states)}")
        raise Misused(f"the run has no job {job_id!r}: {remedy}")

    def __iter__(self) -> Iterator[PlayedJob]:
        return (self._job(row) for row in self._playing.store.job_runs(self.id))

    def _job(self, row: JobRun) -> PlayedJob:
        attempts = self._playing.store.attempts(self.id, row.job_id)
        launches = self._playing.launches
        played = (PlayedAttempt.of(each, launches.get(each.task_id or "")) for each in attempts)
        return PlayedJob(row, tuple(played))

    def assert_order(self, *job_ids: str) -> None:
        """Each of these jobs ran, and began after the one before; others may have run between."""
        order = self.order
        missing = [repr(self[id]) for id in job_ids if id not in order]
        if missing:
            raise AssertionError(f"not run: {'; '.join(missing)}")
        found = sorted(job_ids, key=order.index)
        if found != list(job_ids):
            raise AssertionError(f"the order was {' > '.join(found)}, not {' > '.join(job_ids)}")

    def retry(self, job_id: str, outcomes: Outcomes | None = None) -> "PlayedRun":
        """A person retries a job of the run that is over; played to the end again, with new outcomes."""
        self._playing.script = Script(outcomes or {}, self._playing.version)
        self._playing.ask(RetryJob(self.id, self[job_id].id))
        self._playing.finish(self.id)
        return self

    def __repr__(self) -> str:
        return f"<run {self.id} {self.state}: {', '.join(map(repr, self))}>"
