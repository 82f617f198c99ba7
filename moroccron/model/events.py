"""Events: what happened, in the past tense. The only input of `core.decide`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from moroccron.model.backfill import Backfill
from moroccron.model.command import Command
from moroccron.model.dag_version import DagVersion
from moroccron.model.load import LoadedFile
from moroccron.model.offer import InverseOffer, Offer
from moroccron.model.run import Attempt, JobRun, PreviousRun, Run
from moroccron.model.states import ReportedState, RunState


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The driver is connected under this framework id. All earlier offers are void."""

    framework_id: str
    #: roles of which no offers will come until they are revived, as on the connection before
    suppressed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The driver lost its connection. All offers are void; it reconnects by itself."""

    reason: str


@dataclass(frozen=True, slots=True)
class OffersReceived:
    offers: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class OfferRescinded:
    offer_id: str


@dataclass(frozen=True, slots=True)
class InverseOffersReceived:
    """Agents are to be maintained, and the operator wants to know whether we will have left."""

    offers: tuple[InverseOffer, ...]


@dataclass(frozen=True, slots=True)
class InverseOfferRescinded:
    """The question was withdrawn; an answer is of no use."""

    offer_id: str


@dataclass(frozen=True, slots=True)
class StatusReceived:
    """A word about a task: from the agent (with a uuid, to be acknowledged), or a reconciliation's answer."""

    task_id: str
    agent_id: str | None
    state: ReportedState
    at: datetime  #: when the outside says that it became so
    uuid: str | None = None  #: present: it is repeated until acknowledged
    exit_code: int | None = None
    reason: str | None = None
    message: str | None = None
    sandbox: str | None = None
    source: str | None = None  #: who says so, of Mesos: `master`, `agent` or `executor`
    reconciled: bool = False  #: an answer to our asking, not news
    duplicate: bool = (
        False  #: a launch was refused because a task of this id is known, which may run
    )


@dataclass(frozen=True, slots=True)
class OutputRead:
    """What a task that has finished wrote for others; neither `data` nor `trouble`: it wrote nothing."""

    task_id: str
    data: bytes | None = None
    trouble: str | None = None  #: why it could not be read just now


@dataclass(frozen=True, slots=True)
class AgentLost:
    """A hint, never proof: drop the agent's offers and ask about its tasks early."""

    agent_id: str


@dataclass(frozen=True, slots=True)
class CommandReceived:
    command: Command


@dataclass(frozen=True, slots=True)
class FilesLoaded:
    """DAG files were read. `complete`: these are all the files there are (a DAG of no file is gone)."""

    files: tuple[LoadedFile, ...]
    complete: bool = False


@dataclass(frozen=True, slots=True)
class RunRecalled:
    """An ended run, fetched because a command speaks of it."""

    run: Run
    version: DagVersion
    job_runs: tuple[JobRun, ...]
    attempts: tuple[Attempt, ...]  #: the newest of each job run
    previous: PreviousRun | None = None  #: the run before it, if it names one that is over


@dataclass(frozen=True, slots=True)
class PreviousFound:
    """Which run comes before one that asked; None: none does."""

    run_id: str  #: who asked
    previous: PreviousRun | None


@dataclass(frozen=True, slots=True)
class BackfillRecalled:
    """A backfill that is over, fetched because a command speaks of it."""

    backfill: Backfill


@dataclass(frozen=True, slots=True)
class IntervalsSeen:
    """What the store has of the intervals that a backfill looks at next."""

    backfill_id: int
    #: by run id: how the run stands; None: there is none. What is to run again is recalled before
    runs: Mapping[str, RunState | None]
    failed: tuple[str, ...] = ()  #: its own runs that are to run again


@dataclass(frozen=True, slots=True)
class TrustChanged:
    """Whether nobody else can lead now, as the election knows it. While not, nothing is launched."""

    trusted: bool


@dataclass(frozen=True, slots=True)
class TimePassed:
    """A moment came for which the view had asked to be woken."""


Event = (
    Subscribed
    | Disconnected
    | OffersReceived
    | OfferRescinded
    | InverseOffersReceived
    | InverseOfferRescinded
    | StatusReceived
    | OutputRead
    | AgentLost
    | CommandReceived
    | FilesLoaded
    | RunRecalled
    | BackfillRecalled
    | IntervalsSeen
    | PreviousFound
    | TrustChanged
    | TimePassed
)
