"""Two hundred jobs, and the scheduler killed at random: the file they write is the witness that each ran once."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from moroccron.adapters.sql.commands import SqlCommands
from moroccron.adapters.sql.engine import open_engine
from moroccron.adapters.sql.queries import SqlQueries
from moroccron.model.command import TriggerRun
from moroccron.model.run import Run
from moroccron.model.states import AttemptState, RunState
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

JOBS = 200
KILLS = 5
MOROCCRON = [sys.executable, "-m", "moroccron.cli.main"]

#: 20 layers of 10 jobs, each with three parents in the layer before; one line a job, by one write
DAGS = """
import random
from moroccron import DAG, Job

chance = random.Random(1)
with DAG("chaos"):
    layers = []
    for layer in range(20):
        layers.append([
            Job(f"j{layer:02}{n}", f'echo "$MOROCCRON_JOB" >> WITNESS; sleep 0.0{n}', cpus=1, mem=1)
            for n in range(10)
        ])
        if layer:
            for job in layers[-1]:
                chance.sample(layers[-2], 3) >> job
"""


class Site:
    """An agent that lives, and schedulers that do not."""

    def __init__(self, folder: Path, url: str) -> None:
        self.witness = folder / "witness"
        (folder / "dags").mkdir()
        (folder / "dags" / "chaos.py").write_text(DAGS.replace("WITNESS", str(self.witness)))
        self.environ = os.environ | {
            "MOROCCRON_WORK_DIR": str(folder / "work"),
            "MOROCCRON_DAGS": str(folder / "dags"),
            "MOROCCRON_RESOURCES": "cpus:6;mem:1000;disk:1000",
            "MOROCCRON_DATABASE": url,
        }
        self.agent = self.start("agent")
        self.scheduler = self.start("scheduler")
        self.engine = open_engine(url)
        self.queries = SqlQueries(self.engine)
        self.commands = SqlCommands(self.engine)

    def start(self, part: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*MOROCCRON, part], env=self.environ, start_new_session=True)

    def trigger(self) -> str:
        until(lambda: self.queries.dags(), "the DAG is stored")
        number = self.commands.submit(TriggerRun("chaos"), "test")
        until(lambda: self.queries.answer(number), "an answer")
        answer = self.queries.answer(number)
        assert answer is not None
        return answer.detail

    def run(self, run_id: str) -> Run:
        return self.queries.run(run_id)

    def told(self) -> list[str]:
        return self.witness.read_text().splitlines() if self.witness.exists() else []

    def kill_scheduler(self) -> None:
        self.scheduler.send_signal(signal.SIGKILL)
        self.scheduler.wait(10)
        self.scheduler = self.start("scheduler")

    def close(self) -> None:
        self.engine.dispose()
        for process in (self.scheduler, self.agent):
            process.send_signal(signal.SIGTERM)
            process.wait(20)


@pytest.fixture
def site(database: str, tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path, database)
    yield site
    site.close()


def test_each_job_runs_once_though_the_scheduler_is_killed_five_times(site: Site) -> None:
    chance, pause = random.Random(), threading.Event()
    run_id = site.trigger()
    thresholds = sorted(chance.sample(range(5, JOBS - 10), KILLS))
    for threshold in thresholds:
        until(lambda t=threshold: len(site.told()) >= t, f"{threshold} jobs have begun", 60)
        pause.wait(chance.random() * 0.05)
        site.kill_scheduler()
    until(lambda: site.run(run_id).state.is_terminal, "the run is over", 90)
    assert site.run(run_id).state is RunState.SUCCEEDED, thresholds
    told = Counter(site.told())
    assert len(told) == JOBS
    assert set(told.values()) == {1}, [line for line, times in told.items() if times > 1]
    succeeded = [a for a in site.queries.attempts(run_id) if a.state is AttemptState.SUCCEEDED]
    assert len(succeeded) == JOBS
