"""Calls: from effects to the bodies that a master takes. Pure, but that a declined offer leaves the book.

A body names everything but the framework's id and the stream, which the sender adds.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from moroccron.adapters.mesos.offers import OfferBook
from moroccron.adapters.mesos.tasks import nanoseconds
from moroccron.model.effects import (
    AcceptInverse,
    Acknowledge,
    Decline,
    DeclineInverse,
    Effect,
    Kill,
    Reconcile,
    Revive,
    Suppress,
)

Body = dict[str, Any]

#: tasks in one RECONCILE: the master answers each with a message, all at once
RECONCILE_BATCH = 500


def encode(body: Body) -> bytes:
    """The bytes that go over the wire."""
    return json.dumps(body, separators=(",", ":")).encode()


def subscribe(info: Body, suppressed: Sequence[str]) -> Body:
    """The first call of a connection. The id stands in two places, and must be the same in both."""
    body: Body = {"type": "SUBSCRIBE", "subscribe": {"framework_info": info}}
    if suppressed:
        body["subscribe"]["suppressed_roles"] = list(suppressed)
    if "id" in info:
        body["framework_id"] = info["id"]
    return body


def update_framework(info: Body, suppressed: Sequence[str]) -> Body:
    """All of it anew: what is left out is taken back."""
    update: Body = {"framework_info": info, "suppressed_roles": list(suppressed)}
    return {"type": "UPDATE_FRAMEWORK", "update_framework": update}


def bodies(effect: Effect, book: OfferBook, roles: Sequence[str]) -> Iterator[Body]:
    """The calls that an effect takes, in order. `roles` are all of ours, for effects that name none.

    An Accept takes more than a body: see `accepting`.
    """
    match effect:
        case Decline(offer_ids, seconds):
            book.take(offer_ids)
            yield decline(offer_ids, seconds)
        case AcceptInverse(offer_ids, seconds):
            yield _inverse("accept_inverse_offers", offer_ids, seconds)
        case DeclineInverse(offer_ids, seconds):
            yield _inverse("decline_inverse_offers", offer_ids, seconds)
        case Kill(task_id, agent_id, grace):
            kill = _task(task_id, agent_id)
            kill["kill_policy"] = {"grace_period": nanoseconds(grace)}
            yield {"type": "KILL", "kill": kill}
        case Acknowledge(task_id, agent_id, uuid):
            acknowledge = _task(task_id, agent_id) | {"uuid": uuid}
            yield {"type": "ACKNOWLEDGE", "acknowledge": acknowledge}
        case Reconcile(tasks):
            yield from _reconciles(tasks)
        case Suppress(named):
            yield {"type": "SUPPRESS", "suppress": {"roles": list(named or roles)}}
        case Revive(named):
            yield {"type": "REVIVE", "revive": {"roles": list(named or roles)}}


def accept(offer_ids: Sequence[str], tasks: Sequence[Body], seconds: float) -> Body:
    """Use offers of one agent and role; without a task they are only given back."""
    operations = [{"type": "LAUNCH", "launch": {"task_infos": list(tasks)}}] if tasks else []
    used: Body = {
        "offer_ids": _values(offer_ids),
        "operations": operations,
        "filters": {"refuse_seconds": seconds},
    }
    return {"type": "ACCEPT", "accept": used}


def decline(offer_ids: Sequence[str], seconds: float) -> Body:
    """Give offers back."""
    given = {"offer_ids": _values(offer_ids), "filters": {"refuse_seconds": seconds}}
    return {"type": "DECLINE", "decline": given}


def _inverse(name: str, offer_ids: Sequence[str], seconds: float) -> Body:
    """Also what was accepted is asked again: the filter is for both."""
    answer = {"inverse_offer_ids": _values(offer_ids), "filters": {"refuse_seconds": seconds}}
    return {"type": name.upper(), name: answer}


def _reconciles(tasks: Sequence[tuple[str, str]]) -> Iterator[Body]:
    """Explicit in batches; none named asks for all, which is one call."""
    for at in range(0, len(tasks) or 1, RECONCILE_BATCH):
        named = [_task(task_id, agent_id) for task_id, agent_id in tasks[at : at + RECONCILE_BATCH]]
        yield {"type": "RECONCILE", "reconcile": {"tasks": named}}


def _task(task_id: str, agent_id: str) -> Body:
    """Always with the agent: without it the answer about one that is cut off is UNKNOWN."""
    return {"task_id": {"value": task_id}, "agent_id": {"value": agent_id}}


def _values(ids: Sequence[str]) -> list[dict[str, str]]:
    return [{"value": one} for one in ids]
