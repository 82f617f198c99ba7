"""Runs, job runs and attempts: what happened, as rows. Times are aware and in UTC."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from moroccron.model.failure import FailureClass
from moroccron.model.states import AttemptState, JobRunState, KillReason, RunKind, RunState
from moroccron.model.trigger import Cause

#: the reason of an attempt whose exit code said that there was nothing to do
SKIP_EXIT_CODE = "skip_exit_code"


class DataInterval(NamedTuple):
    """[start, end): the stretch of time that a run is about. Its start is the logical date."""

    start: datetime
    end: datetime


class JobRunKey(NamedTuple):
    """Names a job within a run."""

    run_id: str
    job_id: str


class AttemptKey(NamedTuple):
    """Names one try of a job within a run. `number` counts from 1."""

    run_id: str
    job_id: str
    number: int

    @property
    def job_run(self) -> JobRunKey:
        return JobRunKey(self.run_id, self.job_id)


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a DAG for one data interval."""

    id: str
    dag_id: str
    version_id: str
    kind: RunKind
    state: RunState
    interval: DataInterval
    due: datetime  #: when it should have begun: the interval's end, or the moment of the request
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    kill: KillReason | None = None  #: wanted dead, and why
    requested_by: str | None = None
    expires: datetime | None = None  #: when it is ended because it took too long
    #: the backfill that made it, or ran it again: it stands below all other work and takes no slot of its DAG
    backfill_id: int | None = None
    #: of a DAG that looks back: the run before this one; "": there is none; None: not looked for yet
    previous: str | None = None
    message: str | None = None  #: while queued: what it waits for, where that is not room
    cause: Cause | None = None  #: what triggered it

    @property
    def logical_date(self) -> datetime:
        return self.interval.start


@dataclass(frozen=True, slots=True)
class JobRun:
    """A job within a run, over all its attempts."""

    run_id: str
    job_id: str
    state: JobRunState
    position: int  #: place in the version's topological order
    attempts: int = 0  #: number of the newest attempt; 0: none yet
    failures: int = 0  #: attempts that used up a retry
    losses: int = 0  #: attempts that the infrastructure lost
    ready: datetime | None = None  #: when its trigger rule held
    started: datetime | None = None  #: when its first attempt ran
    ended: datetime | None = None
    cause: str | None = None  #: the upstream job that decided it, if it was not run
    #: what a person said it has come to: its state once no attempt of it lives
    mark: JobRunState | None = None
    marked_by: str | None = None
    message: str | None = None  #: what it waits for, where that is no upstream job
    #: the jobs directly downstream that its output says to follow; None: it chose none of them, all count
    followed: tuple[str, ...] | None = None

    @property
    def key(self) -> JobRunKey:
        return JobRunKey(self.run_id, self.job_id)


@dataclass(frozen=True, slots=True)
class PreviousRun:
    """A run as far as the run after it is concerned."""

    id: str
    state: RunState
    #: the jobs of it that ended in failure; of no interest while it is not over
    jobs: tuple[tuple[str, JobRunState], ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a job run: at most one task, whose id is used once and never again."""

    run_id: str
    job_id: str
    number: int
    state: AttemptState
    ready: datetime  #: when it could first have been placed: rule held, or retry delay passed
    #: the run's due time, for a first attempt that waits for no other job
    due: datetime | None = None
    task_id: str | None = None
    agent_id: str | None = None
    hostname: str | None = None
    agent_url: str | None = None  #: where the agent's API answers, as the offer said
    sandbox: str | None = None
    ports: tuple[int, ...] = ()
    #: where it was placed, in the words of its constraints
    location: tuple[tuple[str, str], ...] = ()
    kill: KillReason | None = None  #: wanted dead, and why
    launched: datetime | None = None  #: when the placement was committed
    started: datetime | None = None
    ended: datetime | None = None
    exit_code: int | None = None  #: 128 + n when signal n ended it
    reason: str | None = None  #: the outside's own word for why, e.g. `command_failed`
    message: str | None = None  #: the same in a sentence; while queued: what offers lacked
    failure: FailureClass | None = None  #: whose doing it was, of one that failed or was lost
    mem: int | None = None  #: MiB that it asks for; None: as its job says
    avoid: tuple[str, ...] = ()  #: agents on which its job did not end well; others are preferred
    output: str | None = None  #: what it hands on, as JSON

    @property
    def key(self) -> AttemptKey:
        return AttemptKey(self.run_id, self.job_id, self.number)

    @property
    def skew(self) -> float | None:
        """Seconds from due (or, without a due time, from ready) to started; None until it started."""
        if self.started is None:
            return None
        return (self.started - (self.due or self.ready)).total_seconds()

    @property
    def output_size(self) -> int | None:
        """Bytes of its output as it is kept; None: there is none."""
        return None if self.output is None else len(self.output)


def run_id(dag_id: str, due: datetime) -> str:
    """The id of an interval's run, be it the schedule's or a backfill's: the DAG and the interval's end, in UTC.

    So no interval has two.

    Not the logical date: an edited schedule may give two intervals one start, while due times only ever grow.
    """
    return f"{dag_id}@{due.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def manual_run_id(dag_id: str, command_id: int) -> str:
    """The id of a run that a person asked for: the DAG and the command's number."""
    return f"{dag_id}@manual-{command_id}"


def triggered_run_id(dag_id: str, interval: DataInterval, cause: Cause, at: datetime) -> str:
    """The id of a run that something triggered at a moment: the same for the same cause, and for no other."""
    text = json.dumps([cause.to_json(), at.isoformat()], sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{dag_id}@{interval.end.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest}"


def task_id(key: AttemptKey, term: int) -> str:
    """The id of an attempt's task: unique for ever, since a term never returns.

    Mesos allows 255 characters without slash or control characters; ids of DAGs and jobs are held to 100
    characters of a set without `@`, so that no two keys give the same text.
    """
    return f"{key.run_id}@{key.job_id}@{key.number}.{term}"


def key_of_task(task_id: str) -> AttemptKey | None:
    """The attempt that a task's id names, whether we know of it or not; None: it is none of our making."""
    words = task_id.rsplit("@", 2)
    number = words[-1].partition(".")[0]
    if len(words) != 3 or not (number.isascii() and number.isdigit()):
        return None
    return AttemptKey(words[0], words[1], int(number))
