"""Mesos' messages to the model's events. Pure; effects to calls are in `calls`.

Its parts: `offers`, `updates`, `tasks`, `resources`, `framework`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from moroccron.adapters.mesos import updates
from moroccron.adapters.mesos.offers import inverse_offer_of, offer_of
from moroccron.model.effects import Acknowledge, Decline, Effect
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
_REFUSE_UNREADABLE = 300.0  #: seconds

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Word:
    """What a message of the master says to the engine, and what is answered at once since nobody can read it."""

    event: Event | None = None  #: None: it says nothing to the engine
    answers: tuple[Effect, ...] = ()
    complaints: tuple[str, ...] = ()  #: for the log


def word_of(message: Mapping[str, Any], framework_id: str) -> Word:
    """A message of the master. One that makes no sense at all raises KeyError, TypeError or the like."""
    match message.get("type"):
        case "OFFERS":
            return _offers(message["offers"].get("offers", ()))
        case "UPDATE":
            return _update(message["update"]["status"], framework_id)
        case "RESCIND":
            return Word(OfferRescinded(message["rescind"]["offer_id"]["value"]))
        case "INVERSE_OFFERS":
            asked = message["inverse_offers"].get("inverse_offers", ())
            questions, bad = _readable(inverse_offer_of, asked)
            complaints = tuple(f"an inverse offer cannot be read: {text}" for _, text in bad)
            return Word(InverseOffersReceived(questions), complaints=complaints)
        case "RESCIND_INVERSE_OFFER":
            withdrawn = message["rescind_inverse_offer"]["inverse_offer_id"]["value"]
            return Word(InverseOfferRescinded(withdrawn))
        case "FAILURE" if "executor_id" not in message["failure"]:
            return Word(AgentLost(message["failure"]["agent_id"]["value"]))
        case _:
            return Word()


def _offers(messages: Iterable[Any]) -> Word:
    """One that cannot be read is given back, and spoils none of the others."""
    offers, bad = _readable(offer_of, messages)
    named = tuple(name for one, _ in bad if (name := _value(one, "id")) is not None)
    return Word(
        OffersReceived(offers),
        (Decline(named, _REFUSE_UNREADABLE),) if named else (),
        tuple(f"an offer cannot be read and is declined: {text}" for _, text in bad),
    )


def _update(status: Mapping[str, Any], framework_id: str) -> Word:
    """One that cannot be read is acknowledged all the same: it would hold back all that follow it."""
    try:
        update = updates.status_of(status, framework_id)
    except Exception as error:
        complaint = f"a status update cannot be read: {error!r} in {status!r:.2000}"
        task, agent = _value(status, "task_id"), _value(status, "agent_id")
        uuid = status.get("uuid")
        answers: tuple[Effect, ...] = ()
        if task is not None and agent is not None and isinstance(uuid, str):
            answers = (Acknowledge(task, agent, uuid),)
        return Word(answers=answers, complaints=(complaint,))
    if updates.is_overfull(status):
        text = f"{update.task_id} was launched on less than it needs: {update.message}"
        return Word(update, complaints=(text,))
    return Word(update)


def _readable(
    read: Callable[[Any], T], messages: Iterable[Any]
) -> tuple[tuple[T, ...], list[tuple[Any, str]]]:
    """Those that make sense as values, and the others with what is wrong with each."""
    good, bad = [], []
    for message in messages:
        try:
            good.append(read(message))
        except Exception as error:  # whatever it is, it is of this one message
            bad.append((message, f"{error!r} in {message!r:.2000}"))
    return tuple(good), bad


def _value(message: Any, name: str) -> str | None:
    """An id, if there is one in what could not be read."""
    try:
        found = message[name]["value"]
    except (KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


def end_of_error(message: str) -> DriverEnd | None:
    """Whether an ERROR of the master is final."""
    return next((end for text, end in _ENDS.items() if text in message), None)


def end_of_refusal(status: int, body: str) -> DriverEnd | None:
    """Whether the refusal of a call that went out under our newest stream id is final."""
    return DriverEnd.FOREIGN_STREAM if status == 400 and _FOREIGN_STREAM in body else None


def is_unknown_here(status: int, body: str) -> bool:
    """Whether the refusal of a call says that this master does not know us (yet), as after its restart.

    That says nothing of our end: who asks to be subscribed is told whether the framework was removed.
    """
    return status == 400 and _NO_FRAMEWORK in body


def dropped_launch(launch: Launch, message: str, at: datetime) -> StatusReceived:
    """The end of an attempt that was never sent, by no fault of its own."""
    return StatusReceived(
        task_id=launch.task_id,
        agent_id=launch.agent_id,
        state=ReportedState.DROPPED,
        at=at,
        reason="invalid_offers",
        message=message,
    )


def refused_launch(launch: Launch, message: str, at: datetime) -> StatusReceived:
    """The end of an attempt whose call the master would not even read: nothing of it was ever launched."""
    return StatusReceived(
        task_id=launch.task_id,
        agent_id=launch.agent_id,
        state=ReportedState.ERROR,
        at=at,
        reason="call_rejected",
        message=message,
    )
