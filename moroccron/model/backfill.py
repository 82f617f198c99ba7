"""Backfills: a person's wish to have a DAG's runs for a stretch of the past, as a row that the leader works on.

What there is of each interval, and what is made of it, follows from the row and from the runs that there are; see
`core.backfill_plan`. Nothing here knows how far the work is, but for the row's own cursor.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from moroccron.model.dag_version import JobSpec
from moroccron.model.run import DataInterval
from moroccron.model.states import RunState

DEFAULT_MAX_ACTIVE = 4
MOST_ACTIVE = 1000
MOST_INTERVALS = 20_000  #: of one backfill: counting them takes the leader a fifth of a second


class Existing(StrEnum):
    """What becomes of the runs that there are already. Those that are not over are left alone by all three."""

    KEEP = "keep"  #: left alone
    FAILED = "failed"  #: those that are over and did not succeed run again, from where they failed
    ALL = "all"  #: those that are over run again


class VersionChoice(StrEnum):
    """On which version of its DAG a run is run again."""

    OWN = "own"
    NEWEST = "newest"


class BackfillState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"  #: makes no more runs; those that there are go on
    CANCELLED = "cancelled"
    DONE = "done"  #: every interval was looked at, and all its runs are over

    @property
    def is_over(self) -> bool:
        return self in (BackfillState.CANCELLED, BackfillState.DONE)


@dataclass(frozen=True, slots=True)
class Backfill:
    """A stretch of a DAG's schedule. Its intervals begin at `begin` or later and before `end`, by the version's
    timetable, and were over when it was created."""

    id: int  #: the number of the command that asked for it
    dag_id: str
    version_id: (
        str  #: the newest when it was created: of its timetable and of the runs that it makes
    )
    begin: datetime
    end: datetime
    state: BackfillState
    created: datetime
    requested_by: str
    total: int  #: how many intervals it is about
    existing: Existing = Existing.KEEP
    version: VersionChoice = VersionChoice.OWN  #: of runs that it runs again
    jobs: str | None = None  #: a pattern of job ids; None: all of them
    downstream: bool = False  #: and all jobs downstream of these
    newest_first: bool = False
    max_active: int = DEFAULT_MAX_ACTIVE  #: of its runs at a time
    params: Mapping[str, Any] = field(
        default_factory=dict
    )  #: over the DAG's defaults, in the runs it makes
    cursor: datetime | None = None  #: end of the interval that it looked at last
    walked: bool = False  #: there is no further interval to look at
    made: int = 0  #: runs that it made
    rerun: int = 0  #: runs that it ran again
    left: int = 0  #: intervals whose runs it left alone
    #: its runs that ended before this moment without success are run again; None: nobody asked for that
    retry_before: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class CreateBackfill:
    """Make runs for the intervals that begin at `begin` or later and before `end` (None: now), if they are over."""

    dag_id: str
    begin: datetime
    end: datetime | None = None
    jobs: str | None = None
    downstream: bool = False
    existing: Existing = Existing.KEEP
    version: VersionChoice = VersionChoice.OWN
    newest_first: bool = False
    max_active: int = DEFAULT_MAX_ACTIVE
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PauseBackfill:
    """Make no more runs. Those that there are go on."""

    backfill_id: int


@dataclass(frozen=True, slots=True)
class ResumeBackfill:
    """Go on where it was paused."""

    backfill_id: int


@dataclass(frozen=True, slots=True)
class CancelBackfill:
    """Make no more runs, for good; `kill`: and end those that there are."""

    backfill_id: int
    kill: bool = False


@dataclass(frozen=True, slots=True)
class RetryBackfill:
    """Run those of its runs again, from where they failed, that are over and did not succeed."""

    backfill_id: int


BackfillIntent = CreateBackfill | PauseBackfill | ResumeBackfill | CancelBackfill | RetryBackfill


class Deed(StrEnum):
    """What a backfill does about an interval."""

    MAKE = "make"  #: there is no run: it makes one
    RERUN = "rerun"  #: there is one, which runs again
    LEAVE = "leave"  #: there is one, which stays as it is


@dataclass(frozen=True, slots=True)
class PlannedInterval:
    """An interval with what is there already, and what would be done about it."""

    interval: DataInterval
    run_id: str
    found: RunState | None  #: of the run that there is; None: there is none
    deed: Deed


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """What a backfill would do, were it created now, in the order in which it would."""

    dag_id: str
    version_id: str | None
    intervals: tuple[PlannedInterval, ...] = ()
    jobs: tuple[str, ...] = ()  #: those that would run, in topological order
    refused: str | None = None  #: why it would not be done at all

    def count(self, deed: Deed) -> int:
        return sum(line.deed is deed for line in self.intervals)


@dataclass(frozen=True, slots=True)
class BackfillProgress:
    """A backfill with how its runs stand."""

    backfill: Backfill
    runs: Mapping[RunState, int]  #: how many of its runs are in which state, none with zero


def selected(jobs: Iterable[JobSpec], pattern: str | None, *, downstream: bool) -> frozenset[str]:
    """The ids of the jobs, given in topological order, that a pattern names."""
    found: set[str] = set()
    for job in jobs:
        matches = pattern is None or fnmatchcase(job.id, pattern)
        if matches or (downstream and not found.isdisjoint((*job.upstream, *job.teardown_of))):
            found.add(job.id)
    return frozenset(found)
