"""The packer: which queued attempt goes to which agent. Pure, exact, and the same for any order of its input.

Priority is strict: a lower one gets what the higher ones leave. Within one priority jobs with group constraints
choose first, since they have the fewest places to go (`spreading`), then agents are filled one at a time
(`filling`). It leaves nothing unplaced that would fit somewhere. Roles share agents and never offers: a job goes
into rooms of its own role only, and only if it will be over before the agent's maintenance begins. It knows no
fairness, no waiting, and of time but the moment that it is given.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from types import MappingProxyType

from moroccron.core.avoiding import prefer_others
from moroccron.core.diagnosis import Diagnosis
from moroccron.core.filling import Filler
from moroccron.core.lots import Ledger, Lot, fits
from moroccron.core.quotas import Quotas
from moroccron.core.rooms import CPUS, GPUS, MEM, Amounts, PortCutter, Room, by_role, rooms_of
from moroccron.core.spreading import Spreader
from moroccron.model.offer import Offer
from moroccron.model.packing import Group, Member, Packing, Placement

NO_QUOTAS: Mapping[str, int] = MappingProxyType({})


def pack(
    groups: Sequence[Group],
    offers: Iterable[Offer],
    members: Mapping[str, Sequence[Member]],
    now: datetime,
    quotas: Mapping[str, int] = NO_QUOTAS,
) -> Packing:
    """Match queued attempts to offers.

    `members` are by run the attempts that are already placed, for the constraints that look at them; `quotas`
    are the slots left of what attempts may claim. Every attempt of every group is in exactly one of the answer's
    two parts.
    """
    lots = [Lot(group) for group in groups if len(group.attempts)]
    lots.sort(key=lambda lot: (-lot.priority, lot.attempts[0]))
    rooms = rooms_of(offers, now)
    limits = Quotas(quotas, lots)
    ledger = Ledger(limits)
    spreader = Spreader(members, ledger)
    if rooms:
        _place(lots, rooms, spreader, ledger)
    left = [lot for lot in lots if lot.taken < len(lot.attempts)]
    of_role = by_role(rooms)
    roles = dict.fromkeys(lot.role for lot in left)
    diagnoses = {role: Diagnosis(of_role.get(role, ()), spreader, ledger) for role in roles}
    return Packing(
        placements=tuple(_placements(rooms, ledger)),
        unplaced=tuple(diagnoses[lot.role].unplaced(lot, limits) for lot in left),
    )


def _place(lots: list[Lot], rooms: list[Room], spreader: Spreader, ledger: Ledger) -> None:
    """Place priority by priority. Agents with GPUs are kept for those who need them while others have room."""
    largest = _largest(rooms)
    with_gpus = [room for room in rooms if room.has_gpus]
    plain = [room for room in rooms if not room.has_gpus]
    for _, equals in groupby(lots, key=lambda lot: lot.priority):
        level = [lot for lot in equals if fits(lot.demand, largest)]
        for_gpus = [lot for lot in level if lot.demand[3]]
        others = [lot for lot in level if not lot.demand[3]]
        for some, where, kinds in (
            (for_gpus, with_gpus, (GPUS, CPUS)),
            (others, plain, (CPUS, MEM)),
            (others, with_gpus, (CPUS, MEM)),
        ):
            if some and where:
                spreader.spread([lot for lot in some if lot.grouped], where)
                ungrouped = [lot for lot in some if not lot.grouped]
                prefer_others(ungrouped, where, ledger)
                _fill(ungrouped, where, kinds, ledger)
        spreader.settle((plain, with_gpus))


def _fill(lots: list[Lot], rooms: list[Room], kinds: tuple[int, int], ledger: Ledger) -> None:
    """Each role's rooms with its own lots, and those that close with what will be over by then.

    Rooms for which the same lots are short enough are filled together: without maintenance, all of them.
    """
    for role, of_role in by_role(rooms).items():
        own = [lot for lot in lots if lot.role == role]
        durations = sorted({lot.lasts for lot in own})
        for number, alike in groupby(of_role, lambda room: bisect_right(durations, room.open_for)):  # noqa: B023
            if number:
                longest = durations[number - 1]
                short = [lot for lot in own if lot.left and lot.lasts <= longest]
                Filler(short, ledger, kinds).fill(list(alike))


def _largest(rooms: list[Room]) -> Amounts:
    """The most that one agent offers of each kind."""
    cpus, mem, disk, gpus, ports = (
        max(amounts) for amounts in zip(*(room.free for room in rooms), strict=True)
    )
    return (cpus, mem, disk, gpus, ports)


def _placements(rooms: list[Room], ledger: Ledger) -> Iterable[Placement]:
    """By agent, in the order of placing; each with ports of its own."""
    for room in rooms:
        ports = PortCutter(room.ports)
        for lot, first, number in ledger.takes.get(room, ()):
            for key in lot.attempts[first : first + number]:
                yield Placement(key, room.agent_id, ports.cut(lot.demand[4]), room.role)
