"""What a launch asks for, and what this agent cannot grant. Pure."""

from collections.abc import Mapping
from typing import Any

from moroccron.adapters.local.notation import Holding
from moroccron.adapters.local.records import is_usable
from moroccron.model.offer import PortRange
from moroccron.model.resources import Resources


def requested(launch: Mapping[str, Any]) -> Holding:
    """The resources of a launch, its ports by name. Whoever sends nonsense gets a KeyError or TypeError."""
    ports = tuple(PortRange(port, port) for port in sorted(launch.get("ports", ())))
    return Holding(Resources(**{**launch["resources"], "ports": len(ports)}), ports)


def refusal(launch: Mapping[str, Any], fits: bool, agent_id: str) -> tuple[str, str] | None:
    """Why a launch is refused for good, as reason and message; None: it may start."""
    if not is_usable(launch["task_id"]):
        return "task_invalid", "a task id must be a file's name of at most 255 bytes"
    if launch["agent_id"] != agent_id:
        return "task_invalid", f"this is agent {agent_id}, not {launch['agent_id']}"
    if not fits:
        return "task_invalid", "the task asks for more than its offers hold"
    if launch.get("image"):
        return (
            "image_not_supported",
            f"the embedded agent cannot run the image {launch['image']}: it does not isolate; "
            "remove the job's image, or use a Mesos cluster",
        )
    if launch.get("volumes"):
        source, path, *_ = launch["volumes"][0]
        return (
            "volumes_not_supported",
            f"the embedded agent cannot mount {source} at {path}: it has no containers; "
            "let the job use its files where they are, or use a Mesos cluster",
        )
    if not launch["command"]:
        return "task_invalid", "the command is empty"
    return None
