"""Tasks: from a launch to Mesos' TaskInfo. Pure. Its container is in `containers`."""

from typing import Any

from moroccron.adapters.mesos.containers import container_info
from moroccron.adapters.mesos.resources import Entry
from moroccron.model import outputs
from moroccron.model.files import Containerizer, Uri
from moroccron.model.offer import Launch

_PREFIX = "moroccron."  #: of our labels
_SANDBOX = "/mnt/mesos/sandbox"  #: in an image: Mesos' default for `--sandbox_directory`


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
    container = container_info(launch, containerizer)
    if container is not None:
        info["container"] = container
    if launch.timeout is not None:
        info["max_completion_time"] = nanoseconds(launch.timeout)
    return info


def command_info(launch: Launch) -> dict[str, Any]:
    """Text goes to a shell; a list of arguments never meets one."""
    info: dict[str, Any]
    if isinstance(launch.command, str):
        info = {"shell": True, "value": _told_in_the_shell(launch) + launch.command}
    else:
        info = {"shell": False, "value": launch.command[0], "arguments": list(launch.command)}
    environment = {**ports_environment(launch.ports), **dict(launch.env), **_told(launch)}
    if environment:
        info["environment"] = {
            "variables": [{"name": n, "value": v} for n, v in environment.items()]
        }
    if launch.uris:
        info["uris"] = [_uri(uri) for uri in launch.uris]
    if launch.user is not None:
        info["user"] = launch.user
    return info


def _told(launch: Launch) -> dict[str, str]:
    """Where to write what is handed on, as far as that is known before the sandbox is made.

    In an image it always lies at one place. A list of arguments without one is told its name: it starts there.
    """
    if not launch.output:
        return {}
    place = f"{_SANDBOX}/" if launch.image is not None else ""
    return {outputs.VARIABLE: f"{place}{outputs.FILE}"}


def _told_in_the_shell(launch: Launch) -> str:
    """The same for text that runs on the agent itself, where the shell knows the sandbox."""
    if not launch.output or launch.image is not None:
        return ""
    return f'export {outputs.VARIABLE}="$MESOS_SANDBOX/{outputs.FILE}"; '


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


def _uri(uri: Uri) -> dict[str, Any]:
    """What Mesos takes for granted is left out."""
    info: dict[str, Any] = {"value": uri.value}
    if not uri.extract:
        info["extract"] = False
    if uri.executable:
        info["executable"] = True
    if uri.cache:
        info["cache"] = True
    if uri.output is not None:
        info["output_file"] = uri.output
    return info
