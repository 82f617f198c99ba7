"""Effects: acts on the outside, in the imperative. Performed only after the commit they belong to."""

from dataclasses import dataclass

from moroccron.model.offer import Launch
from moroccron.model.run import Attempt


@dataclass(frozen=True, slots=True)
class Accept:
    """Use offers of one agent and role; what the launches leave over comes back to the agent's owner.

    `refuse_seconds` is how long the rest need not be offered to us again.
    """

    offer_ids: tuple[str, ...]
    launches: tuple[Launch, ...]
    refuse_seconds: float


@dataclass(frozen=True, slots=True)
class Decline:
    """Give offers back, not to be made again for `refuse_seconds` unless the agent has more to give."""

    offer_ids: tuple[str, ...]
    refuse_seconds: float


@dataclass(frozen=True, slots=True)
class AcceptInverse:
    """Say that nothing of ours will be left on the agents when their maintenance begins.

    `refuse_seconds` is how long we need not be asked again.
    """

    offer_ids: tuple[str, ...]
    refuse_seconds: float


@dataclass(frozen=True, slots=True)
class DeclineInverse:
    """Say that something of ours may be left there. Nothing follows but that people know."""

    offer_ids: tuple[str, ...]
    refuse_seconds: float


@dataclass(frozen=True, slots=True)
class Kill:
    """End a task: TERM to its processes, KILL after the grace. Repeated until it is terminal."""

    task_id: str
    agent_id: str
    grace: float  #: seconds


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Tell the agent that an update is stored and need not be repeated."""

    task_id: str
    agent_id: str
    uuid: str


@dataclass(frozen=True, slots=True)
class Reconcile:
    """Ask for the state of tasks (id, agent id); an empty tuple asks for all that the outside knows."""

    tasks: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Suppress:
    """We have nothing to run for these roles: send no offers of them. None named: of none at all."""

    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Revive:
    """We have something to run for these roles (none named: all): send offers again, refusals forgotten."""

    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadOutput:
    """Read what an attempt that has finished wrote for others. The answer is an `OutputRead`."""

    attempt: Attempt


Effect = (
    Accept
    | Decline
    | AcceptInverse
    | DeclineInverse
    | Kill
    | Acknowledge
    | Reconcile
    | Suppress
    | Revive
    | ReadOutput
)
