"""What scheduler and agent say to each other, and its translation from and to the model's values. Pure.

JSON objects, one a line, over the agent's Unix socket. The scheduler subscribes first:

    {"type": "subscribe", "framework_id": text or null}
    {"type": "launches", "launches": [launch, ...]}    the first ones of the next accept, if they are many
    {"type": "accept", "offer_ids": [...], "refuse_seconds": s, "launches": [launch, ...]}
    {"type": "decline", "offer_ids": [...], "refuse_seconds": s}
    {"type": "kill", "task_id": id, "grace": s}
    {"type": "acknowledge", "task_id": id, "uuid": text}
    {"type": "reconcile", "tasks": [[task id, agent id], ...]}      none named: all that live
    {"type": "suppress"}   {"type": "revive"}    for whatever roles: the agent knows none

The agent answers with `subscribed`, then repeats the updates not yet acknowledged, then goes on:

    {"type": "subscribed", "framework_id": text, "agent_id": text}
    {"type": "offers", "offers": [offer, ...]}   {"type": "rescind", "offer_id": id}
    {"type": "update", "task_id": id, "agent_id": id, "state": state, "at": seconds since 1970, ...}
    {"type": "error", "message": text}           and closes the connection

Fields that are absent are null. States are those of `ReportedState`.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from moroccron.adapters.local.lines import encode as to_text
from moroccron.model.effects import (
    Accept,
    AcceptInverse,
    Acknowledge,
    Decline,
    DeclineInverse,
    Effect,
    Kill,
    ReadOutput,
    Reconcile,
    Revive,
    Suppress,
)
from moroccron.model.events import (
    Disconnected,
    Event,
    OfferRescinded,
    OffersReceived,
    StatusReceived,
    Subscribed,
)
from moroccron.model.offer import Launch, Offer, PortRange
from moroccron.model.resources import Resources
from moroccron.model.states import ReportedState

LONG = 1024 * 1024  #: characters of launches; a line with more of them is divided
#: what the agent is told of
_Effect = Accept | Decline | Kill | Acknowledge | Reconcile | Suppress | Revive
FAILED_OVER = "failed over"  #: the error that says: another scheduler has subscribed


def subscribe(framework_id: str | None) -> dict[str, Any]:
    """The first message of a connection."""
    return {"type": "subscribe", "framework_id": framework_id}


def encode(effect: _Effect) -> dict[str, Any]:
    """The message that asks for an effect."""
    match effect:
        case Accept(offer_ids, launches, seconds):
            return {
                "type": "accept",
                "offer_ids": offer_ids,
                "refuse_seconds": seconds,
                "launches": [_launch(launch) for launch in launches],
            }
        case Decline(offer_ids, seconds):
            return {"type": "decline", "offer_ids": offer_ids, "refuse_seconds": seconds}
        case Kill(task_id, _, grace):
            return {"type": "kill", "task_id": task_id, "grace": grace}
        case Acknowledge(task_id, _, uuid):
            return {"type": "acknowledge", "task_id": task_id, "uuid": uuid}
        case Reconcile(tasks):
            return {"type": "reconcile", "tasks": tasks}
        case Suppress():
            return {"type": "suppress"}
        case Revive():
            return {"type": "revive"}


def lines(effect: Effect) -> Iterator[str]:
    """The effect's message as text; an accept too long for one line in as many as it takes.

    The agent asks nobody to leave, so that an answer to that is for nobody; outputs are read past it.
    """
    if isinstance(effect, AcceptInverse | DeclineInverse | ReadOutput):
        return
    message = encode(effect)
    line = to_text(message)
    if len(line) <= LONG or message["type"] != "accept":
        yield line
        return
    part: list[dict[str, Any]] = []
    size = 0
    for launch in message["launches"]:
        part.append(launch)
        size += len(to_text(launch))
        if size > LONG:
            yield to_text({"type": "launches", "launches": part})
            part, size = [], 0
    yield to_text({**message, "launches": part})


def decode(message: Mapping[str, Any]) -> Event:
    """The event that a message tells of. A message that is none raises KeyError or ValueError."""
    match message["type"]:
        case "update":
            return _status(message)
        case "offers":
            return OffersReceived(tuple(_offer(offer) for offer in message["offers"]))
        case "rescind":
            return OfferRescinded(message["offer_id"])
        case "subscribed":
            return Subscribed(message["framework_id"])
        case "error":
            return Disconnected(message["message"])
        case other:
            raise ValueError(f"no such message: {other}")


def _launch(launch: Launch) -> dict[str, Any]:
    amounts = launch.resources
    message: dict[str, Any] = {
        "task_id": launch.task_id,
        "agent_id": launch.agent_id,
        "command": launch.command,
        "resources": {
            "cpus": amounts.cpus,
            "mem": amounts.mem,
            "disk": amounts.disk,
            "gpus": amounts.gpus,
        },
        "kill_grace": launch.kill_grace,
    }
    for name in ("ports", "env", "image", "user", "timeout", "output"):
        if value := getattr(launch, name):
            message[name] = value
    for name in ("uris", "volumes"):
        if items := getattr(launch, name):
            message[name] = [item.to_json() for item in items]
    return message


def _offer(offer: Mapping[str, Any]) -> Offer:
    return Offer(
        id=offer["id"],
        agent_id=offer["agent_id"],
        hostname=offer["hostname"],
        resources=Resources(**offer["resources"]),
        port_ranges=tuple(PortRange(first, last) for first, last in offer["port_ranges"]),
        attributes=offer["attributes"],
    )


def _status(message: Mapping[str, Any]) -> StatusReceived:
    return StatusReceived(
        task_id=message["task_id"],
        agent_id=message["agent_id"],
        state=ReportedState(message["state"]),
        at=datetime.fromtimestamp(message["at"], UTC),
        uuid=message.get("uuid"),
        exit_code=message.get("exit_code"),
        reason=message.get("reason"),
        message=message.get("message"),
        sandbox=message.get("sandbox"),
        reconciled=message.get("reconciled", False),
    )
