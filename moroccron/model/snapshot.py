"""What a new leader loads: everything that is not over, and nothing else."""

from dataclasses import dataclass
from datetime import datetime

from moroccron.model.backfill import Backfill
from moroccron.model.changes import DagState
from moroccron.model.dag_version import DagVersion
from moroccron.model.load import LoadError
from moroccron.model.pool import Pool
from moroccron.model.run import Attempt, JobRun, PreviousRun, Run
from moroccron.model.share import Share


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state at the beginning of a term."""

    framework_id: str | None
    dags: tuple[DagState, ...]
    #: the newest of each DAG and those that active runs and backfills are pinned to
    versions: tuple[DagVersion, ...]
    runs: tuple[Run, ...]  #: not terminal
    job_runs: tuple[JobRun, ...]  #: all of the active runs
    #: the newest of each job run of an active run, and every non-terminal one
    attempts: tuple[Attempt, ...]
    load_errors: tuple[LoadError, ...] = ()
    pools: tuple[Pool, ...] = ()
    shares: tuple[Share, ...] = ()
    backfills: tuple[Backfill, ...] = ()  #: not over
    #: DAG and end of intervals that a backfill has run and the schedule has not come to yet
    ahead: tuple[tuple[str, datetime], ...] = ()
    previous: tuple[PreviousRun, ...] = ()  #: ended runs before active ones that name them
