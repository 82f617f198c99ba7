"""Files that a job finds: what is fetched into its sandbox, and what is mounted into its container.

Frozen values as an author writes them and a version holds them. What an author may write is in `validation`
and `file_fields`; what Mesos makes of them is the adapter's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Uri:
    """Something that is fetched into the sandbox before the command starts."""

    value: str  #: an URL, or a path on the agent
    extract: bool = True  #: unpack it when it is an archive
    executable: bool = False  #: make it executable; it is not unpacked then
    cache: bool = False  #: the agent keeps it for the next job, and never looks for a newer one
    output: str | None = None  #: its path in the sandbox; None: the last part of its own

    def __str__(self) -> str:
        options = [f"as {self.output}"] if self.output else []
        options += ["executable"] if self.executable else []
        options += [] if self.extract else ["not unpacked"]
        options += ["cached"] if self.cache else []
        return f"{self.value} ({', '.join(options)})" if options else self.value

    def to_json(self) -> Any:
        """Plain text when nothing but the value is said."""
        given = {
            name: value
            for name, value in (
                ("extract", self.extract),
                ("executable", self.executable),
                ("cache", self.cache),
                ("output", self.output),
            )
            if value != getattr(_PLAIN, name)
        }
        return {"value": self.value, **given} if given else self.value

    @classmethod
    def from_json(cls, data: Any) -> "Uri":
        """What `to_json` gave."""
        return cls(data) if isinstance(data, str) else cls(**data)


_PLAIN = Uri("")


class VolumeKind(StrEnum):
    """Where a volume comes from."""

    HOST = "host"  #: a folder of the agent
    SANDBOX = "sandbox"  #: a folder of the job's own sandbox
    NAMED = "named"  #: known to a Docker volume driver by its name


@dataclass(frozen=True, slots=True)
class Volume:
    """Something mounted into the container of a job, at `path`.

    `source` is an absolute path on the agent, a path in the sandbox that begins with `./`, or, with a `driver`,
    the name of a Docker volume.
    """

    source: str
    path: str  #: in the container; without a slash at its beginning it is in the sandbox
    mode: str = "rw"  #: or "ro"
    driver: str | None = None
    #: of the driver; kept sorted by name
    options: Mapping[str, str] | tuple[tuple[str, str], ...] = ()

    @property
    def kind(self) -> VolumeKind:
        if self.driver is not None:
            return VolumeKind.NAMED
        return VolumeKind.HOST if self.source.startswith("/") else VolumeKind.SANDBOX

    def __str__(self) -> str:
        shown = f"{self.source}:{self.path}:{self.mode}"
        options = [f"driver {self.driver}"] if self.driver else []
        options += [f"{name}={value}" for name, value in dict(self.options).items()]
        return f"{shown} ({', '.join(options)})" if options else shown

    def to_json(self) -> Any:
        """The short form as a list; a driver and its options behind it."""
        data: list[Any] = [self.source, self.path, self.mode]
        if self.driver is not None:
            data += [self.driver, dict(self.options)]
        return data

    @classmethod
    def from_json(cls, data: Any) -> "Volume":
        """What `to_json` gave."""
        source, path, mode, *rest = data
        driver, options = rest or (None, {})
        return cls(source, path, mode, driver, tuple(sorted(options.items())))


class Containerizer(StrEnum):
    """Who makes the containers of jobs with an image."""

    MESOS = "mesos"  #: the universal container runtime, of the agent itself
    DOCKER = "docker"  #: the Docker daemon on the agent
