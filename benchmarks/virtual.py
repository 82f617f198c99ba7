"""The engine with a durable store on a simulated cluster in virtual time: `python -m benchmarks.virtual [JOBS]`.

100 DAGs of a root, 998 jobs and a join each, all triggered at once on 100 agents with room for 1,000 jobs,
each job a minute long. What is measured is the engine: deciding, packing, committing; the cluster costs little and
says how much.
"""

import resource
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from benchmarks.report import line, title
from moroccron.adapters.sql.commands import SqlCommands
from moroccron.adapters.sql.engine import open_engine
from moroccron.adapters.sql.queries import SqlQueries
from moroccron.adapters.sql.schema import upgrade
from moroccron.adapters.sql.store import SqlStore
from moroccron.bootstrap.collector import collect_rarely
from moroccron.core.view import View
from moroccron.feed import CommandFeed
from moroccron.loop import Loop
from moroccron.model.command import TriggerRun
from moroccron.model.dag_version import DagVersion, JobSpec
from moroccron.model.events import FilesLoaded
from moroccron.model.load import LoadedFile
from moroccron.model.resources import Resources
from moroccron.model.states import RunState
from moroccron.simulation.agents import AgentSpec
from moroccron.simulation.clock import VirtualClock
from moroccron.simulation.cluster import SimulatedCluster
from moroccron.simulation.tasks import Course
from moroccron.testing.stage import play

JOBS = 100_000
JOBS_PER_RUN = 1_000
AGENTS = 100
AGENT = Resources(cpus=10_000, mem=10_000, disk=10_000)
JOB = Resources(cpus=1_000, mem=100)


def main() -> None:
    collect_rarely()
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else JOBS
    with tempfile.TemporaryDirectory() as folder:
        measure(jobs // JOBS_PER_RUN, Path(folder))


def measure(runs: int, folder: Path) -> None:
    """Trigger every DAG at the same moment and play until all runs are over."""
    title(f"{runs * JOBS_PER_RUN:,} job runs on {AGENTS} simulated agents, SQLite")
    url = f"sqlite:///{folder}/bench.db"
    upgrade(url)
    engine = open_engine(url)
    clock = VirtualClock()
    cluster = SimulatedCluster(
        [AgentSpec(f"a{n:03}", AGENT) for n in range(AGENTS)], clock, script=lambda _: Course(60.0)
    )
    with closing(SqlStore(engine, now=clock.now)) as store:
        term = store.begin_term("bench")
        view = View(store.load(), term=term, now=clock.now())
        loop = Loop(view=view, store=store, driver=cluster, clock=clock)
        dags = [version(f"d{n:03}") for n in range(runs)]
        loop.emit(FilesLoaded(tuple(LoadedFile(f"{d.dag_id}.py", (d,)) for d in dags)))
        loop.turn(loop.drain())
        commands, feed = SqlCommands(engine), CommandFeed(store, loop.emit)
        for dag in dags:
            commands.submit(TriggerRun(dag.dag_id), "bench")
        while feed.poll():
            pass
        cluster.start(None, loop.emit)
        before, cpu = time.perf_counter(), time.process_time()
        turns = play(loop, cluster, clock, lambda: bool(cluster.starts) and not view.runs)
        wall, cpu = time.perf_counter() - before, time.process_time() - cpu
        over = SqlQueries(engine).runs(states=[RunState.SUCCEEDED], limit=runs)
        assert len(over) == runs
    engine.dispose()
    total = runs * JOBS_PER_RUN
    assert len(cluster.starts) == total
    line("job runs per second", f"{total / wall:,.0f}", aim="5,000")
    line("CPU per job run", f"{cpu / total * 1e6:.0f} us")
    line("turns of the loop, jobs a turn", f"{turns:,}, {total / turns:.0f}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line("peak memory", f"{memory:.0f} MB")


def version(dag_id: str) -> DagVersion:
    """A root, many, and a join."""
    root = JobSpec("root", ("/bin/true",), JOB)
    middle = [
        JobSpec(f"j{n:04}", ("/bin/true",), JOB, upstream=("root",))
        for n in range(JOBS_PER_RUN - 2)
    ]
    join = JobSpec("join", ("/bin/true",), JOB, upstream=tuple(job.id for job in middle))
    return DagVersion(dag_id, (root, *middle, join)).with_id()


if __name__ == "__main__":
    main()
