"""Many DAGs due at one minute on a simulated cluster: `python -m benchmarks.due [DAGS]`.

Time is virtual while nothing is to be done, and goes on with the CPU's while the engine works: the skew, from due
to started, is what deciding, committing (SQLite) and packing cost. The simulated master and agents take no time:
real ones work on machines of their own.
CPU time, because walls say little on a machine that does other things too. The floor is a bare loop that writes as
many rows for as many runs, all in one transaction.
"""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.report import line, median, milliseconds, quantile, title
from moroccron.adapters.sql.engine import open_engine
from moroccron.adapters.sql.queries import SqlQueries
from moroccron.adapters.sql.schema import upgrade
from moroccron.adapters.sql.store import SqlStore
from moroccron.bootstrap.collector import collect_rarely
from moroccron.core.view import View
from moroccron.loop import Loop
from moroccron.model.dag_version import DagVersion, JobSpec
from moroccron.model.events import FilesLoaded
from moroccron.model.load import LoadedFile
from moroccron.model.resources import Resources
from moroccron.model.schedule import Cron
from moroccron.simulation.agents import AgentSpec
from moroccron.simulation.clock import VirtualClock
from moroccron.simulation.cluster import SimulatedCluster
from moroccron.simulation.tasks import Course
from moroccron.testing.stage import play

DAGS = 1_000
AGENTS = 100
AGENT = Resources(cpus=16_000, mem=16_000, disk=10_000)
JOB = Resources(cpus=1_000, mem=100)
ROWS = 7  #: of a run with one job that is launched: DAG, run, job run, attempt, history
MINUTES = 5


class WorkingClock(VirtualClock):
    """Virtual time that goes on with this process' CPU time as well, unless it `rests`."""

    def __init__(self) -> None:
        super().__init__()
        self._used = time.process_time()
        self._rests = False

    def now(self) -> datetime:
        used = time.process_time()
        if not self._rests:
            self.move_by(used - self._used)
        self._used = used
        return super().now()

    def move_to(self, moment: datetime) -> None:
        self.now()
        super().move_to(moment)

    @contextmanager
    def rests(self) -> Iterator[None]:
        self.now()
        self._rests = True
        yield
        self.now()
        self._rests = False


class OtherMachines(SimulatedCluster):
    """What it works for by itself takes none of the scheduler's time."""

    def __init__(self, agents: list[AgentSpec], clock: WorkingClock) -> None:
        super().__init__(agents, clock, script=lambda _: Course(5.0))
        self._own = clock

    def advance(self) -> None:
        with self._own.rests():
            super().advance()


def main() -> None:
    collect_rarely()
    dags = int(sys.argv[1]) if len(sys.argv) > 1 else DAGS
    with tempfile.TemporaryDirectory() as folder:
        measure(dags, Path(folder))


def measure(count: int, folder: Path) -> None:
    """Let all DAGs fire at the same minute, several times."""
    title(f"{count:,} DAGs due at one minute, {AGENTS} simulated agents, SQLite: due to started")
    url = f"sqlite:///{folder}/bench.db"
    upgrade(url)
    engine = open_engine(url)
    clock = WorkingClock()
    agents = [AgentSpec(f"a{n:03}", AGENT) for n in range(AGENTS)]
    cluster = OtherMachines(agents, clock)
    with closing(SqlStore(engine, now=clock.now)) as store:
        view = View(store.load(), term=store.begin_term("bench"), now=clock.now())
        loop = Loop(view=view, store=store, driver=cluster, clock=clock)
        dags = [version(f"d{n:04}") for n in range(count)]
        loop.emit(FilesLoaded(tuple(LoadedFile(f"{d.dag_id}.py", (d,)) for d in dags)))
        loop.turn(loop.drain())
        cluster.start(None, loop.emit)
        end = clock.now() + timedelta(minutes=MINUTES)
        play(loop, cluster, clock, lambda: clock.now() >= end and not view.runs)
        queries = SqlQueries(engine)
        runs = queries.runs(limit=count * (MINUTES + 1))
        skews = [a.skew for run in runs for a in queries.attempts(run.id) if a.skew is not None]
    engine.dispose()
    assert len(skews) == len(runs) >= count * MINUTES
    bare = floor(count, folder)
    line("median", milliseconds(median(skews)), aim="< 100 ms", floor=milliseconds(bare / 2))
    line("99th percentile", milliseconds(quantile(skews, 0.99)))
    line("worst", milliseconds(max(skews)), aim="< 1 s", floor=milliseconds(bare))


def version(dag_id: str) -> DagVersion:
    """One job, every minute."""
    job = JobSpec("only", ("/bin/true",), JOB)
    return DagVersion(dag_id, (job,), schedule=Cron("* * * * *")).with_id()


def floor(count: int, folder: Path) -> float:
    """Seconds to write so many rows as the start of so many runs takes."""
    with closing(sqlite3.connect(folder / "floor.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE event (run TEXT, number INTEGER, at REAL, what TEXT)")
        before = time.process_time()
        database.execute("BEGIN")
        for run in range(count):
            for row in range(ROWS):
                values = (f"d{run:04}@20260101T000000Z", row, time.time(), "queued")
                database.execute("INSERT INTO event VALUES (?, ?, ?, ?)", values)
        database.execute("COMMIT")
        return time.process_time() - before


if __name__ == "__main__":
    main()
