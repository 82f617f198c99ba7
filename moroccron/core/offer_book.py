"""The offers we hold, and our appetite for more, by role."""

from dataclasses import dataclass
from datetime import datetime

from moroccron.model.offer import Offer

RoomKey = tuple[str, str | None]  #: an agent and a role: offers of both alike may be used together


@dataclass(frozen=True, slots=True)
class Appetite:
    """What the outside knows of our wish for offers of one role."""

    suppressed: bool = False  #: we asked for none
    refused: bool = False  #: refusals of ours may be in force
    revived: datetime | None = None  #: when offers were last asked for


_NOTHING_SAID = Appetite()


class OfferBook:
    """Memory only: offers die with the connection."""

    def __init__(self) -> None:
        self.offers: dict[str, Offer] = {}
        self.held_since: dict[str, datetime] = {}
        self.connected = False
        self.trusted = True  #: nobody else can lead; while that is not sure, no offer is accepted
        self._appetites: dict[str | None, Appetite] = {}

    def hold(self, offer: Offer, at: datetime) -> None:
        self.offers[offer.id] = offer
        self.held_since[offer.id] = at

    def forget(self, offer_ids: tuple[str, ...]) -> None:
        for offer_id in offer_ids:
            self.offers.pop(offer_id, None)
            self.held_since.pop(offer_id, None)

    def reset(self, connected: bool) -> None:
        """A connection came or went: nothing offered or asked before holds any more.

        What was still on its way may have reached the new connection, a wish for silence for one: so refusals
        may be in force there, and the roles with something queued ask for offers.
        """
        self.offers.clear()
        self.held_since.clear()
        self.connected = connected
        for role in self._appetites:
            self._appetites[role] = Appetite(refused=connected)

    def appetite(self, role: str | None) -> Appetite:
        return self._appetites.get(role, _NOTHING_SAID)

    def set_appetite(self, role: str | None, appetite: Appetite) -> None:
        self._appetites[role] = appetite

    def of_agent(self, agent_id: str) -> tuple[str, ...]:
        """Ids of the offers of one agent, in the order they came."""
        return tuple(o.id for o in self.offers.values() if o.agent_id == agent_id)

    def by_room(self) -> dict[RoomKey, list[Offer]]:
        """The offers by agent and role."""
        found: dict[RoomKey, list[Offer]] = {}
        for offer in self.offers.values():
            found.setdefault((offer.agent_id, offer.role), []).append(offer)
        return found
