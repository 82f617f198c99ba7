"""Pools by command: made, resized, removed. What is launched keeps its slots; what is queued is tried again."""

from moroccron.core.draft import Draft
from moroccron.core.refused import Refused
from moroccron.model.changes import PoolChanged, PoolRemoved
from moroccron.model.errors import DagInvalid
from moroccron.model.pool import MOST_SLOTS, Pool
from moroccron.model.validation import identifier, whole

_slots = whole(0, MOST_SLOTS)


def set_pool(draft: Draft, name: str, slots: int, by: str) -> str:
    """Make a pool or resize it. Raises `Refused`."""
    try:
        pool = Pool(identifier(name), _slots(slots))
    except DagInvalid as invalid:
        raise Refused(f"{invalid.message}; {invalid.remedy}") from invalid
    draft.change(PoolChanged(pool))
    draft.tell("pool", f"{name} has {slots} slots", message=f"set by {by}")
    return name


def remove_pool(draft: Draft, name: str, by: str) -> str:
    """Take a pool away. Raises `Refused` when there is none."""
    if name not in draft.view.pools:
        raise Refused(f"there is no pool {name}")
    draft.change(PoolRemoved(name))
    draft.tell("pool", f"{name} is removed", message=f"by {by}")
    return name
