"""Resources and attributes as Mesos' agents write them: `cpus:8;mem:4096;ports:[31000-31100]`, `rack:a;zone:z1`.

Owns that text and what this machine has when nothing is said. Knows nothing of offers.
"""

import itertools
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from moroccron.model.errors import MoroccronError
from moroccron.model.offer import PortRange
from moroccron.model.resources import Resources

DEFAULT_PORTS = (PortRange(31000, 32000),)
_MIB = 1024 * 1024
_RESERVE = 1024  #: MiB of memory left to the machine itself, as Mesos does
_KINDS = ("cpus", "mem", "disk", "gpus", "ports")
_RANGE = re.compile(r"\s*(\d+)\s*-\s*(\d+)\s*")


class BadNotation(MoroccronError):
    """Text that does not say resources or attributes. The message names the part and the remedy."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Resources with their ports named. `resources.ports` is always the number of ports in `ports`."""

    resources: Resources
    ports: tuple[PortRange, ...] = ()


def parse_resources(text: str, default: Holding) -> Holding:
    """What the text says, and the default for every kind that it does not name."""
    said = _pairs(text, "cpus:8;mem:4096")
    unknown = set(said) - set(_KINDS)
    if unknown:
        raise BadNotation(
            f"no such resource: {', '.join(sorted(unknown))}; use {', '.join(_KINDS)}"
        )
    ports = _parse_ports(said["ports"]) if "ports" in said else default.ports
    base = default.resources
    return Holding(
        Resources(
            cpus=_number("cpus", said["cpus"], 1000) if "cpus" in said else base.cpus,
            mem=_number("mem", said["mem"]) if "mem" in said else base.mem,
            disk=_number("disk", said["disk"]) if "disk" in said else base.disk,
            gpus=_number("gpus", said["gpus"]) if "gpus" in said else base.gpus,
            ports=sum(len(part) for part in ports),
        ),
        ports,
    )


def parse_attributes(text: str) -> Mapping[str, str]:
    """The attributes that the text says."""
    return _pairs(text, "rack:a;zone:z1")


def of_this_machine(work_dir: Path) -> Holding:
    """All cpus this process may use, memory less a reserve, the free disk of the work directory."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // _MIB
    mem = pages - _RESERVE if pages > 2 * _RESERVE else pages // 2
    disk = os.statvfs(work_dir)
    return Holding(
        Resources(
            cpus=1000 * len(os.sched_getaffinity(0)),
            mem=mem,
            disk=disk.f_bavail * disk.f_frsize // _MIB,
            ports=sum(len(part) for part in DEFAULT_PORTS),
        ),
        DEFAULT_PORTS,
    )


def _pairs(text: str, example: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for part in text.split(";"):
        if not part.strip():
            continue
        name, colon, value = (piece.strip() for piece in part.partition(":"))
        if not (name and colon and value):
            raise BadNotation(f"cannot read {part.strip()!r}; write it like {example}")
        if name in pairs:
            raise BadNotation(f"{name} is named twice; name it once")
        pairs[name] = value
    return pairs


def _number(name: str, text: str, scale: int = 1) -> int:
    try:
        value = Decimal(text) * scale
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or value < 0 or value != int(value):
        unit = "a number with at most three decimals" if scale > 1 else "a whole number"
        raise BadNotation(f"{name}: {text!r} is not {unit}")
    return int(value)


def _parse_ports(text: str) -> tuple[PortRange, ...]:
    inner = text.strip()
    if not (inner.startswith("[") and inner.endswith("]")):
        raise BadNotation(f"ports: cannot read {text!r}; write [31000-31100,31200-31300]")
    ranges = []
    for part in inner[1:-1].split(","):
        match = _RANGE.fullmatch(part)
        if match is None or not 0 < int(match[1]) <= int(match[2]) < 65536:
            raise BadNotation(
                f"ports: {part.strip()!r} is no range; write first-last, within 1-65535"
            )
        ranges.append(PortRange(int(match[1]), int(match[2])))
    ranges.sort(key=lambda part: part.first)
    if any(a.last >= b.first for a, b in itertools.pairwise(ranges)):
        raise BadNotation(f"ports: the ranges of {text!r} overlap; name each port once")
    return tuple(ranges)
