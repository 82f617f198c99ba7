"""What the packer is asked and what it answers: groups of like attempts, placements and typed vetoes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from moroccron.model.constraint import Constraint
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey


@dataclass(frozen=True, slots=True)
class Shape:
    """What makes attempts interchangeable to the packer.

    `scope` is the run's id when a constraint looks at the rest of its group, else None: two runs' jobs with
    plain constraints are one shape.
    """

    resources: Resources
    constraints: tuple[Constraint, ...] = ()
    scope: str | None = None
    role: str | None = None  #: whose offers it needs; None: the cluster knows no roles
    lasts: float = 0.0  #: seconds after which it must be over, or is taken to be
    avoid: tuple[str, ...] = ()  #: agents that it would rather not have
    claims: tuple[
        tuple[str, int], ...
    ] = ()  #: names of quotas, and how many slots it takes of each


@dataclass(frozen=True, slots=True)
class Group:
    """Queued attempts of one shape and priority, the longest waiting first."""

    shape: Shape
    priority: int
    attempts: Sequence[AttemptKey]


@dataclass(frozen=True, slots=True)
class Member:
    """An attempt already placed, as group constraints see it."""

    constraints: tuple[Constraint, ...]
    #: values of the attributes (and `hostname`) that its constraints speak of
    location: Mapping[str, str]
    live: bool  #: UNIQUE, MAX_PER and GROUP_BY count the live; CLUSTER counts all


@dataclass(frozen=True, slots=True)
class Placement:
    """An attempt matched to the offers of one agent and role, with the ports cut for it."""

    key: AttemptKey
    agent_id: str
    ports: tuple[int, ...] = ()
    role: str | None = None


class VetoKind(StrEnum):
    """Why an agent could not take an attempt."""

    CPUS = "cpus"
    MEM = "mem"
    DISK = "disk"
    GPUS = "gpus"
    PORTS = "ports"
    CONSTRAINT = "constraint"
    MAINTENANCE = "maintenance"
    QUOTA = "quota"  #: no agent's doing: too few slots are left of a quota


@dataclass(frozen=True, slots=True)
class Veto:
    """One reason against one agent. For a resource: how much was asked and how much was free.

    For maintenance: when it begins. For a quota: its name, with the slots that were asked for and left.
    """

    kind: VetoKind
    asked: int = 0
    free: int = 0
    constraint: Constraint | None = None
    begins: datetime | None = None
    quota: str | None = None


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A group's attempts that found no place in this round: how many agents said what, and the nearest miss."""

    shape: Shape
    attempts: tuple[AttemptKey, ...]
    agents: int  #: how many agents were asked; 0: there was no offer
    vetoes: Mapping[VetoKind, int]  #: agents by the first reason found against each
    nearest: Veto | None = None  #: of the agent that lacked least


@dataclass(frozen=True, slots=True)
class Packing:
    """The answer: every attempt of every group is in exactly one of the two."""

    placements: tuple[Placement, ...]
    unplaced: tuple[Unplaced, ...]
