"""Where offers are made and answered: between the offer book, which counts, and the tasks, which run.

Messages in, messages out (`wire` describes them); knows nothing of connections.
"""

import time
from collections.abc import Callable, Iterable

from moroccron.adapters.local.identity import Identity
from moroccron.adapters.local.launches import refusal, requested
from moroccron.adapters.local.lines import Message
from moroccron.adapters.local.notation import Holding
from moroccron.adapters.local.offer_book import OfferBook, without
from moroccron.adapters.local.tasks import Tasks

_KINDS = ("cpus", "mem", "disk", "gpus", "ports")


class Desk:
    """The agent's side of the bargaining, for whichever scheduler is subscribed."""

    def __init__(
        self, identity: Identity, book: OfferBook, tasks: Tasks, tell: Callable[[Message], None]
    ) -> None:
        self._identity = identity
        self._book = book
        self._tasks = tasks
        self._tell = tell
        self._announced: list[Message] = []  #: launches that came ahead of their accept

    def begin(self) -> None:
        """Another scheduler: what the one before had begun to say counts for nothing."""
        self._announced = []

    def make_offer(self) -> None:
        """Offer what is free, if it is to be offered now."""
        made = self._book.next_offer(time.monotonic())
        if made is None:
            return
        offer_id, holding = made
        offer: Message = {
            "id": offer_id,
            "resources": dict(zip(_KINDS, holding.resources.as_tuple(), strict=True)),
            "port_ranges": [[part.first, part.last] for part in holding.ports],
        }
        self._tell({"type": "offers", "offers": [offer | self._identity.place]})

    def decline(self, message: Message) -> None:
        """Free again, and not offered for a while."""
        for offer_id in message["offer_ids"]:
            holding = self._book.take([offer_id])
            if holding is not None:
                self._book.refuse(holding, message["refuse_seconds"], time.monotonic())

    def announce(self, message: Message) -> None:
        """Launches of the accept that follows."""
        self._announced += message["launches"]

    def accept(self, message: Message) -> None:
        """Launch what the offers hold. The rest is free again, and refused for as long as it says."""
        launches, self._announced = [*self._announced, *message["launches"]], []
        seconds = float(message["refuse_seconds"])
        held = self._book.take(message["offer_ids"])
        if held is None:
            self._reject(message["offer_ids"], launches)
            return
        try:
            good, rest = self._grant(launches, held)
        except (KeyError, TypeError):
            self._book.give_back(held)  # a message that makes no sense must cost no resources
            raise
        self._book.refuse(rest, seconds, time.monotonic())
        self._tasks.launch(good)

    def _grant(
        self, launches: Iterable[Message], held: Holding
    ) -> tuple[list[tuple[Message, Holding]], Holding]:
        """The launches that may start, with what each gets, and what is left over."""
        good = []
        for launch in launches:
            wanted = requested(launch)
            rest = without(held, wanted)
            problem = refusal(launch, rest is not None, self._identity.agent_id)
            if problem is not None or rest is None:
                self._tasks.refuse(launch["task_id"], "error", *(problem or ("", "")))
                continue
            held = rest
            good.append((launch, wanted))
        return good, held

    def _reject(self, offer_ids: Iterable[str], launches: Iterable[Message]) -> None:
        """An offer is not outstanding any more: nothing is launched, the other offers are free again."""
        for offer_id in offer_ids:
            if (holding := self._book.take([offer_id])) is not None:
                self._book.give_back(holding)
        for launch in launches:
            text = "the offer is not outstanding any more"
            self._tasks.refuse(launch["task_id"], "dropped", "invalid_offers", text)
