"""Mesos' lists of resources, and what is cut from them for tasks. Pure.

A task may only name resources as they were offered: same role, same reservation. So an offer's own entries are
kept, and a task's are cut out of them, the reserved ones first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moroccron.model.offer import PortRange
from moroccron.model.resources import Resources

Entry = dict[str, Any]  #: one resource, as Mesos writes it

#: a scalar's unit of ours in Mesos' own; three decimals are all that Mesos keeps
_THOUSANDTHS = {"cpus": 1, "mem": 1000, "disk": 1000, "gpus": 1000}
_SPECIAL = (
    "revocable",
    "shared",
)  #: may be taken away, or is somebody's volume: not for ordinary tasks


def usable(entry: Mapping[str, Any]) -> bool:
    """Whether an ordinary task may be given it."""
    disk = entry.get("disk", {})
    special = any(name in entry for name in _SPECIAL)
    return not special and "persistence" not in disk and "source" not in disk


def amounts(entries: Iterable[Mapping[str, Any]]) -> tuple[Resources, tuple[PortRange, ...]]:
    """What the usable entries are in all, and which ports."""
    totals = dict.fromkeys(_THOUSANDTHS, 0)
    ranges: list[PortRange] = []
    for entry in filter(usable, entries):
        name = entry["name"]
        if name == "ports":
            ranges += [PortRange(int(r["begin"]), int(r["end"])) for r in _parts(entry)]
        elif name in totals:
            totals[name] += _thousandths(entry)
    whole = {name: total // _THOUSANDTHS[name] for name, total in totals.items()}
    return Resources(**whole, ports=sum(len(part) for part in ranges)), tuple(ranges)


@dataclass(slots=True)
class _Scalar:
    entry: Mapping[str, Any]
    left: int  #: thousandths


@dataclass(slots=True)
class _Ports:
    entry: Mapping[str, Any]
    left: set[int]


class Pool:
    """Entries of one agent's offers under one role, from which tasks are cut."""

    def __init__(self, entries: Iterable[Mapping[str, Any]]) -> None:
        kept = sorted(filter(usable, entries), key=lambda entry: not entry.get("reservations"))
        self._scalars = [_Scalar(entry, _thousandths(entry)) for entry in kept if "scalar" in entry]
        self._ports = [_Ports(entry, _numbers(entry)) for entry in kept if entry["name"] == "ports"]

    def cut(self, wanted: Resources, ports: Sequence[int] = ()) -> list[Entry] | None:
        """Take this much out; None, and nothing is taken, when the pool lacks some of it."""
        asked = {name: getattr(wanted, name) * unit for name, unit in _THOUSANDTHS.items()}
        if not self._holds(asked, set(ports)):
            return None
        taken: list[Entry] = []
        for name, thousandths in asked.items():
            taken += self._cut_scalar(name, thousandths)
        return taken + self._cut_ports(set(ports))

    def _holds(self, asked: Mapping[str, int], ports: set[int]) -> bool:
        left = dict.fromkeys(asked, 0)
        for slot in self._scalars:
            if slot.entry["name"] in left:
                left[slot.entry["name"]] += slot.left
        enough = all(left[name] >= thousandths for name, thousandths in asked.items())
        return enough and ports <= set().union(*(slot.left for slot in self._ports))

    def _cut_scalar(self, name: str, missing: int) -> list[Entry]:
        taken = []
        for slot in self._scalars:
            part = min(slot.left, missing)
            if slot.entry["name"] == name and part > 0:
                slot.left -= part
                missing -= part
                taken.append(_with_value(slot.entry, part))
        return taken

    def _cut_ports(self, missing: set[int]) -> list[Entry]:
        taken = []
        for slot in self._ports:
            part = slot.left & missing
            if part:
                slot.left -= part
                missing = missing - part
                taken.append({**slot.entry, "ranges": {"range": _ranges(part)}})
        return taken


def _thousandths(entry: Mapping[str, Any]) -> int:
    return round(entry["scalar"]["value"] * 1000)


def _with_value(entry: Mapping[str, Any], thousandths: int) -> Entry:
    return {**entry, "scalar": {"value": thousandths / 1000}}


def _numbers(entry: Mapping[str, Any]) -> set[int]:
    return {
        port for part in _parts(entry) for port in range(int(part["begin"]), int(part["end"]) + 1)
    }


def _parts(entry: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The ranges of an entry: what is empty is left out of Mesos' JSON."""
    parts: Sequence[Mapping[str, Any]] = entry["ranges"].get("range", ())
    return parts


def _ranges(ports: Iterable[int]) -> list[dict[str, int]]:
    """The ports as closed ranges, neighbours joined."""
    ranges: list[dict[str, int]] = []
    for port in sorted(ports):
        if ranges and ranges[-1]["end"] == port - 1:
            ranges[-1]["end"] = port
        else:
            ranges.append({"begin": port, "end": port})
    return ranges
