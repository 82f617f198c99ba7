"""Who is offered what: the master's side of offers, refusals and silence, for our one framework.

As Mesos does it: all that is free of an agent is one offer; a refusal hides an agent as long as it has no more to
give than was refused; REVIVE forgets refusals; what becomes free is offered at the next allocation.
"""

from collections.abc import Iterable

from moroccron.model.offer import Offer, PortRange
from moroccron.model.resources import Resources
from moroccron.simulation.agents import Reach, SimulatedAgent
from moroccron.simulation.clock import VirtualClock

LEAST_CPUS = 10  #: Mesos offers an agent that has this much of a cpu free,
LEAST_MEM = 32  #: or this much memory

_LONGEST_REFUSAL = 365 * 86_400.0


class Allocator:
    """Keeps the offers that are out, and refusals. `interval` is the time between two allocations."""

    def __init__(
        self, agents: Iterable[SimulatedAgent], clock: VirtualClock, interval: float
    ) -> None:
        self.offers: dict[str, Offer] = {}
        self.suppressed = False
        self._agents = {agent.id: agent for agent in agents}
        self._clock = clock
        self._interval = interval
        self._refusals: dict[str, list[tuple[Resources, float]]] = {}
        self._made = 0

    def allocate(self) -> tuple[Offer, ...]:
        """Offer what is free, of agents by id."""
        if self.suppressed:
            return ()
        return tuple(self._offer(agent) for agent in self._agents.values() if self._may(agent))

    def take(self, offer_ids: Iterable[str]) -> list[Offer]:
        """The offers of these ids that are still good; they are used up by that."""
        found = [self.offers.pop(offer_id, None) for offer_id in offer_ids]
        return [offer for offer in found if offer is not None]

    def release(
        self, agent_id: str, resources: Resources, ports: Iterable[PortRange], refuse_seconds: float
    ) -> None:
        """Take back what an offer left over, and do not offer it for a while."""
        agent = self._agents[agent_id]
        agent.give_back(resources, ports)
        if refuse_seconds > 0:
            lasts = max(self._interval, min(refuse_seconds, _LONGEST_REFUSAL))
            until = self._clock.monotonic() + lasts
            self._refusals.setdefault(agent_id, []).append((resources, until))

    def revive(self) -> None:
        self.suppressed = False
        self._refusals.clear()

    def withdraw(self, agent_id: str | None = None) -> tuple[str, ...]:
        """Take back the offers of an agent, or all; their ids."""
        ids = tuple(o.id for o in self.offers.values() if agent_id in (None, o.agent_id))
        for offer in self.take(ids):
            self._agents[offer.agent_id].give_back(offer.resources, offer.port_ranges)
        return ids

    def reset(self) -> None:
        """The framework went or came anew: no offers, no refusals, no silence."""
        self.withdraw()
        self.revive()

    def _may(self, agent: SimulatedAgent) -> bool:
        free = agent.free
        if free.cpus < LEAST_CPUS and free.mem < LEAST_MEM:
            return False
        if agent.reach not in (Reach.REGISTERED, Reach.CUT):
            return False
        refusals = self._refusals.get(agent.id)
        if not refusals:
            return True
        now = self._clock.monotonic()
        valid = [refusal for refusal in refusals if refusal[1] > now]
        self._refusals[agent.id] = valid
        return not any(free.fits_in(refused) for refused, _ in valid)

    def _offer(self, agent: SimulatedAgent) -> Offer:
        self._made += 1
        offer = Offer(
            f"offer-{self._made}",
            agent.id,
            agent.hostname,
            agent.free,
            agent.free_ports,
            agent.attributes,
        )
        agent.free = Resources()
        agent.free_ports = ()
        self.offers[offer.id] = offer
        return offer
