"""The doors to the outside, as Protocols. The loop and the API know these; adapters implement them.

Ports speak in values of `model`. An adapter wraps its library's errors once, under `MoroccronError`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from moroccron.model.backfill import Backfill, BackfillPlan, BackfillProgress, CreateBackfill
from moroccron.model.changes import Change, DagState, Happened
from moroccron.model.command import Amendment, Answer, Command, Intent, RetryRun
from moroccron.model.dag_version import DagVersion
from moroccron.model.effects import Effect
from moroccron.model.events import Event, RunRecalled
from moroccron.model.load import LoadError
from moroccron.model.pool import PoolUse
from moroccron.model.preview import Preview, RunPreview
from moroccron.model.run import Attempt, JobRun, PreviousRun, Run
from moroccron.model.share import ShareUse
from moroccron.model.snapshot import Snapshot
from moroccron.model.states import RunState

# --------------------------------------------------------------------------- the engine's doors


def idle() -> None:
    """Nothing is to be done while waiting."""


class Clock(Protocol):
    """Where time comes from. Only the loop and the lifecycle hold one."""

    def now(self) -> datetime:
        """The wall clock: aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds that never run backwards, for waiting and measuring."""


class Driver(Protocol):
    """The cluster, or what stands for it: an embedded agent, a Mesos master, a simulation."""

    def start(self, framework_id: str | None, emit: Callable[[Event], None]) -> None:
        """Connect under the stored framework id (None: be given one) and stay connected.

        `emit` may be called from any thread; it only enqueues. The first event is `Subscribed`; after a lost
        connection comes `Disconnected`, and `Subscribed` again once it is back.
        """

    def perform(self, effects: Sequence[Effect]) -> None:
        """Send effects, in order. Returns without waiting for their result, which comes back as events.

        When not connected an effect is dropped: reconciliation finds out what became of it.
        """

    def stop(self) -> None:
        """Disconnect. Tasks run on; the framework stays registered."""


class Store(Protocol):
    """The leader's side of the database: the only place where state is written."""

    def begin_term(self, holder: str, waiting: Callable[[], None] = idle) -> int:
        """Take the next term, which fences every earlier one, and return its number.

        It is greater than every term before, also than those that a restored backup knows nothing of. `waiting` as
        for `commit`.
        """

    def load(self, waiting: Callable[[], None] = idle) -> Snapshot:
        """Everything that is not over. Raises `FrameworkMismatch` when it is not for us to lead; `waiting` as for
        `commit`."""

    def recall(self, run_id: str) -> RunRecalled | None:
        """An ended run with its version, job runs and the newest attempt of each; None: there is none."""

    def run_states(self, run_ids: Sequence[str]) -> Mapping[str, RunState]:
        """How those of the runs stand that there are."""

    def recall_backfill(self, backfill_id: int) -> Backfill | None:
        """A backfill, over or not; None: there is none."""

    def failed_runs(self, backfill_id: int, before: datetime, limit: int) -> Sequence[str]:
        """Runs of a backfill that ended before then without success, by interval."""

    def previous(self, dag_id: str, before: datetime) -> PreviousRun | None:
        """The run of the DAG with the latest logical date before this one; None: there is none.

        Of several with that date the one that was created last. A run that ended before it began is passed over.
        """

    def commit(
        self, term: int, changes: Sequence[Change], waiting: Callable[[], None] = idle
    ) -> None:
        """Write all changes, in order, in one transaction that first checks the term.

        Raises `Fenced` when the term is not the newest; nothing is written then. Committing the same changes
        twice leaves the same rows (history lines excepted). While the database is out of reach it tries again and
        again; `waiting` is called in between, and may raise to have it give up. Raises `StoreUnavailable` when it
        fails for good.
        """

    def unanswered_commands(self, after: int, limit: int) -> Sequence[Command]:
        """Commands with an id above `after` that nobody has answered, oldest first."""


class Election(Protocol):
    """Who may lead: at most one candidate at a time. One object is one candidacy."""

    def wait(self, on_loss: Callable[[str], None]) -> None:
        """Block until elected, or until `resign`: whoever resigned knows it.

        A won election lasts until `resign`, the end of the process, or the one call of `on_loss`, which may
        come from any thread and says why. Raises `ElectionRefused` when trying on is of no use.
        """

    def trusted(self) -> bool:
        """Whether nobody else can lead at this very moment, by our own clock and without asking anybody.

        True only between being elected and losing, and not while the election's keeper is silent: launch
        nothing then. It may come back. Cheap; any thread.
        """

    def resign(self) -> None:
        """Let the next candidate win at once. Not trusted any more when it returns; may be called again."""


class DriverEnd(StrEnum):
    """Why a driver gave its cluster up for good: connecting again would harm, or can never succeed."""

    FAILED_OVER = "failed over"  #: another scheduler has subscribed under our framework id
    FOREIGN_STREAM = "foreign stream"  #: the master answers another subscription than ours
    REMOVED = "removed"  #: the framework was torn down, or away for too long
    BROKEN = "broken"  #: a bug of ours has ended what listens or sends


class MasterDetector(Protocol):
    """Tells which master leads, as `HOST:PORT` (an IPv6 address in brackets)."""

    def watch(self, on_change: Callable[[str | None], None]) -> None:
        """Begin to tell, from any thread: who leads, at once when that is known and whenever it changes.

        None: nobody leads, so the old leader must not be used any more. That the detector itself cannot see
        for a while is no change.
        """

    def failed(self, master: str) -> None:
        """The master that was named does not answer or does not lead: name another, if one can be known."""

    def stop(self) -> None:
        """Tell no more."""


# --------------------------------------------------------------------------- the readers' doors


class Stream(StrEnum):
    """Which output of an attempt."""

    STDOUT = "stdout"
    STDERR = "stderr"


@dataclass(frozen=True, slots=True)
class LogChunk:
    """Some bytes of a log. `size` is the whole length known now; `gone`: the sandbox is not there (any more)."""

    data: bytes
    offset: int
    size: int
    gone: bool = False


class Logs(Protocol):
    """What attempts wrote, live and finished."""

    def read(self, attempt: Attempt, stream: Stream, offset: int, length: int) -> LogChunk:
        """At most `length` bytes from `offset`; a negative offset counts from the end.

        Raises `LogUnavailable` when whoever keeps it does not answer: then it may be there later.
        """


class Outputs(Protocol):
    """What attempts that have finished wrote for others."""

    def read_output(self, attempt: Attempt) -> bytes | None:
        """The file as it is, but no more of it than one byte beyond the most there may be; None: there is none.

        Raises `LogUnavailable` when whoever keeps it does not answer. From any thread.
        """


@dataclass(frozen=True, slots=True)
class RunBrief:
    """A run in a list: enough for a small bar and a link."""

    id: str
    state: RunState
    due: datetime
    started: datetime | None
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class DagSummary:
    """A DAG in a list."""

    state: DagState
    version: DagVersion
    recent: tuple[RunBrief, ...]  #: newest first
    active_runs: int


@dataclass(frozen=True, slots=True)
class LoadErrorRow:
    """A load error with when it was first seen."""

    error: LoadError
    since: datetime


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """A line of history with its number, by which a reader resumes."""

    id: int
    line: Happened


@dataclass(frozen=True, slots=True)
class LeaderRow:
    """Who wrote last: the newest term and its holder."""

    term: int
    holder: str
    since: datetime


class Queries(Protocol):
    """The readers' side of the database. Never blocks the leader; may be used from many threads.

    Asking for a DAG, run or version that is not there raises `NotFound`.
    """

    def dags(self, recent: int = 10) -> Sequence[DagSummary]:
        """All DAGs ever seen, active first, then by id; each with its newest runs."""

    def dag(self, dag_id: str, recent: int = 25) -> DagSummary: ...

    def version(self, version_id: str) -> DagVersion: ...

    def load_errors(self) -> Sequence[LoadErrorRow]: ...

    def runs(
        self,
        *,
        dag_id: str | None = None,
        states: Sequence[RunState] = (),
        backfill_id: int | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[Run]:
        """Runs by creation, newest first; `before` is the id of the last run of the page before."""

    def run(self, run_id: str) -> Run: ...

    def job_runs(self, run_id: str) -> Sequence[JobRun]:
        """All jobs of a run, in topological order."""

    def attempts(self, run_id: str, job_id: str | None = None) -> Sequence[Attempt]:
        """Attempts of a run, or of one of its jobs, by job's position and number."""

    def attempt_count_by_state(self) -> Mapping[str, int]: ...

    def history(
        self, *, run_id: str | None = None, after: int = 0, limit: int = 500
    ) -> Sequence[HistoryLine]:
        """Lines with a number above `after`, oldest first."""

    def last_history_id(self) -> int:
        """The number of the newest line; 0 when there is none."""

    def pools(self) -> Sequence[PoolUse]:
        """All pools by name, those too that jobs wait for and nobody made."""

    def shares(self) -> Sequence[ShareUse]:
        """All owners by name who have a share, or work that is not over."""

    def run_states(self, run_ids: Sequence[str]) -> Mapping[str, RunState]:
        """How those of the runs stand that there are."""

    def backfills(
        self, *, dag_id: str | None = None, limit: int = 50
    ) -> Sequence[BackfillProgress]:
        """Backfills, newest first."""

    def backfill(self, backfill_id: int) -> BackfillProgress: ...

    def answer(self, command_id: int) -> Answer | None:
        """What became of a command; None while the leader has not taken it."""

    def leader(self) -> LeaderRow | None: ...


class Previews(Protocol):
    """What would be done, told before it is asked for. Reads only; may be used from many threads."""

    def preview(self, wish: Amendment) -> Preview:
        """What would become of the job and of those downstream, as the rows are now. Raises `NotFound`."""

    def retry_run(self, wish: RetryRun) -> RunPreview:
        """What would become of the jobs of a run, as the rows are now. Raises `NotFound`."""

    def backfill(self, wish: CreateBackfill, now: datetime) -> BackfillPlan:
        """What a backfill would do about each interval, as the rows are now. Raises `NotFound`."""


class Commands(Protocol):
    """The only way in which people change anything."""

    def submit(self, intent: Intent, requested_by: str) -> int:
        """Store an intent for the leader; the id under which its answer will be found."""
