"""Another agent, please: attempts that have one to avoid choose before the others of their priority.

A wish and no more. What finds no place elsewhere takes its turn with all the others, on any agent.
"""

from collections.abc import Iterable, Sequence

from moroccron.core.lots import Ledger, Lot, fits
from moroccron.core.rooms import Amounts, Room


def prefer_others(lots: Iterable[Lot], rooms: Sequence[Room], ledger: Ledger) -> None:
    """Place what has agents to avoid on others, as far as those have room.

    Rooms only shrink meanwhile: where a demand did not fit once it never will, so that lots of one demand go
    through the rooms once between them.
    """
    begin: dict[tuple[str | None, Amounts], int] = {}
    for lot in lots:
        if not lot.avoid:
            continue
        key = (lot.role, lot.demand)
        first = begin.get(key, 0)
        while first < len(rooms) and not _has_room(lot, rooms[first]):
            first += 1
        begin[key] = first
        for room in rooms[first:]:
            if not lot.left:
                break
            if room.agent_id in lot.avoid or not _may_go(lot, room, ledger):
                continue
            while lot.left and fits(lot.demand, room.free):
                ledger.take(room, lot, 1)


def _has_room(lot: Lot, room: Room) -> bool:
    return room.role == lot.role and fits(lot.demand, room.free)


def _may_go(lot: Lot, room: Room, ledger: Ledger) -> bool:
    return (
        _has_room(lot, room)
        and lot.lasts <= room.open_for
        and ledger.refusal(lot.alone, room) is None
    )
