"""Containers: from a job's image and volumes to Mesos' ContainerInfo. Pure.

A job without an image may have volumes: Mesos' own runtime mounts them beside the agent's file system. Docker
needs an image, and can give no GPU.
"""

from typing import Any

from moroccron.model.files import Containerizer, Volume, VolumeKind
from moroccron.model.offer import Launch


def container_info(launch: Launch, usual: Containerizer) -> dict[str, Any] | None:
    """None: no container but the agent's own for every task."""
    if launch.image is None and not launch.volumes:
        return None
    docker = _maker(launch, usual) is Containerizer.DOCKER
    info = _docker(launch) if docker else _mesos(launch)
    if launch.volumes:
        info["volumes"] = [_volume(volume, docker) for volume in launch.volumes]
    return info


def _maker(launch: Launch, usual: Containerizer) -> Containerizer:
    if launch.image is None or launch.resources.gpus:
        return Containerizer.MESOS
    return launch.containerizer or usual


def _docker(launch: Launch) -> dict[str, Any]:
    # The host's network, so that the ports of the offer are those that the task opens: no mappings.
    docker: dict[str, Any] = {"image": launch.image, "network": "HOST"}
    if launch.pull:
        docker["force_pull_image"] = True
    return {"type": "DOCKER", "docker": docker}


def _mesos(launch: Launch) -> dict[str, Any]:
    if launch.image is None:
        return {"type": "MESOS"}
    image: dict[str, Any] = {"type": "DOCKER", "docker": {"name": launch.image}}
    if launch.pull:
        image["cached"] = False
    return {"type": "MESOS", "mesos": {"image": image}}


def _volume(volume: Volume, docker: bool) -> dict[str, Any]:
    info: dict[str, Any] = {"container_path": volume.path, "mode": volume.mode.upper()}
    if docker and volume.kind is not VolumeKind.NAMED:
        # Docker's runner knows sources of named volumes only. A path without a slash at its beginning is in
        # the sandbox to it.
        info["host_path"] = volume.source.removeprefix("./")
    else:
        info["source"] = _source(volume)
    return info


def _source(volume: Volume) -> dict[str, Any]:
    match volume.kind:
        case VolumeKind.HOST:
            return {"type": "HOST_PATH", "host_path": {"path": volume.source}}
        case VolumeKind.SANDBOX:
            inside = {"type": "SELF", "path": volume.source.removeprefix("./")}
            return {"type": "SANDBOX_PATH", "sandbox_path": inside}
        case VolumeKind.NAMED:
            named: dict[str, Any] = {"driver": volume.driver, "name": volume.source}
            if volume.options:
                options = dict(volume.options).items()
                parameters = [{"key": key, "value": value} for key, value in options]
                named["driver_options"] = {"parameter": parameters}
            return {"type": "DOCKER_VOLUME", "docker_volume": named}
