"""Owners' shares by command: given, changed, taken away. What runs, runs on; what is queued is weighed anew."""

from moroccron.core.draft import Draft
from moroccron.core.refused import Refused
from moroccron.model.changes import ShareChanged, ShareRemoved
from moroccron.model.command import SetShare
from moroccron.model.errors import DagInvalid
from moroccron.model.share import MOST, MOST_WEIGHT, Share, told
from moroccron.model.validation import names, optional, whole

_weight = whole(1, MOST_WEIGHT)
_cap = optional(whole(0, MOST))


def set_share(draft: Draft, wish: SetShare, by: str) -> str:
    """Give an owner a share, or another one. Raises `Refused`."""
    try:
        (owner,) = names([wish.owner])
        share = Share(owner, _weight(wish.weight), _cap(wish.cpus), _cap(wish.mem), _cap(wish.jobs))
    except DagInvalid as invalid:
        raise Refused(f"{invalid.message}; {invalid.remedy}") from invalid
    draft.change(ShareChanged(share))
    draft.tell("share", f"{owner} has {told(share)}", message=f"set by {by}")
    return owner


def remove_share(draft: Draft, owner: str, by: str) -> str:
    """Take an owner's share away. Raises `Refused` when there is none."""
    if owner not in draft.view.shares:
        raise Refused(f"{owner} has no share of their own")
    draft.change(ShareRemoved(owner))
    draft.tell("share", f"{owner} has none of their own", message=f"removed by {by}")
    return owner
