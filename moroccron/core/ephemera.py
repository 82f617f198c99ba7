"""Changes of what only memory holds: offers, wishes and doubts. Applied to the view, never stored.

A new leader begins without them; subscribing anew brings the offers, and time the rest.
"""

from dataclasses import dataclass
from datetime import datetime

from moroccron.core.inquiry import Asked
from moroccron.model.backfill import Backfill
from moroccron.model.events import RunRecalled, StatusReceived
from moroccron.model.offer import InverseOffer, Offer
from moroccron.model.run import AttemptKey, PreviousRun


@dataclass(frozen=True, slots=True)
class OfferHeld:
    """An offer is ours until used, declined or rescinded."""

    offer: Offer
    at: datetime


@dataclass(frozen=True, slots=True)
class OffersGone:
    """Offers used, declined or rescinded."""

    offer_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InverseOfferHeld:
    """A question about an agent's maintenance is to be answered, unless it is rescinded."""

    offer: InverseOffer


@dataclass(frozen=True, slots=True)
class InverseOffersGone:
    """Such questions answered or rescinded."""

    offer_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConnectionChanged:
    """Connected or not; either way all offers are void and all doubts begin anew."""

    connected: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class AppetiteChanged:
    """Whether we asked for no offers of a role, and whether refusals of ours may keep fitting ones away."""

    role: str | None
    suppressed: bool
    refused: bool


@dataclass(frozen=True, slots=True)
class Revived:
    """Offers of a role were asked for: neither silence nor refusals of ours are in force."""

    role: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class TrustNoted:
    """Whether we may launch: see `model.events.TrustChanged`."""

    trusted: bool


@dataclass(frozen=True, slots=True)
class Doubted:
    """An attempt's task was said to be unknown, so many times on this connection, last at this moment."""

    task_id: str
    times: int
    at: datetime


@dataclass(frozen=True, slots=True)
class DoubtGone:
    """There is a task: what was said against it before does not count any more."""

    task_id: str


@dataclass(frozen=True, slots=True)
class CutOff:
    """An attempt's agent is cut off, it was said on this connection."""

    task_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An attempt's task was found on another agent than the one in its row until now."""

    task_id: str
    agent_id: str  #: where it is not


@dataclass(frozen=True, slots=True)
class OutputAwaited:
    """A task has finished, and its output is to be read before that counts."""

    task_id: str
    update: StatusReceived  #: that told of it, not acknowledged
    since: datetime
    tries: int = 0  #: how often it could not be read
    again: datetime | None = None  #: when to try again; None: it is being read


@dataclass(frozen=True, slots=True)
class Undemanding:
    """A retry has waited for another agent for long enough, and takes any."""

    key: AttemptKey


@dataclass(frozen=True, slots=True)
class Forsaken:
    """A task that may still run was given up by us."""

    task_id: str


@dataclass(frozen=True, slots=True)
class StraySeen:
    """A task that no live attempt stands for is alive. See `core.strays`."""

    task_id: str
    agent_id: str
    since: datetime
    condemned: bool = False  #: told to history, and killed until it is over


@dataclass(frozen=True, slots=True)
class StrayGone:
    """Such a task is over, or out of sight (`may_return`)."""

    task_id: str
    may_return: bool


@dataclass(frozen=True, slots=True)
class Swept:
    """All that lives was looked at."""

    at: datetime


@dataclass(frozen=True, slots=True)
class InquiryBegun:
    """All of these (id, agent id) are to be asked about; `survey`: and then for all that there is."""

    tasks: tuple[Asked, ...]
    survey: bool


@dataclass(frozen=True, slots=True)
class Wondered:
    """These (id, agent id) are to be asked about first."""

    tasks: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class BatchAsked:
    """These were asked about; the next may be from this moment on."""

    tasks: tuple[Asked, ...]
    free_at: datetime


@dataclass(frozen=True, slots=True)
class Heard:
    """There was a word about a task that was asked about."""

    task_id: str


@dataclass(frozen=True, slots=True)
class RoundBegun:
    """All that were not heard of are asked about again."""


@dataclass(frozen=True, slots=True)
class SilenceAccepted:
    """Who was not heard of by now is not asked about again for a while."""


@dataclass(frozen=True, slots=True)
class SurveyWanted:
    """Whether to ask for all that the outside knows."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class AlarmSet:
    """Wake the loop at this moment for this purpose (None: no more)."""

    name: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class VetoNoted:
    """The kind of reason for which a job run waits; told once, until it changes."""

    run_id: str
    job_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class PreviousNoted:
    """What a run that is over has come to, because an active one waits for it."""

    previous: PreviousRun


@dataclass(frozen=True, slots=True)
class RunAdopted:
    """An ended run is in memory again, because a command re-opens it."""

    recalled: RunRecalled


@dataclass(frozen=True, slots=True)
class BackfillAdopted:
    """A backfill that is over is in memory again, because a command speaks of it."""

    backfill: Backfill


Ephemeral = (
    OfferHeld
    | OffersGone
    | InverseOfferHeld
    | InverseOffersGone
    | ConnectionChanged
    | AppetiteChanged
    | Revived
    | TrustNoted
    | Doubted
    | DoubtGone
    | CutOff
    | Elsewhere
    | OutputAwaited
    | Undemanding
    | Forsaken
    | StraySeen
    | StrayGone
    | Swept
    | InquiryBegun
    | Wondered
    | BatchAsked
    | Heard
    | RoundBegun
    | SilenceAccepted
    | SurveyWanted
    | AlarmSet
    | VetoNoted
    | PreviousNoted
    | RunAdopted
    | BackfillAdopted
)
