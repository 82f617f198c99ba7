"""The offers we hold, and our appetite for more."""

from datetime import datetime

from moroccron.model.offer import Offer


class OfferBook:
    """Memory only: offers die with the connection."""

    def __init__(self) -> None:
        self.offers: dict[str, Offer] = {}
        self.held_since: dict[str, datetime] = {}
        self.connected = False
        self.trusted = True  #: nobody else can lead; while that is not sure, no offer is accepted
        self.suppressed = False  #: we asked for no offers
        self.refused = False  #: refusals of ours may be in force
        self.appetite_since: datetime | None = None  #: when suppressed or refused last changed

    def hold(self, offer: Offer, at: datetime) -> None:
        self.offers[offer.id] = offer
        self.held_since[offer.id] = at

    def forget(self, offer_ids: tuple[str, ...]) -> None:
        for offer_id in offer_ids:
            self.offers.pop(offer_id, None)
            self.held_since.pop(offer_id, None)

    def reset(self, connected: bool) -> None:
        """A connection came or went: nothing offered or asked before holds any more."""
        self.offers.clear()
        self.held_since.clear()
        self.connected = connected
        self.suppressed = False
        self.refused = False

    def of_agent(self, agent_id: str) -> tuple[str, ...]:
        """Ids of the offers of one agent, in the order they came."""
        return tuple(o.id for o in self.offers.values() if o.agent_id == agent_id)

    def by_agent(self) -> dict[str, list[Offer]]:
        found: dict[str, list[Offer]] = {}
        for offer in self.offers.values():
            found.setdefault(offer.agent_id, []).append(offer)
        return found
