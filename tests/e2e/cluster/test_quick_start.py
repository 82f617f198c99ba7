"""The README's quick start on Mesos, word for word, in a checkout of its own with an environment of its own."""

import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cluster.mesos import Agent, Master
from tests.cluster.ports import claim_port
from tests.cluster.postgres import MortalPostgres
from tests.cluster.zookeeper import ZooKeeper
from tests.e2e.cluster.test_masters import leading
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[3]


def quick_start() -> list[str]:
    """The lines of the README's block, none of them left out."""
    text = (ROOT / "README.md").read_text().partition("On a cluster of your own")[2]
    lines = text.partition("Start `scheduler` on")[0].splitlines()
    return [line.strip() for line in lines if line.startswith("    ")]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what git keeps, with the pages that are built for all tests."""
    copy = tmp_path / "moroccron"
    kept = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(kept, cwd=ROOT, check=True, capture_output=True, text=True)
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    shutil.copytree(
        ROOT / "moroccron/api/static", copy / "moroccron/api/static", dirs_exist_ok=True
    )
    return copy


class Shell:
    """One shell, as a person has: each line finds what the lines before have set."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environ = {k: v for k, v in os.environ.items() if not k.startswith("MOROCCRON_")}
        self._environ.pop("PYTHONPATH", None)
        self._servers: list[subprocess.Popen[bytes]] = []

    def run(self, line: str) -> str:
        """What the line prints; it has to succeed."""
        script = f"set -e\n{line}\nenv -0 > {self._folder}.env"
        done = subprocess.run(
            ["/bin/bash", "-c", script],
            cwd=self._folder,
            env=self._environ,
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, f"$ {line}\n{done.stdout}{done.stderr}"
        said = Path(f"{self._folder}.env").read_text().split("\0")
        self._environ = dict(each.split("=", 1) for each in said if each)
        return done.stdout

    def serve(self, line: str) -> Path:
        """Begin what goes on until the end; the file of what it says."""
        console = Path(f"{self._folder}.{len(self._servers)}.log")
        with console.open("wb") as file:
            server = subprocess.Popen(
                ["/bin/bash", "-c", f"exec {line}"],
                cwd=self._folder,
                env=self._environ,
                stdout=file,
                stderr=file,
            )
        self._servers.append(server)
        return console

    def close(self) -> None:
        for server in self._servers:
            server.terminate()
        for server in self._servers:
            server.wait(30)


@pytest.fixture
def shell(checkout: Path) -> Iterator[Shell]:
    with closing(Shell(checkout)) as shell:
        yield shell


def test_every_line_of_it(
    shell: Shell,
    mesos_master: Master,
    mesos_agent: Callable[..., Agent],
    zookeeper: ZooKeeper,
    own_postgres: MortalPostgres,
) -> None:
    mesos_agent()
    port = claim_port()
    here = {
        "postgresql+psycopg://USER:PASSWORD@HOST/NAME": own_postgres.create(),
        "zk://ZK1:2181,ZK2:2181/mesos": zookeeper.url("/mesos"),
        "zk://ZK1:2181,ZK2:2181/moroccron": zookeeper.url("/moroccron"),
        # The environment that runs this test is all that the wheel needs to be built.
        "make wheel": f"make -o install -o web VENV={sys.prefix} wheel",
        "moroccron web": f"moroccron web --port {port}",
    }
    lines = quick_start()
    assert len(lines) == 8, lines
    with leading(zookeeper, mesos_master):
        for line in lines:
            for word, ours in here.items():
                line = line.replace(word, ours)
            if re.match(r"moroccron (scheduler|web)\b", line):
                console = shell.serve(line)
            else:
                shell.run(line)
        until(lambda: "failure_and_cleanup" in shell.run("moroccron dags list"), "the DAGs", 60)
        trigger = "moroccron runs trigger failure_and_cleanup --param exit_code=0"
        assert "succeeded" in shell.run(f"{trigger} --wait --json")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
            assert b"failure_and_cleanup" in page.read()
    (framework,) = mesos_master.records.frameworks()
    assert len(framework["completed_tasks"]) >= 1, console.read_text()
