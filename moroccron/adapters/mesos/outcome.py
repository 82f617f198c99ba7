"""What became of a call, as values. A call is never repeated because of one: reconciliation tells the rest."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sent:
    """The master has taken it; what it leads to comes as events."""


@dataclass(frozen=True, slots=True)
class NotConnected:
    """It never left: there is no subscription, or not any more the one it was meant for."""

    why: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The master has refused it, and nothing of it was done."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The connection broke, or the master was silent, after it had left: it may or may not have been taken."""

    why: str


Outcome = Sent | NotConnected | Rejected | Unknown
SENT = Sent()
