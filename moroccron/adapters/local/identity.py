"""Who this agent is: an id for ever, a hostname, attributes, and the framework that it last served.

Owns `agent.json`. The id goes with the work directory: a new directory is a new agent.
"""

import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from moroccron.model.errors import MoroccronError

#: How ids of embedded agents begin, and no id that a Mesos master gives to an agent.
_OURS = "local-"


def is_embedded(agent_id: str) -> bool:
    """Whether this is the id of an embedded agent, of this machine or another; else it is one of Mesos'."""
    return agent_id.startswith(_OURS)


class Identity:
    """The agent's names. Those on disk are written before anybody is told of them."""

    def __init__(self, path: Path, hostname: str, attributes: Mapping[str, str]) -> None:
        self._path = path
        stored = _read(path)
        self.agent_id: str = stored.get("agent_id") or f"{_OURS}{uuid.uuid4().hex[:16]}"
        self._framework_id: str | None = stored.get("framework_id")
        self.life = uuid.uuid4().hex[:8]  #: of this process, for ids that must not outlive it
        #: what every offer says of the place that it is for
        self.place = {
            "agent_id": self.agent_id,
            "hostname": hostname,
            "attributes": dict(attributes),
        }
        if not stored:
            self._write()

    def subscribed(self, framework_id: str | None) -> dict[str, Any]:
        """Serve this framework; without an id the one before, else a new one. What it is told of us."""
        wanted = framework_id or self._framework_id or f"local-{uuid.uuid4()}"
        if wanted != self._framework_id:
            self._framework_id = wanted
            self._write()
        return {"framework_id": wanted, "agent_id": self.agent_id}

    def _write(self) -> None:
        text = json.dumps({"agent_id": self.agent_id, "framework_id": self._framework_id})
        fresh = self._path.with_suffix(".new")
        with open(fresh, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


def _read(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise MoroccronError(
            f"{path} is damaged ({error}); remove it and this agent takes a new id"
        ) from error
    if not isinstance(stored, dict):
        raise MoroccronError(f"{path} is damaged; remove it and this agent takes a new id")
    return stored
