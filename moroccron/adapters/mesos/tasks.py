"""Tasks: from a launch to Mesos' TaskInfo. Pure."""

from enum import StrEnum
from typing import Any

from moroccron.adapters.mesos.resources import Entry
from moroccron.model.offer import Launch

_PREFIX = "moroccron."  #: of our labels


class Containerizer(StrEnum):
    """Who makes the containers of jobs with an image."""

    MESOS = "mesos"  #: the universal container runtime, of the agent itself
    DOCKER = "docker"  #: the Docker daemon on the agent


def task_info(
    launch: Launch, resources: list[Entry], containerizer: Containerizer = Containerizer.MESOS
) -> dict[str, Any]:
    """The task of a launch, on resources that were cut for it."""
    info: dict[str, Any] = {
        "name": launch.key.job_id,
        "task_id": {"value": launch.task_id},
        "agent_id": {"value": launch.agent_id},
        "resources": resources,
        "command": command_info(launch),
        "kill_policy": {"grace_period": nanoseconds(launch.kill_grace)},
        "labels": labels(launch),
    }
    if launch.image is not None:
        # Docker's executor can give no GPU; the agent's own runtime can.
        docker = containerizer is Containerizer.DOCKER and not launch.resources.gpus
        info["container"] = _docker(launch.image) if docker else _mesos(launch.image)
    if launch.timeout is not None:
        info["max_completion_time"] = nanoseconds(launch.timeout)
    return info


def command_info(launch: Launch) -> dict[str, Any]:
    """Text goes to a shell; a list of arguments never meets one."""
    info: dict[str, Any]
    if isinstance(launch.command, str):
        info = {"shell": True, "value": launch.command}
    else:
        info = {"shell": False, "value": launch.command[0], "arguments": list(launch.command)}
    environment = {**ports_environment(launch.ports), **dict(launch.env)}
    if environment:
        info["environment"] = {
            "variables": [{"name": n, "value": v} for n, v in environment.items()]
        }
    if launch.uris:
        info["uris"] = [{"value": uri} for uri in launch.uris]
    if launch.user is not None:
        info["user"] = launch.user
    return info


def ports_environment(ports: tuple[int, ...]) -> dict[str, str]:
    """PORT0, PORT1, ... with PORT and PORTS for those that have one or like a list."""
    environment = {f"PORT{index}": str(port) for index, port in enumerate(ports)}
    if ports:
        environment["PORT"] = str(ports[0])
        environment["PORTS"] = ",".join(str(port) for port in ports)
    return environment


def labels(launch: Launch) -> dict[str, Any]:
    """Run, job and attempt: enough to find the row of a task that the master tells of."""
    key = launch.key
    named = {"run": key.run_id, "job": key.job_id, "attempt": str(key.number)}
    return {"labels": [{"key": _PREFIX + name, "value": value} for name, value in named.items()]}


def nanoseconds(seconds: float) -> dict[str, int]:
    """A duration as Mesos writes it."""
    return {"nanoseconds": round(seconds * 1e9)}


def _docker(image: str) -> dict[str, Any]:
    # The host's network, so that the ports of the offer are those that the task opens.
    return {"type": "DOCKER", "docker": {"image": image, "network": "HOST"}}


def _mesos(image: str) -> dict[str, Any]:
    return {"type": "MESOS", "mesos": {"image": {"type": "DOCKER", "docker": {"name": image}}}}
