"""What we tell a master of ourselves: FrameworkInfo. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WEEKS = 7 * 24 * 3600.0

#: with these we are told what became of a task instead of TASK_LOST, and of reservations as they are
_CAPABILITIES = ("PARTITION_AWARE", "MULTI_ROLE", "TASK_KILLING_STATE", "RESERVATION_REFINEMENT")


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework as its operator wants it. The user, the principal and `checkpoint` can never be changed."""

    user: str = "root"  #: under whom tasks run unless their job says otherwise
    name: str = "moroccron"
    roles: tuple[str, ...] = ("moroccron",)
    principal: str | None = None
    #: seconds that a master waits for us before it kills all tasks; Mesos' own default is not to wait at all
    failover_timeout: float = 3 * WEEKS
    hostname: str | None = None
    webui_url: str | None = None
    #: with it, agents with GPUs are offered to us, and their cpus may be taken by jobs that need no GPU
    gpus: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)  #: such as version and instance


def framework_info(framework: Framework, framework_id: str | None) -> dict[str, Any]:
    """The FrameworkInfo. `checkpoint` lets tasks survive a restart of their agent."""
    info: dict[str, Any] = {
        "user": framework.user,
        "name": framework.name,
        "roles": list(framework.roles),
        "checkpoint": True,
        "failover_timeout": framework.failover_timeout,
        "capabilities": [{"type": name} for name in capabilities(framework)],
    }
    for name in ("principal", "hostname", "webui_url"):
        if (value := getattr(framework, name)) is not None:
            info[name] = value
    if framework.labels:
        pairs = sorted(framework.labels.items())
        info["labels"] = {"labels": [{"key": key, "value": value} for key, value in pairs]}
    if framework_id is not None:
        info["id"] = {"value": framework_id}
    return info


def capabilities(framework: Framework) -> tuple[str, ...]:
    """What we understand. One that was named once should be named for ever."""
    return (*_CAPABILITIES, "GPU_RESOURCES") if framework.gpus else _CAPABILITIES
