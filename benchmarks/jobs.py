"""How fast jobs go through a whole moroccron: `python -m benchmarks.jobs`.

Fan-out (1 root, 1,000 `/bin/true`, 1 join, 8 at a time), ten layers of a hundred with three random parents each,
200 jobs in a row, and 50 schedules due in one minute. The floor of each is a bare Python loop that spawns the
same commands and commits every start and end to SQLite (WAL, synchronous=FULL), measured in the same run.
"""

import itertools
import os
import random
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.report import line, median, milliseconds, quantile, title
from benchmarks.system import System, resident, running

WIDE = 8
ROUNDS = 3

Graph = Mapping[int, list[int]]  #: job -> its upstream jobs

_DAG = """
from moroccron import DAG, Job

UPSTREAM = {upstream}

with DAG("{name}"):
    jobs = [Job(f"j{{n:04}}", ["/bin/true"], cpus=1, mem=1, disk=1) for n in range(len(UPSTREAM))]
    for n, parents in UPSTREAM.items():
        for parent in parents:
            jobs[parent] >> jobs[n]
"""


def fan_out() -> Graph:
    """1 root, 1,000 jobs, 1 join."""
    middle = list(range(1, 1001))
    return {0: [], **{n: [0] for n in middle}, 1001: middle}


def layers() -> Graph:
    """10 layers of 100 jobs, each with three random parents in the layer before."""
    chance = random.Random(7)
    return {
        n: sorted(chance.sample(range(n // 100 * 100 - 100, n // 100 * 100), 3)) if n >= 100 else []
        for n in range(1000)
    }


def chain(length: int = 200) -> Graph:
    """Jobs in a row."""
    return {n: [n - 1] if n else [] for n in range(length)}


def main() -> None:
    graphs = {"fan_out": fan_out(), "layers": layers(), "chain": chain()}

    def write(folder: Path) -> None:
        for name, graph in graphs.items():
            (folder / f"{name}.py").write_text(_DAG.format(name=name, upstream=dict(graph)))

    with running(f"cpus:{WIDE};mem:4096;disk:4096", write=write) as system:
        for name in graphs:
            system.know(name)
        for name, text in (("fan_out", "1 + 1,000 + 1 jobs"), ("layers", "10 x 100 jobs")):
            throughput(system, name, text, graphs[name])
        hops(system, graphs["chain"])
        idle(system)
    schedules()


def throughput(system: System, name: str, text: str, graph: Graph) -> None:
    """Wall and CPU of one run of the DAG, the best and the median of some rounds."""
    title(f"{text}, {WIDE} at a time")
    walls, cpus = [], []
    for _ in range(ROUNDS):
        before = system.cpu()
        run = system.finish(system.trigger(name))
        assert run.state == "succeeded", run
        assert run.started is not None
        assert run.ended is not None
        walls.append((run.ended - run.started).total_seconds())
        cpus.append((system.cpu() - before) / len(graph) * 1000)
    wall, cpu, floor = median(walls), median(cpus), bare_loop(graph)
    line("from the run's start to its end", f"{wall:.2f} s", aim="< 2 s", floor=f"{floor[0]:.2f} s")
    line(
        "CPU a job, children and all processes",
        f"{cpu:.2f} ms",
        aim="< 2 ms",
        floor=f"{floor[1] / len(graph) * 1000:.2f} ms",
    )


def hops(system: System, graph: Graph) -> None:
    """From the end of one job to the start of the next."""
    title("200 jobs in a row: end of one to start of the next")
    gaps = []
    for _ in range(ROUNDS):
        run_id = system.trigger("chain")
        system.finish(run_id)
        attempts = system.queries.attempts(run_id)
        for one, other in itertools.pairwise(attempts):
            assert one.ended is not None
            assert other.started is not None
            gaps.append((other.started - one.ended).total_seconds())
    floor = bare_loop(graph)[0] / len(graph)
    line("median", milliseconds(median(gaps)), aim="< 5 ms", floor=milliseconds(floor))
    line("99th percentile", milliseconds(quantile(gaps, 0.99)), aim="< 15 ms")


def idle(system: System) -> None:
    """What the processes cost when nothing is due."""
    title("Idle, 10 s")
    names = ("scheduler", "agent")
    before = {name: system.cpu(name) for name in names}
    time.sleep(10)
    for name in names:
        share = (system.cpu(name) - before[name]) / 10 * 100
        line(f"{name}: share of a core", f"{share:.2f} %", aim="< 1 %")
        memory = sum(resident(pid) for pid in system.pids(name))
        line(f"{name}: resident memory", f"{memory:.0f} MB", aim="< 100 MB")


def schedules(count: int = 50) -> None:
    """Many schedules that fire at the same minute: how late their first jobs start."""
    title(f"{count} schedules due in one minute: due to started")
    text = """
from moroccron import DAG, Job

for n in range({count}):
    with DAG(f"due{{n:02}}", schedule="* * * * *"):
        Job("only", ["/bin/true"], cpus=1, mem=1, disk=1)
"""

    def write(folder: Path) -> None:
        (folder / "due.py").write_text(text.format(count=count))

    with running(f"cpus:{count};mem:4096;disk:4096", write=write) as system:
        system.know(f"due{count - 1:02}")
        if datetime.now(UTC).second > 57:  # too late to be seen by all before the minute is full
            system.wait("the next minute", lambda: datetime.now(UTC).second < 5)
        known = datetime.now(UTC)

        def done() -> bool:
            return len([r for r in system.queries.runs(limit=count * 2) if r.ended]) >= count

        system.wait("all runs", done, pause=0.25)
        skews = [
            attempt.skew
            for run in system.queries.runs(limit=count)
            for attempt in system.queries.attempts(run.id)
            if attempt.skew is not None and run.due > known
        ]
    floor = bare_loop({n: [] for n in range(count)}, wide=count)[0]
    line("median", milliseconds(median(skews)), aim="< 150 ms", floor=milliseconds(floor / 2))
    line("worst", milliseconds(max(skews)), aim="< 500 ms", floor=milliseconds(floor))


def bare_loop(graph: Graph, wide: int = WIDE) -> tuple[float, float]:
    """Wall and CPU seconds of the least that could do it: spawn, wait, two commits a job."""
    waiting = {n: set(parents) for n, parents in graph.items()}
    children: dict[int, list[int]] = {n: [] for n in graph}
    for n, parents in graph.items():
        for parent in parents:
            children[parent].append(n)
    ready = [n for n, parents in waiting.items() if not parents]
    with tempfile.TemporaryDirectory() as folder:
        database = sqlite3.connect(Path(folder) / "floor.db", isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE event (job INTEGER, state TEXT, at REAL)")
        usage = os.times()
        began = time.perf_counter()
        live: dict[int, int] = {}
        while ready or live:
            while ready and len(live) < wide:
                job = ready.pop()
                _note(database, job, "started")
                process = subprocess.Popen(["/bin/true"], stdin=subprocess.DEVNULL)
                process.returncode = 0  # waited for below, by process id
                live[process.pid] = job
            pid, _ = os.wait()
            job = live.pop(pid)
            _note(database, job, "ended")
            for child in children[job]:
                waiting[child].discard(job)
                if not waiting[child]:
                    ready.append(child)
        wall = time.perf_counter() - began
        after = os.times()
        database.close()
    return wall, sum(after[:4]) - sum(usage[:4])


def _note(database: sqlite3.Connection, job: int, state: str) -> None:
    database.execute("INSERT INTO event VALUES (?, ?, ?)", (job, state, time.time()))


if __name__ == "__main__":
    main()
