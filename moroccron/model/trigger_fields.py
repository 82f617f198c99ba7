"""What an author may write into a DAG's `triggers`."""

from moroccron.model.trigger import After, Ending, Trigger
from moroccron.model.validation import identifier, items, kind_of, refuse, suggestion


def triggers(value: object) -> tuple[Trigger, ...]:
    """A DAG's triggers, each checked; a single one may stand alone."""
    if isinstance(value, Trigger):
        value = (value,)
    return tuple(dict.fromkeys(_trigger(item) for item in items(value, "triggers")))


def _trigger(value: object) -> Trigger:
    if not isinstance(value, After):
        raise refuse(f"{kind_of(value)} is no trigger", 'write After("dag") or After("dag", "job")')
    known = [ending.value for ending in Ending]
    if value.on not in known:
        message = f"on={value.on!r} is none of {', '.join(known)}"
        raise refuse(message, suggestion(str(value.on), known, "use one of these"))
    job = None if value.job is None else identifier(value.job)
    return After(identifier(value.dag), job, str(value.on))
