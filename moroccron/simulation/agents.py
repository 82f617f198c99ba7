"""Simulated agents: what each has, what of it is free, and how the master can reach it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto

from moroccron.model.offer import PortRange
from moroccron.model.resources import Resources


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """What a simulated agent is made of."""

    id: str
    resources: Resources  #: the count of ports is that of the ranges, whatever is given here
    port_ranges: tuple[PortRange, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    hostname: str | None = None  #: None: made of the id


class Reach(Enum):
    """How an agent stands with the master."""

    REGISTERED = auto()
    CUT = auto()  #: cut off, and the master has not noticed yet
    UNREACHABLE = auto()  #: the master has given it up; it may come back
    GONE = auto()  #: an operator has vouched that it will not


class SimulatedAgent:
    """An agent as the master accounts for it. `free` is neither offered nor used."""

    __slots__ = (
        "alive",
        "attributes",
        "cuts",
        "free",
        "free_ports",
        "hostname",
        "id",
        "reach",
        "unavailable_from",
    )

    def __init__(self, spec: AgentSpec) -> None:
        self.id = spec.id
        self.hostname = spec.hostname or f"{spec.id}.simulated"
        self.attributes = dict(spec.attributes)
        self.free_ports = joined(spec.port_ranges)
        whole = spec.resources
        ports = sum(len(part) for part in self.free_ports)
        self.free = Resources(whole.cpus, whole.mem, whole.disk, whole.gpus, ports)
        self.reach = Reach.REGISTERED
        self.alive = True  #: False: the machine is lost, with all that ran on it
        self.unavailable_from: datetime | None = None  #: when its maintenance begins
        self.cuts = 0  #: how often it was cut off, to tell one time from the next

    def give_back(self, resources: Resources, ports: Iterable[PortRange]) -> None:
        """Resources are free again."""
        self.free = self.free + resources
        if resources.ports:
            self.free_ports = joined((*self.free_ports, *ports))


def joined(ranges: Iterable[PortRange]) -> tuple[PortRange, ...]:
    """The same ports in ascending ranges, as few as there can be. The ranges given do not overlap."""
    found: list[PortRange] = []
    for part in sorted(ranges, key=lambda each: each.first):
        if found and part.first == found[-1].last + 1:
            found[-1] = PortRange(found[-1].first, part.last)
        else:
            found.append(part)
    return tuple(found)


def without(ranges: tuple[PortRange, ...], port: int) -> tuple[PortRange, ...] | None:
    """The ranges with a port cut out; None when it is not among them."""
    for index, part in enumerate(ranges):
        if part.first <= port <= part.last:
            below = (PortRange(part.first, port - 1),) if part.first < port else ()
            above = (PortRange(port + 1, part.last),) if port < part.last else ()
            return (*ranges[:index], *below, *above, *ranges[index + 1 :])
    return None
