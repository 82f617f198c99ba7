"""Exact amounts: integers only, so that a million sums still compare equal.

Mesos keeps three decimals of a scalar; a cpu is therefore counted in thousandths (1 cpu = 1000). Memory and
disk are MiB, GPUs are whole, ports are counted (which ports is decided when an attempt is placed).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resources:
    """What a job asks for, or what an agent has. Never negative."""

    cpus: int = 0  #: thousandths of a cpu
    mem: int = 0  #: MiB
    disk: int = 0  #: MiB
    gpus: int = 0  #: whole devices
    ports: int = 0  #: how many

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(
            self.cpus + other.cpus,
            self.mem + other.mem,
            self.disk + other.disk,
            self.gpus + other.gpus,
            self.ports + other.ports,
        )

    def __sub__(self, other: "Resources") -> "Resources":
        return Resources(
            self.cpus - other.cpus,
            self.mem - other.mem,
            self.disk - other.disk,
            self.gpus - other.gpus,
            self.ports - other.ports,
        )

    def fits_in(self, free: "Resources") -> bool:
        """Whether `free` holds at least this much of every kind."""
        return (
            self.cpus <= free.cpus
            and self.mem <= free.mem
            and self.disk <= free.disk
            and self.gpus <= free.gpus
            and self.ports <= free.ports
        )

    def as_tuple(self) -> tuple[int, int, int, int, int]:
        """The amounts in the order of the fields, for arithmetic in bulk."""
        return (self.cpus, self.mem, self.disk, self.gpus, self.ports)


NOTHING = Resources()
