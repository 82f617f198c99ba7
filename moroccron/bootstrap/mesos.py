"""The Mesos cluster, as it was set: which master, who we are to it, and what its last words mean for us."""

import os
import socket
from collections.abc import Callable
from importlib.metadata import version

from moroccron.adapters.mesos.driver import MesosDriver
from moroccron.adapters.mesos.framework import Framework
from moroccron.adapters.mesos.masters import StaticMasters
from moroccron.bootstrap import zookeeper
from moroccron.bootstrap.roles import roles_of
from moroccron.bootstrap.secrets import authorization
from moroccron.bootstrap.tls import build_tls, speaks_tls
from moroccron.lifecycle import ExitCode
from moroccron.model.files import Containerizer
from moroccron.ports import DriverEnd, MasterDetector
from moroccron.settings import Settings, SettingsInvalid

GiveUp = Callable[[ExitCode, str], None]

_CODES = {
    DriverEnd.FAILED_OVER: ExitCode.DEPOSED,
    DriverEnd.FOREIGN_STREAM: ExitCode.DEPOSED,
    DriverEnd.REMOVED: ExitCode.FRAMEWORK_REMOVED,
    DriverEnd.BROKEN: ExitCode.BUG,
}
_REMEDIES = {
    ExitCode.DEPOSED: "another scheduler uses this framework's id: is its election the same as ours?",
    ExitCode.FRAMEWORK_REMOVED: "Mesos has forgotten the framework and its jobs are killed; to begin anew under "
    "another id: moroccron framework teardown NAME",
    ExitCode.BUG: "please report it with the log; the next scheduler begins with what was committed",
}


def build_driver(settings: Settings, give_up: GiveUp) -> MesosDriver:
    """The driver; whatever ends it for good is handed to `give_up` with the exit code."""

    def on_end(end: DriverEnd, message: str) -> None:
        code = _CODES[end]
        give_up(code, f"{message} ({_REMEDIES[code]})")

    return MesosDriver(
        build_detector(settings),
        build_framework(settings),
        on_end=on_end,
        on_refused=lambda why: give_up(
            ExitCode.CREDENTIALS_REFUSED, f"{why} (look at the settings principal and secret)"
        ),
        containerizer=Containerizer(settings.containerizer),
        authorization=authorization(settings),
        tls=build_tls(settings),
    )


def build_framework(settings: Settings) -> Framework:
    """What masters show of us tells which scheduler leads, and of which version it is."""
    host = socket.gethostname()
    return Framework(
        user=settings.framework_user,
        name=settings.framework_name,
        roles=roles_of(settings),
        principal=settings.principal or None,
        failover_timeout=settings.failover_timeout,
        webui_url=settings.webui_url or None,
        gpus=settings.gpus == "on",
        hostname=host,
        labels={
            "moroccron.version": version("moroccron"),
            "moroccron.instance": f"{host}:{os.getpid()}",
        },
    )


def build_detector(settings: Settings) -> MasterDetector:
    """Over a list of masters, or over what ZooKeeper knows of them."""
    if settings.master.startswith("zk://"):
        return zookeeper.build_detector(settings.master, speaks_tls(settings))
    try:
        return StaticMasters.parse(settings.master, speaks_tls(settings))
    except ValueError as error:
        raise SettingsInvalid(
            str(error),
            source="the setting master",
            name="master",
            remedy="write host:port or https://host:port, several of them with commas, or zk://host:port/mesos",
        ) from error
