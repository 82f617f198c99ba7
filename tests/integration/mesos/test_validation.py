"""What this cluster cannot run, a real master takes all the same: it fails on the agent, not for its form."""

from dataclasses import replace
from typing import Any

import pytest

from moroccron.adapters.mesos.framework import Framework
from moroccron.model.files import Containerizer, Uri, Volume
from moroccron.model.offer import Launch
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey
from moroccron.model.states import ReportedState
from tests.cluster.mesos import Master
from tests.integration.mesos.conftest import HASTY, Connected

pytestmark = pytest.mark.cluster

HOST = Volume("/tmp", "/in", "ro")
SANDBOX = Volume("./tmp", "/scratch")
NAMED = Volume("models", "/models", "ro", "rexray", (("size", "5"),))
EVERYTHING = {
    "user": "root",
    "timeout": 30.0,
    "kill_grace": 0.5,
    "env": (("A", "1"),),
    "uris": (Uri("/etc/hostname", False, True, True, "in/name"), Uri("/etc/passwd")),
}
WANTED: dict[str, dict[str, Any]] = {
    "Docker": {"image": "debian:12", "pull": True, "containerizer": Containerizer.DOCKER},
    "UCR": {"image": "debian:12", "pull": True},
    "no image": {},
}


@pytest.fixture
def scheduler(mesos_master, mesos_agent):
    mesos_agent()
    connected = Connected(mesos_master.address, Framework(), replace(HASTY, answer=5.0))
    yield connected.start(None)
    connected.driver.stop()


def launch(offer: Any, task_id: str, **fields: Any) -> Launch:
    port = offer.port_ranges[0].first
    values: dict[str, Any] = {
        "command": "true",
        "resources": Resources(cpus=100, mem=10, disk=5, ports=1),
        "ports": (port,),
    }
    key = AttemptKey("dag@run", "job", 1)
    return Launch(task_id=task_id, key=key, agent_id=offer.agent_id, **values | fields)


@pytest.mark.parametrize("wanted", list(WANTED))
@pytest.mark.parametrize("volumes", [(), (HOST,), (SANDBOX,), (NAMED,), (HOST, SANDBOX, NAMED)])
def test_a_container_passes(mesos_master: Master, scheduler, wanted, volumes):
    offer = scheduler.offer()
    asked = launch(offer, "t", volumes=volumes, **EVERYTHING, **WANTED[wanted])
    scheduler.use([offer], asked)
    end = scheduler.end("t")
    # Neither refused by the master for its form nor not even read: it went to the agent, and had its end there.
    assert end.state in (ReportedState.FAILED, ReportedState.FINISHED, ReportedState.LOST), end
    assert end.uuid is not None, end
    (echo,) = mesos_master.records.tasks()
    assert_echoed(echo, asked)


def assert_echoed(echo: dict[str, Any], asked: Launch) -> None:
    """What the master knows of a task is what was asked."""
    assert {label["key"]: label["value"] for label in echo["labels"]} == {
        "moroccron.run": "dag@run",
        "moroccron.job": "job",
        "moroccron.attempt": "1",
    }
    assert echo["resources"]["cpus"] == 0.1
    container = echo.get("container", {})
    assert len(container.get("volumes", ())) == len(asked.volumes)
    if asked.image is not None:
        assert asked.image in str(container)


@pytest.mark.parametrize(
    "fields",
    [
        {"user": "nobody-of-this-name"},
        {"env": (("A", None),)},
        {"volumes": (Volume("/a", "/b", "sideways"),)},
        {"timeout": -1.0},
        {"volumes": (HOST, HOST)},
        {"image": "debian:12", "volumes": (HOST, HOST)},
    ],
)
def test_what_the_master_does_not_take_is_an_end_with_a_reason(scheduler, fields):
    offer = scheduler.offer()
    scheduler.use([offer], launch(offer, "t", **fields))
    end = scheduler.end("t")
    assert end.state in (ReportedState.ERROR, ReportedState.FAILED), (end.reason, end.message)
    assert end.message
