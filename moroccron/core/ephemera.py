"""Changes of what only memory holds: offers, wishes and doubts. Applied to the view, never stored.

A new leader begins without them; subscribing anew brings the offers, and time the rest.
"""

from dataclasses import dataclass
from datetime import datetime

from moroccron.model.events import RunRecalled
from moroccron.model.offer import Offer


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
class RunAdopted:
    """An ended run is in memory again, because a command re-opens it."""

    recalled: RunRecalled


Ephemeral = (
    OfferHeld
    | OffersGone
    | ConnectionChanged
    | AppetiteChanged
    | TrustNoted
    | Doubted
    | AlarmSet
    | VetoNoted
    | RunAdopted
)
