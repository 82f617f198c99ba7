"""Why an agent may not take a job: the constraint operators' rules, and reasons in plain words.

Operators and terms are Marathon's (mesosphere/marathon, "Constraints"), so that its users find what they know.
Knows values only: nothing of queues, rounds or rooms. Who asks in which order is the packer's matter.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from moroccron.core.graph import looks_around
from moroccron.model.constraint import AGENT, Constraint, Operator, expression_matches
from moroccron.model.packing import Member, Shape, Unplaced, Veto, VetoKind

HOSTNAMES = frozenset(
    {"hostname", "@hostname"}
)  #: the pseudo attribute; Marathon takes both spellings


class Place(Protocol):
    """What a constraint can see of an agent: an offer has it, and so has a room."""

    @property
    def agent_id(self) -> str: ...
    @property
    def hostname(self) -> str: ...
    @property
    def attributes(self) -> Mapping[str, str]: ...


def value_at(attribute: str, place: Place) -> str | None:
    """The agent's value of an attribute, or its hostname; None when it has no such attribute."""
    if attribute in HOSTNAMES:
        return place.hostname
    if attribute == AGENT:
        return place.agent_id
    return place.attributes.get(attribute)


def location_of(constraints: Iterable[Constraint], place: Place) -> tuple[tuple[str, str], ...]:
    """Where a place is, in the words of the constraints: each attribute with its value, sorted by name."""
    values = {c.attribute: value_at(c.attribute, place) for c in constraints}
    return tuple(sorted((name, value) for name, value in values.items() if value is not None))


# ---------------------------------------------------------------- conditions on the agent alone


def matches(constraint: Constraint, value: str | None) -> bool:
    """Whether an agent with this value of the attribute satisfies LIKE, UNLIKE, IS or CLUSTER with a value.

    Marathon: an agent that lacks the attribute is refused by every operator except UNLIKE, which accepts it.
    LIKE and UNLIKE match the value as a whole; IS and CLUSTER compare it as text.
    """
    if value is None:
        return constraint.operator is Operator.UNLIKE
    if constraint.operator in (Operator.IS, Operator.CLUSTER):
        return value == constraint.value
    # Definitions are validated; an expression that slipped through satisfies neither operator.
    wanted = constraint.operator is Operator.LIKE
    return expression_matches(constraint.value or "", value) is wanted


# ---------------------------------------------------------------- conditions on the whole group


class Tally:
    """How the members of one group are spread over the values of one constraint's attribute."""

    def __init__(self, constraint: Constraint, members: Iterable[Member] = ()) -> None:
        self.constraint = constraint
        self.live: dict[str, int] = {}  #: live members per value, none with zero
        self.homes: set[str] = set()  #: values of all members, ended ones too
        for member in members:
            value = member.location.get(constraint.attribute)
            if value is not None and constraint in member.constraints:
                self.homes.add(value)
                if member.live:
                    self.live[value] = self.live.get(value, 0) + 1

    def add(self, value: str) -> None:
        """A job of the group was placed on an agent with this value."""
        self.homes.add(value)
        self.live[value] = self.live.get(value, 0) + 1

    def admits(self, value: str) -> bool:
        """Whether one more job of the group may go to an agent with this value.

        Marathon: UNIQUE refuses a value in use; MAX_PER one in use n times; CLUSTER any value but that of the
        first. GROUP_BY takes a value not in use yet, and else, once n values are in use, the least used ones.
        """
        count = self.live.get(value, 0)
        match self.constraint.operator:
            case Operator.UNIQUE:
                return count == 0
            case Operator.MAX_PER:
                return count < _number(self.constraint.value)
            case Operator.CLUSTER:
                return self.homes <= {value}
            case _:
                return count == 0 or (
                    len(self.live) >= _number(self.constraint.value)
                    and count == min(self.live.values())
                )

    @property
    def may_loosen(self) -> bool:
        """Whether a value refused now may be admitted after others were placed: GROUP_BY alone."""
        return self.constraint.operator is Operator.GROUP_BY


def _number(text: str | None) -> int:
    """The operator's number; zero without a valid one: no minimum for GROUP_BY, no room for MAX_PER."""
    return int(text) if text is not None and text.isdecimal() else 0


# ---------------------------------------------------------------- reasons for people

_REFUSED = {
    Operator.UNIQUE: "every value on {agents} is taken by a job of this run",
    Operator.MAX_PER: "every value on {agents} has its fill of this run's jobs",
    Operator.GROUP_BY: "none of {agents} keeps this run's jobs evenly spread",
    Operator.CLUSTER: "none of {agents} is where this run's first job went",
}


def describe(unplaced: Unplaced) -> str:
    """Why attempts wait, in one plain sentence."""
    if unplaced.nearest is not None and unplaced.nearest.quota is not None:
        return f"{unplaced.nearest.quota}: too few slots left"
    if unplaced.agents == 0 or unplaced.nearest is None:
        return "no offer yet"
    if len(unplaced.vetoes) == 1:
        if unplaced.nearest.constraint is not None:
            return _constraint_refused(
                unplaced.nearest.constraint, unplaced.shape.constraints, unplaced.agents
            )
        if unplaced.nearest.begins is not None:
            return _too_long(unplaced.nearest.begins, unplaced.shape.lasts, unplaced.agents)
        return _resource_short(unplaced.nearest, unplaced.agents)
    reasons = ", ".join(
        _share(kind, unplaced.vetoes[kind]) for kind in VetoKind if kind in unplaced.vetoes
    )
    return f"no room on any of {_agents(unplaced.agents)}: {reasons}; {_miss(unplaced.nearest)}"


def hopeless(shape: Shape, roles: Sequence[str], gpus: bool) -> str | None:
    """Why no offer will ever fit, as the scheduler is set, and what to do about it; None: one may.

    `roles`: whose offers it takes; `gpus`: whether it takes those of agents with GPUs.
    """
    if shape.role is not None and shape.role not in roles:
        return (
            f"role {shape.role}: the scheduler takes offers of {', '.join(roles)} only; "
            f"add {shape.role} to its setting role, or name another in the job"
        )
    if shape.resources.gpus and not gpus:
        return (
            f"gpus: asks {shape.resources.gpus}, but the scheduler takes no offers of agents with GPUs; "
            "set its setting gpus to on"
        )
    return None


def _agents(number: int) -> str:
    return "1 agent" if number == 1 else f"{number} agents"


def _resource_short(veto: Veto, agents: int) -> str:
    asked, free = _amount(veto.kind, veto.asked), _amount(veto.kind, veto.free)
    where = "on the only agent" if agents == 1 else f"on any of {agents} agents"
    most = "" if agents == 1 else "at most "
    return f"{veto.kind}: asks {asked}, {most}{free} free {where}"


def _constraint_refused(worst: Constraint, all_of: Sequence[Constraint], agents: int) -> str:
    if worst.attribute == AGENT:
        where = "the only agent" if agents == 1 else f"each of {agents} agents"
        return f"retry: it ended badly on {where} before, and waits a moment for another"
    if len(all_of) > 1:
        return f"constraints: none of {_agents(agents)} satisfies all; most often it is {worst}"
    if looks_around(worst):
        return f"constraint {worst}: {_REFUSED[worst.operator].format(agents=_agents(agents))}"
    return f"constraint {worst}: none of {_agents(agents)} matches"


def _too_long(begins: datetime, lasts: float, agents: int) -> str:
    whole = f"maintenance: counted as lasting {_duration(lasts)}, too long for"
    if agents == 1:
        return f"{whole} the only agent, in maintenance from {_moment(begins)} on"
    return (
        f"{whole} any of {agents} agents, the last of them in maintenance from {_moment(begins)} on"
    )


def _share(kind: VetoKind, agents: int) -> str:
    if kind is VetoKind.CONSTRAINT:
        return f"{agents} {'fails' if agents == 1 else 'fail'} a constraint"
    if kind is VetoKind.MAINTENANCE:
        return f"{agents} {'goes' if agents == 1 else 'go'} into maintenance too soon"
    return f"{agents} {'lacks' if agents == 1 else 'lack'} {kind}"


def _miss(veto: Veto) -> str:
    if veto.constraint is not None and veto.constraint.attribute == AGENT:
        return "it ended badly there before, and waits a moment for another"
    if veto.constraint is not None:
        return f"most often it is {veto.constraint}"
    if veto.begins is not None:
        return f"the last of them from {_moment(veto.begins)} on"
    return f"nearest: asks {_amount(veto.kind, veto.asked)} of {veto.kind}, {_amount(veto.kind, veto.free)} free"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _duration(seconds: float) -> str:
    """As people say it: 1 h 30 min 5 s, with what is zero left out."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = ((hours, "h"), (minutes, "min"), (round(rest, 3), "s"))
    return " ".join(f"{number:g} {unit}" for number, unit in parts if number) or "0 s"


def _amount(kind: VetoKind, amount: int) -> str:
    """An amount as people write it: cpus with at most three decimals, memory and disk in MiB."""
    if kind is VetoKind.CPUS:
        whole, thousandths = divmod(amount, 1000)
        return f"{whole}.{thousandths:03d}".rstrip("0").rstrip(".")
    return f"{amount} MiB" if kind in (VetoKind.MEM, VetoKind.DISK) else str(amount)
