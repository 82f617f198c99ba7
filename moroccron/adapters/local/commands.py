"""From a launch to what the executor is to run: arguments, environment, and a fetch before it. Pure."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from moroccron.adapters.local.processes import TASK_ID
from moroccron.adapters.local.records import Records
from moroccron.adapters.local.task import FETCH, RUN
from moroccron.model import outputs

_FETCHER = str(Path(__file__).with_name("fetcher.py"))
_PASSED_ON = ("PATH", "LANG", "TZ", "HOME", "USER", "LOGNAME")
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def base_environ(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What every task gets of the agent's own environment: where programs are, and the manners of the place."""
    passed = {
        name: value
        for name, value in environ.items()
        if name in _PASSED_ON or name.startswith("LC_")
    }
    passed.setdefault("PATH", _DEFAULT_PATH)
    passed.setdefault("HOME", "/")
    return passed


def spawn_order(launch: Mapping[str, Any], records: Records) -> dict[str, Any]:
    """What the executor needs to know to run a launch."""
    task_id, command = launch["task_id"], launch["command"]
    argv = ["/bin/sh", "-c", command] if isinstance(command, str) else command
    stages = [[RUN, argv]]
    if uris := launch.get("uris"):
        stages.insert(0, [FETCH, [sys.executable, "-I", "-S", _FETCHER, *map(json.dumps, uris)]])
    order = {
        "id": task_id,
        "record": records.path(task_id),
        "sandbox": records.sandbox(task_id),
        "stages": stages,
        "env": _environ(launch, records.sandbox(task_id)),
    }
    if user := launch.get("user"):
        order["user"] = user
    return order


def _environ(launch: Mapping[str, Any], sandbox: str) -> dict[str, str]:
    ports = launch.get("ports", ())
    environ = {f"PORT{index}": str(port) for index, port in enumerate(ports)}
    if ports:
        environ["PORT"] = str(ports[0])
        environ["PORTS"] = ",".join(str(port) for port in ports)
    environ.update(launch.get("env", ()))
    environ["MESOS_SANDBOX"] = sandbox
    if launch.get("output"):
        environ[outputs.VARIABLE] = f"{sandbox}/{outputs.FILE}"
    environ[TASK_ID] = launch["task_id"]
    return environ
