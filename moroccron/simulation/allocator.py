"""Who is offered what: the master's side of offers, refusals and silence, for our one framework.

As Mesos does it: all that is free of an agent is one offer, made to one of our roles; a refusal hides an agent from
that role as long as it has no more to give than was refused; REVIVE forgets a role's refusals; what becomes free is
offered at the next allocation. Roles take turns, where Mesos weighs what each of them holds.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from moroccron.model.offer import Offer, PortRange
from moroccron.model.resources import Resources
from moroccron.simulation.agents import Reach, SimulatedAgent
from moroccron.simulation.clock import VirtualClock

LEAST_CPUS = 10  #: Mesos offers an agent that has this much of a cpu free,
LEAST_MEM = 32  #: or this much memory

_LONGEST_REFUSAL = 365 * 86_400.0


class Allocator:
    """Keeps the offers that are out, and refusals. `interval` is the time between two allocations.

    Without `roles` there is one, which has no name.
    """

    def __init__(
        self,
        agents: Iterable[SimulatedAgent],
        clock: VirtualClock,
        interval: float,
        roles: Sequence[str] = (),
    ) -> None:
        self.offers: dict[str, Offer] = {}
        self._roles: tuple[str | None, ...] = tuple(roles) or (None,)
        self._suppressed: set[str | None] = set()
        self._turns: Counter[str | None] = Counter()  #: offers that were made to each role
        self._agents = {agent.id: agent for agent in agents}
        self._clock = clock
        self._interval = interval
        #: by role and agent: what was refused, and until when
        self._refusals: dict[tuple[str | None, str], list[tuple[Resources, float]]] = {}
        self._made = 0

    def allocate(self) -> tuple[Offer, ...]:
        """Offer what is free, of agents by id, to the role that may have it and had least turns."""
        made = []
        for agent in self._agents.values():
            roles = sorted(self._roles, key=self._turns.__getitem__)
            taker = [r for r in roles if r not in self._suppressed and self._may(agent, r)][:1]
            made += [self._offer(agent, role) for role in taker]
        return tuple(made)

    def take(self, offer_ids: Iterable[str]) -> list[Offer]:
        """The offers of these ids that are still good; they are used up by that."""
        found = [self.offers.pop(offer_id, None) for offer_id in offer_ids]
        return [offer for offer in found if offer is not None]

    def release(
        self, offer: Offer, resources: Resources, ports: Iterable[PortRange], refuse_seconds: float
    ) -> None:
        """Take back what an offer left over, and do not offer it to its role for a while."""
        self._agents[offer.agent_id].give_back(resources, ports)
        if refuse_seconds > 0:
            lasts = max(self._interval, min(refuse_seconds, _LONGEST_REFUSAL))
            until = self._clock.monotonic() + lasts
            key = (offer.role, offer.agent_id)
            self._refusals.setdefault(key, []).append((resources, until))

    @property
    def silent(self) -> bool:
        """Whether nobody wants an offer."""
        return self._suppressed.issuperset(self._roles)

    @property
    def suppressed(self) -> frozenset[str]:
        """The names of the roles that want no offer."""
        return frozenset(role for role in self._suppressed if role is not None)

    def suppress(self, roles: Sequence[str] = ()) -> None:
        """No offers for these roles; none named: for all."""
        self._suppressed.update(roles or self._roles)

    def revive(self, roles: Sequence[str] = ()) -> None:
        """Offers for these roles again, their refusals forgotten; none named: for all."""
        for role in roles or self._roles:
            self._suppressed.discard(role)
            for key in [key for key in self._refusals if key[0] == role]:
                del self._refusals[key]

    def withdraw(self, agent_id: str | None = None) -> tuple[str, ...]:
        """Take back the offers of an agent, or all; their ids."""
        ids = tuple(o.id for o in self.offers.values() if agent_id in (None, o.agent_id))
        for offer in self.take(ids):
            self._agents[offer.agent_id].give_back(offer.resources, offer.port_ranges)
        return ids

    def reset(self, suppressed: Iterable[str] = ()) -> None:
        """The framework went or came anew: no offers, no refusals, and silence only for those that it names."""
        self.withdraw()
        self.revive()
        self._suppressed.update(suppressed)

    def _may(self, agent: SimulatedAgent, role: str | None) -> bool:
        free = agent.free
        if free.cpus < LEAST_CPUS and free.mem < LEAST_MEM:
            return False
        if agent.reach not in (Reach.REGISTERED, Reach.CUT):
            return False
        refusals = self._refusals.get((role, agent.id))
        if not refusals:
            return True
        now = self._clock.monotonic()
        valid = [refusal for refusal in refusals if refusal[1] > now]
        self._refusals[role, agent.id] = valid
        return not any(free.fits_in(refused) for refused, _ in valid)

    def _offer(self, agent: SimulatedAgent, role: str | None) -> Offer:
        self._made += 1
        self._turns[role] += 1
        offer = Offer(
            f"offer-{self._made}",
            agent.id,
            agent.hostname,
            agent.free,
            agent.free_ports,
            agent.attributes,
            role=role,
            unavailable_from=agent.unavailable_from,
        )
        agent.free = Resources()
        agent.free_ports = ()
        self.offers[offer.id] = offer
        return offer
