"""What agents offer, and what we ask them to run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from moroccron.model.files import Containerizer, Uri, Volume
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey


@dataclass(frozen=True, slots=True)
class PortRange:
    """A closed range of ports, as Mesos writes them: 31000-31002 is three ports."""

    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Offer:
    """A right to use an agent's free resources once. Several offers may be of one agent and role."""

    id: str
    agent_id: str
    hostname: str
    resources: Resources  #: `resources.ports` is the number of ports in `port_ranges`
    port_ranges: tuple[PortRange, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    agent_url: str | None = None
    role: str | None = None  #: ours that it was made to; None: the cluster knows no roles
    unavailable_from: datetime | None = None  #: when the agent's next maintenance begins
    unavailable_until: datetime | None = None  #: when it is to be over; None: nobody knows


@dataclass(frozen=True, slots=True)
class InverseOffer:
    """An operator's question: will we have left an agent when its maintenance begins? The answer binds nobody."""

    id: str
    agent_id: str | None  #: None: all that we have anywhere
    unavailable_from: datetime


@dataclass(frozen=True, slots=True)
class Launch:
    """One task to be started with an accepted offer: all that the agent has to know."""

    task_id: str
    key: AttemptKey
    agent_id: str
    command: str | tuple[str, ...]
    resources: Resources
    ports: tuple[int, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    uris: tuple[Uri, ...] = ()
    image: str | None = None
    user: str | None = None
    #: seconds; enforced by the agent, so that it works without a scheduler
    timeout: float | None = None
    kill_grace: float = 5.0  #: seconds between TERM and KILL
    volumes: tuple[Volume, ...] = ()
    pull: bool = False  #: ask the registry for the image even when the agent has it
    containerizer: Containerizer | None = None  #: None: whoever makes them usually
    output: bool = False  #: whether it is told where to write what it hands on
