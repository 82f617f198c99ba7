"""Offers: from Mesos' message to the model's value, and the book of those that may still be used."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from moroccron.adapters.mesos.resources import Entry, amounts
from moroccron.model.offer import InverseOffer, Offer


def offer_of(message: Mapping[str, Any]) -> Offer:
    """One offer of an OFFERS event."""
    resources, ports = amounts(message.get("resources", ()))
    begins, ends = _window(message.get("unavailability"))
    return Offer(
        id=message["id"]["value"],
        agent_id=message["agent_id"]["value"],
        hostname=message["hostname"],
        resources=resources,
        port_ranges=ports,
        attributes=attributes(message),
        agent_url=url_of(message["url"]) if "url" in message else None,
        role=message.get("allocation_info", {}).get("role"),
        unavailable_from=begins,
        unavailable_until=ends,
    )


def inverse_offer_of(message: Mapping[str, Any]) -> InverseOffer:
    """One offer of an INVERSE_OFFERS event. Without a start the agent is to be left at once."""
    begins, _ = _window(message.get("unavailability"))
    return InverseOffer(
        id=message["id"]["value"],
        agent_id=message.get("agent_id", {}).get("value"),
        unavailable_from=begins or datetime.fromtimestamp(0, UTC),
    )


def attributes(message: Mapping[str, Any]) -> dict[str, str]:
    """The agent's attributes as text, and its region and zone; of two with one name the first counts."""
    found: dict[str, str] = {}
    for attribute in message.get("attributes", ()):
        found.setdefault(attribute["name"], _text(attribute))
    domain = message.get("domain", {}).get("fault_domain", {})
    for kind in ("region", "zone"):
        if kind in domain:
            found.setdefault(f"@{kind}", domain[kind]["name"])
    return found


def url_of(url: Mapping[str, Any]) -> str:
    """Where the agent's API answers. Its path is part of it: one process may hold several agents.

    With TLS by its name, for which certificates are made out; else by its address, which need not be resolved.
    """
    address, scheme = url["address"], url.get("scheme", "http")
    name, ip = address.get("hostname"), address.get("ip")
    host = (name or ip) if scheme == "https" else (ip or name)
    if ":" in host:
        host = f"[{host}]"
    return f"{scheme}://{host}:{address['port']}{url.get('path', '')}"


def _text(attribute: Mapping[str, Any]) -> str:
    match attribute["type"]:
        case "SCALAR":
            return f"{attribute['scalar']['value']:.3f}".rstrip("0").rstrip(".")
        case "RANGES":
            # What is empty is left out of Mesos' JSON.
            ranges = attribute["ranges"].get("range", ())
            return "[" + ",".join(f"{r['begin']}-{r['end']}" for r in ranges) + "]"
        case "SET":
            return "{" + ",".join(attribute["set"].get("item", ())) + "}"
        case _:
            return str(attribute["text"]["value"])


_LATEST = datetime.max.replace(tzinfo=UTC)


def _window(unavailability: Mapping[str, Any] | None) -> tuple[datetime | None, datetime | None]:
    """When maintenance begins and when it is to be over; without a duration nobody knows the latter."""
    if unavailability is None:
        return None, None
    start = unavailability["start"]["nanoseconds"]
    duration = unavailability.get("duration", {}).get("nanoseconds")
    return _moment(start), None if duration is None else _moment(start + duration)


def _moment(nanoseconds: int) -> datetime:
    """What lies beyond the calendar never comes."""
    try:
        return datetime.fromtimestamp(nanoseconds / 1e9, UTC)
    except (OverflowError, ValueError):
        return _LATEST


class OfferBook:
    """The resources of offers that may still be used, as they were offered, by the offer's id."""

    def __init__(self) -> None:
        self._held: dict[str, Mapping[str, Any]] = {}

    def add(self, messages: Iterable[Mapping[str, Any]]) -> None:
        """Keep them. One that cannot even be named can never be used."""
        for message in messages:
            with suppress(KeyError, TypeError):
                self._held[message["id"]["value"]] = message

    def take(self, offer_ids: Iterable[str]) -> "list[Taken]":
        """Remove offers. One call may only name offers of one role, so they come by role.

        What is not in the book (any more) is left out: one such id would spoil the whole call.
        """
        by_role: dict[str | None, Taken] = {}
        for offer_id in offer_ids:
            message = self._held.pop(offer_id, None)
            if message is None:
                continue
            role = message.get("allocation_info", {}).get("role")
            taken = by_role.setdefault(role, Taken(role))
            taken.offer_ids.append(offer_id)
            taken.entries.extend(message.get("resources", ()))
        return list(by_role.values())

    def clear(self) -> None:
        self._held.clear()

    def __len__(self) -> int:
        return len(self._held)


class Taken:
    """Offers of one role that are about to be used together."""

    def __init__(self, role: str | None) -> None:
        self.role = role
        self.offer_ids: list[str] = []
        self.entries: list[Entry] = []
