"""A scheduler that waits says what for, at the log level that nobody has set, and does not say it all the time."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from moroccron.adapters.sql.schema import upgrade
from tests.waiting import until

pytestmark = pytest.mark.e2e
NOBODY = "127.0.0.1:1"


class Scheduler:
    """`moroccron scheduler` in a folder with its own words."""

    def __init__(self, folder: Path, name: str, words: tuple[str, ...]) -> None:
        self._told = folder / f"{name}.log"
        environ = {k: v for k, v in os.environ.items() if not k.startswith("MOROCCRON_")}
        with self._told.open("wb") as told:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "moroccron.cli.main", "scheduler", *words],
                cwd=folder,
                env=environ,
                stderr=told,
                stdout=told,
            )
        self.name = f"{socket.gethostname()}:{self.process.pid}"

    def lines(self, words: str) -> list[str]:
        return [line for line in self._told.read_text().splitlines() if words in line]

    def says(self, words: str) -> None:
        until(lambda: self.lines(words), f"{words!r} in {self._told}", 20)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Scheduler]]:
    (tmp_path / "dags").mkdir()
    (tmp_path / ".moroccron").mkdir()
    upgrade(f"sqlite:///{tmp_path}/.moroccron/moroccron.db")
    begun: list[Scheduler] = []

    def begin(*words: str) -> Scheduler:
        begun.append(Scheduler(tmp_path, f"scheduler-{len(begun)}", words))
        return begun[-1]

    yield begin
    for scheduler in begun:
        scheduler.kill()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("--election", f"zk://{NOBODY}/moroccron"),
            f"waiting for ZooKeeper: no connection to zk://{NOBODY}/moroccron",
        ),
        (
            ("--master", f"zk://{NOBODY}/mesos"),
            f"waiting for ZooKeeper: no connection to zk://{NOBODY}/mesos",
        ),
        (("--master", NOBODY), f"not subscribed to {NOBODY}"),
        (("--database", f"postgresql+psycopg://x:y@{NOBODY}/z"), "waiting for the database"),
        (
            ("--database", f"postgresql+psycopg://x:y@{NOBODY}/z", "--election", "file"),
            "the database failed, trying again for 60 s",
        ),
        ((), "waiting for the agent at "),
    ],
    ids=["zookeeper", "master_by_zookeeper", "master", "database", "database_of_a_leader", "agent"],
)
def test_what_it_waits_for(
    begin: Callable[..., Scheduler], words: tuple[str, ...], told: str
) -> None:
    scheduler = begin(*words)
    scheduler.says(told)
    assert scheduler.lines(f"standing for election as {scheduler.name}")
    assert len(scheduler.lines(told)) == 1, "again later, and ever more rarely"


@pytest.mark.parametrize("election", ["sql", "file"])
def test_who_leads(begin: Callable[..., Scheduler], election: str) -> None:
    first = begin("--election", election)
    first.says("elected, term ")
    second = begin("--election", election)
    second.says(f"standing by: {first.name} leads" if election == "sql" else "standing by: another")
    assert not second.lines("elected")
    first.kill()
    second.says("elected, term ")
