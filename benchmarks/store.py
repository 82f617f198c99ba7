"""What the store costs beside what the database itself costs: `python -m benchmarks.store [URL]`.

Without a URL it measures SQLite in a folder of its own, with the bare driver's figure (the floor) beside each
of the writer's. With one it fills that database, which must be empty, and prints no floors.
"""

import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from moroccron.adapters.sql.engine import open_engine
from moroccron.adapters.sql.queries import SqlQueries
from moroccron.adapters.sql.schema import upgrade
from moroccron.adapters.sql.store import SqlStore
from moroccron.model.changes import AttemptChanged, Change, Happened, JobRunChanged, RunChanged
from moroccron.model.run import Attempt
from moroccron.model.states import AttemptState, JobRunState, RunState
from moroccron.testing import EPOCH, a_job_run, a_run, a_run_of, a_version, an_attempt

T = TypeVar("T")

SMALL_COMMITS = 2000
JOBS = 1000  # of a run
RUNS = 100


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/bench.db"
        upgrade(url)
        engine = open_engine(url)
        with closing(SqlStore(engine)) as store:
            measure(store, SqlQueries(engine))
        engine.dispose()
        if len(sys.argv) == 1:
            floors(Path(folder) / "floor.db")


def measure(store: SqlStore, queries: SqlQueries) -> None:
    term = store.begin_term("bench")
    version = a_version("wide", jobs=[f"job-{n:04}" for n in range(JOBS)])
    run = a_run(version)
    store.commit(term, a_run_of(version, run))

    small = [list(one_end(run.id, job.id)) for job in version.jobs] * (SMALL_COMMITS // JOBS)
    report_each("commit of 1 attempt, 1 job run, 2 lines", small, lambda c: store.commit(term, c))

    large = [
        change for job in version.jobs for _ in range(3) for change in one_end(run.id, job.id)
    ][:10_000]
    lines = [line(run.id, "job-0000")] * 10_000
    report_rate("commit of changes, 4 kinds, repeated keys", len(large), store, term, large)
    report_rate("commit of history lines", len(lines), store, term, lines)
    new_runs = [list(fill(day)) for day in range(1, RUNS + 1)]
    report_rate(
        "commit of new job runs and attempts",
        sum(map(len, new_runs)),
        store,
        term,
        [change for changes in new_runs for change in changes],
    )
    print(f"the database now holds {RUNS * JOBS} job runs and attempts")
    report_each("the small commit again", small[:JOBS], lambda c: store.commit(term, c))
    report("load", lambda: store.load(), times=2)
    report("job_runs of 1,000 jobs", lambda: queries.job_runs(run.id))
    report("attempts of 1,000 jobs", lambda: queries.attempts(run.id))
    report("dags", lambda: queries.dags())
    report("runs", lambda: queries.runs())
    report("history of a run, 500 lines", lambda: queries.history(run_id=run.id))
    report("last_history_id", lambda: queries.last_history_id())
    report("attempt_count_by_state", lambda: queries.attempt_count_by_state())


def line(run_id: str, job_id: str) -> Happened:
    return Happened(
        EPOCH,
        "attempt",
        "status update: running",
        dag_id="wide",
        run_id=run_id,
        job_id=job_id,
        number=1,
        from_state="launching",
        to_state="running",
    )


def ended(run_id: str, job_id: str) -> Attempt:
    return an_attempt(
        run_id,
        job_id,
        state=AttemptState.SUCCEEDED,
        task_id=f"{run_id}@{job_id}@1.1",
        agent_id="5c8f2f5e-5b0e-4f3c-9a60-2b1f3c7c0d11-S0",
        hostname="agent.example.org",
        agent_url="http://agent.example.org:5051",
        sandbox=f"/var/lib/moroccron/sandboxes/{run_id}/{job_id}/1",
        launched=EPOCH + timedelta(milliseconds=3),
        started=EPOCH + timedelta(milliseconds=5),
        ended=EPOCH + timedelta(seconds=1),
        exit_code=0,
    )


def one_end(run_id: str, job_id: str) -> Iterator[Change]:
    """What the end of one attempt changes."""
    job_run = a_job_run(run_id, job_id, state=JobRunState.SUCCEEDED, attempts=1, ready=EPOCH)
    yield AttemptChanged(ended(run_id, job_id))
    yield JobRunChanged(replace(job_run, started=EPOCH, ended=EPOCH, position=int(job_id[4:])))
    yield line(run_id, job_id)
    yield line(run_id, job_id)


def fill(day: int) -> Iterator[Change]:
    """A run more, as large as the first, all of it still to be loaded."""
    version = a_version("wide", jobs=[f"job-{n:04}" for n in range(JOBS)])
    run = a_run(version, day, state=RunState.RUNNING)
    yield RunChanged(run)
    for job in version.jobs:
        yield from (
            change for change in one_end(run.id, job.id) if not isinstance(change, Happened)
        )


# --------------------------------------------------------------------------- floors


def floors(file: Path) -> None:
    """The same sizes through the bare driver: rows of about as many bytes, one table, one index."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)")
        insert = "INSERT INTO t (a, b) VALUES (?, ?)"
        row = ("x" * 40, "y" * 200)

        def commit(count: int) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(insert, [row] * count)
            connection.execute("COMMIT")

        report_each("floor: bare commit of 4 rows", [4] * SMALL_COMMITS, commit)
        began = time.perf_counter()
        commit(10_000)
        print_rate("floor: bare commit of rows", 10_000, time.perf_counter() - began)


# --------------------------------------------------------------------------- printing


def report_each(what: str, items: list[T], work: Callable[[T], object]) -> None:
    taken = []
    cpu = time.process_time()
    for item in items:
        began = time.perf_counter()
        work(item)
        taken.append((time.perf_counter() - began) * 1000)
    cpu = (time.process_time() - cpu) * 1000 / len(items)
    p99 = statistics.quantiles(taken, n=100)[98]
    median = statistics.median(taken)
    print(f"{what:45} {median:8.3f} ms median  {p99:8.3f} ms p99  {cpu:6.3f} ms cpu")


def report_rate(what: str, count: int, store: SqlStore, term: int, changes: list[Change]) -> None:
    began = time.perf_counter()
    store.commit(term, changes)
    print_rate(what, count, time.perf_counter() - began)


def print_rate(what: str, count: int, taken: float) -> None:
    print(f"{what:45} {count / taken:8,.0f} a second ({count:,} in {taken * 1000:,.0f} ms)")


def report(what: str, work: Callable[[], object], times: int = 20) -> None:
    report_each(what, [None] * times, lambda _: work())


if __name__ == "__main__":
    main()
