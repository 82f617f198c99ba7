"""`make cluster` and `make cluster-down`, with ports and a folder of the test's own."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.cluster import postgres, zookeeper
from tests.cluster.by_hand import Ports, down
from tests.cluster.ledger import Entry, Ledger
from tests.cluster.ports import claim_port
from tests.cluster.process import with_variable
from tests.cluster.records import Records
from tests.cluster.smoke import BareFramework
from tests.mesos import build
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

LOCAL = "127.0.0.1"
UP = """
import json, sys
from tests.cluster.by_hand import Ports, main
main("up", sys.argv[1], ports=Ports(**json.loads(sys.argv[2])))
"""


@pytest.fixture
def ports() -> Ports:
    agents = (claim_port(), claim_port(), claim_port())
    return Ports(claim_port(), claim_port(), agents, claim_port())


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    if reason := build.why_not(build.home()) or zookeeper.why_not() or postgres.why_not():
        pytest.skip(reason)
    place = tmp_path / "cluster"
    yield place
    down(place)


def running(folder: Path) -> dict[str, Entry]:
    entries = Ledger(folder / "processes.json").entries()
    return {entry.name: entry for entry in entries if entry.running}


def up(folder: Path, ports: Ports, **environ: str) -> tuple[int, str]:
    """As a person does, by a process that ends: its exit code and what it told."""
    words = [sys.executable, "-c", UP, str(folder), json.dumps(asdict(ports))]
    done = subprocess.run(
        words,
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout


def test_all_of_it_starts_works_and_ends(
    folder: Path, ports: Ports, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = up(folder, ports)
    assert code == 0, told
    started = running(folder)
    parts = {"zookeeper", "master", "agent-1", "agent-2", "agent-3", "postgresql", "web"}
    parts |= {"scheduler-1", "scheduler-2"}
    assert parts <= started.keys()
    master = f"{LOCAL}:{ports.master}"
    for address in (f"zk://{LOCAL}:{ports.zookeeper}", master, f"http://{LOCAL}:{ports.web}/"):
        assert address in told
    agents = Records(master).agents()
    assert {agent["attributes"]["rack"] for agent in agents} == {"a", "b", "c"}
    assert status_of(ports.web, "/api/v1/dags") == 200
    until(lambda: [f["name"] for f in Records(master).frameworks()] == ["moroccron"], "one leads")
    in_a_shell = f". {folder}/environment && moroccron dags list && moroccron config"
    shown = subprocess.run(
        ["/bin/sh", "-c", in_a_shell], capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    assert f"zk://{LOCAL}:{ports.zookeeper}/moroccron" in shown.stdout
    code, told = up(folder, ports)
    assert (code, "runs already" in told) == (1, True)
    assert running(folder) == started

    framework = BareFramework(master, failover_timeout=3600.0)
    framework.subscribe()
    framework.launch("long", "exec sleep 1000")
    framework.until("long", "TASK_RUNNING")
    framework.disconnect()
    assert with_variable(f"{folder}/agent-")
    data = (folder / "postgresql").resolve()
    assert data.exists()
    down(folder)
    assert "The cluster is ended" in capsys.readouterr().out
    down(folder)
    assert "nothing to end" in capsys.readouterr().out
    assert not any(entry.running for entry in started.values())
    until(lambda: not with_variable(f"{folder}/agent-"), "tasks end with the cluster")
    assert not data.exists()


def test_a_port_that_is_taken_is_told_and_nothing_stays(folder: Path, ports: Ports) -> None:
    code, told = up(folder, replace(ports, master=ports.zookeeper))
    assert code == 1
    assert f"{LOCAL}:{ports.zookeeper}: Address already in use" in told
    assert "ended zookeeper" in told
    assert not running(folder)


def test_without_mesos_it_says_so(folder: Path, ports: Ports, tmp_path: Path) -> None:
    code, told = up(folder, ports, MOROCCRON_TEST_MESOS=str(tmp_path / "nothing"))
    assert (code, "make mesos" in told) == (1, True)


def status_of(port: int, path: str) -> int:
    connection = http.client.HTTPConnection(LOCAL, port, timeout=20)
    connection.request("GET", path)
    with connection.getresponse() as response:
        response.read()
    connection.close()
    return response.status
