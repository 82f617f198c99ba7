"""Mesos' messages to the model's events. Pure; effects to calls are in `calls`.

Its parts: `offers`, `updates`, `tasks`, `resources`, `framework`.
"""

from collections.abc import Mapping
from typing import Any

from moroccron.adapters.mesos.offers import inverse_offer_of, offer_of
from moroccron.adapters.mesos.updates import status_of
from moroccron.model.events import (
    AgentLost,
    Event,
    InverseOfferRescinded,
    InverseOffersReceived,
    OfferRescinded,
    OffersReceived,
    StatusReceived,
)
from moroccron.model.offer import Launch
from moroccron.model.states import ReportedState
from moroccron.ports import DriverEnd

_ENDS = {
    "Framework failed over": DriverEnd.FAILED_OVER,
    "Framework has been removed": DriverEnd.REMOVED,
}
_FOREIGN_STREAM = "didn't match the stream ID"
_NO_FRAMEWORK = "Framework cannot be found"


def event_of(message: Mapping[str, Any], framework_id: str) -> Event | None:
    """What a message of the master says to the engine; None when it says nothing to it.

    A message that makes no sense raises KeyError, TypeError or ValueError.
    """
    match message.get("type"):
        case "OFFERS":
            return OffersReceived(tuple(offer_of(o) for o in message["offers"].get("offers", ())))
        case "UPDATE":
            return status_of(message["update"]["status"], framework_id)
        case "RESCIND":
            return OfferRescinded(message["rescind"]["offer_id"]["value"])
        case "INVERSE_OFFERS":
            asked = message["inverse_offers"].get("inverse_offers", ())
            return InverseOffersReceived(tuple(inverse_offer_of(one) for one in asked))
        case "RESCIND_INVERSE_OFFER":
            return InverseOfferRescinded(
                message["rescind_inverse_offer"]["inverse_offer_id"]["value"]
            )
        case "FAILURE" if "executor_id" not in message["failure"]:
            return AgentLost(message["failure"]["agent_id"]["value"])
        case _:
            return None


def end_of_error(message: str) -> DriverEnd | None:
    """Whether an ERROR of the master is final."""
    return next((end for text, end in _ENDS.items() if text in message), None)


def end_of_refusal(status: int, body: str) -> DriverEnd | None:
    """Whether the refusal of a call that went out under our newest stream id is final."""
    if status != 400:
        return None
    if _FOREIGN_STREAM in body:
        return DriverEnd.FOREIGN_STREAM
    return DriverEnd.REMOVED if _NO_FRAMEWORK in body else None


def refused_launch(launch: Launch, message: str, at: Any) -> StatusReceived:
    """The end of an attempt whose call the master would not even read: nothing of it was ever launched."""
    return StatusReceived(
        task_id=launch.task_id,
        agent_id=launch.agent_id,
        state=ReportedState.ERROR,
        at=at,
        reason="call_rejected",
        message=message,
    )
