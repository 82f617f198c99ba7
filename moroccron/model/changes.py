"""Changes: row-level results of a decision, applied to the view and committed to the store alike.

A change carries the whole new row, so that applying one twice is harmless and only the last of a batch
need be written. `Happened` alone is appended, never replaced: it is the history.
"""

from dataclasses import dataclass
from datetime import datetime

from moroccron.model.backfill import Backfill
from moroccron.model.command import Answer
from moroccron.model.dag_version import DagVersion
from moroccron.model.load import LoadError
from moroccron.model.pool import Pool
from moroccron.model.run import Attempt, JobRun, Run
from moroccron.model.share import Share


@dataclass(frozen=True, slots=True)
class DagState:
    """What is known of a DAG beside its versions."""

    dag_id: str
    version_id: str  #: the newest good version
    file: str  #: relative to the DAG folder
    paused: bool = False
    active: bool = True  #: a file declares it
    scheduled_until: datetime | None = None  #: end of the last interval that was run or passed over
    next_due: datetime | None = None  #: when the schedule fires next, for people to read
    failed_runs: int = 0  #: scheduled runs that failed in a row, of a DAG that pauses for them


@dataclass(frozen=True, slots=True)
class VersionAdded:
    """A version not seen before, with the file that declares it."""

    version: DagVersion
    file: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DagChanged:
    dag: DagState


@dataclass(frozen=True, slots=True)
class LoadErrorsChanged:
    """The errors of one file are now these; none: the file is good or gone."""

    file: str
    errors: tuple[LoadError, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class RunChanged:
    run: Run


@dataclass(frozen=True, slots=True)
class JobRunChanged:
    job_run: JobRun


@dataclass(frozen=True, slots=True)
class AttemptChanged:
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Happened:
    """A line of history: what moved, from where to where, and why."""

    at: datetime
    subject: str  #: "run", "job_run", "attempt", "dag", "offer", "pool", "command", "framework", "backfill"
    cause: str  #: what moved it, in a few words: an event's kind with its detail
    dag_id: str | None = None
    run_id: str | None = None
    job_id: str | None = None
    number: int | None = None  #: of the attempt
    from_state: str | None = None
    to_state: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class CommandAnswered:
    answer: Answer


@dataclass(frozen=True, slots=True)
class FrameworkChanged:
    """The id under which we are known outside. Committed before anything is launched under it."""

    framework_id: str


@dataclass(frozen=True, slots=True)
class PoolChanged:
    """A pool was made, or has another number of slots."""

    pool: Pool


@dataclass(frozen=True, slots=True)
class PoolRemoved:
    name: str


@dataclass(frozen=True, slots=True)
class ShareChanged:
    """An owner was given a share of the cluster, or another one."""

    share: Share


@dataclass(frozen=True, slots=True)
class ShareRemoved:
    owner: str


@dataclass(frozen=True, slots=True)
class BackfillChanged:
    backfill: Backfill


Change = (
    VersionAdded
    | DagChanged
    | LoadErrorsChanged
    | RunChanged
    | JobRunChanged
    | AttemptChanged
    | Happened
    | CommandAnswered
    | FrameworkChanged
    | PoolChanged
    | PoolRemoved
    | ShareChanged
    | ShareRemoved
    | BackfillChanged
)
