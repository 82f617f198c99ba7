"""The executor process alone, spoken to over its socket."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from moroccron.adapters.local import executor, paths
from tests.waiting import PATIENCE


@pytest.fixture
def address(tmp_path: Path) -> Path:
    return tmp_path / "executor.sock"


@pytest.fixture
def process(address: Path) -> Iterator[subprocess.Popen[bytes]]:
    with paths.listen(address) as listener:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", executor.__file__, str(listener.fileno())],
            pass_fds=[listener.fileno()],
        )
    yield process
    process.kill()
    process.wait()


def line(order: dict[str, Any]) -> bytes:
    return json.dumps(order).encode() + b"\n"


def heard(agent: socket.socket) -> dict[str, Any]:
    """What the executor says first."""
    agent.settimeout(PATIENCE)
    with agent.makefile("rb") as file:
        message: dict[str, Any] = json.loads(file.readline())
    return message


def test_the_last_orders_of_a_dead_agent_are_obeyed(
    process: subprocess.Popen[bytes], address: Path, tmp_path: Path
) -> None:
    """Though they are more than is read in one go, and the next agent is already there."""
    task = {
        "id": "t",
        "sandbox": str(tmp_path),
        "record": str(tmp_path / "record"),
        "env": {},
        "stages": [["run", ["/bin/sleep", "1000"]]],
    }
    with paths.connect(address) as dying:
        assert heard(dying) == {"running": []}
        os.kill(process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        dying.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        dying.settimeout(0.5)
        dying.sendall(line({"padding": "x" * executor._CHUNK}) + line({"spawn": [task]}))
    with paths.connect(address) as agent:
        os.kill(process.pid, signal.SIGCONT)
        assert heard(agent) == {"running": ["t"]}
        agent.sendall(line({"signal": [["t", signal.SIGKILL]], "quit": True}))
        assert process.wait(PATIENCE) == 0
