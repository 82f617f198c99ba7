"""What the graph of a 1,000-job run costs to give: `python -m benchmarks.graph_data`. Aim: 20 ms and 200 kB.

Through the whole app (routing, queries on SQLite, JSON), in this process: the network is left out. The floor is
`json.dumps` of the bare ids, edges, states and times, from memory, by the names that people would give them.
"""

import gzip
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from flask.testing import FlaskClient

from benchmarks.report import line, machine, median, milliseconds, quantile, title
from moroccron.adapters.sql.commands import SqlCommands
from moroccron.adapters.sql.engine import open_engine
from moroccron.adapters.sql.queries import SqlQueries
from moroccron.adapters.sql.schema import upgrade
from moroccron.adapters.sql.store import SqlStore
from moroccron.api.app import create_app
from moroccron.bootstrap.previews import StoredPreviews
from moroccron.model.dag_version import DagVersion
from moroccron.model.run import JobRun
from moroccron.ports import Queries
from moroccron.testing.world import TextLogs, a_layered_dag, big_run

JOBS = 1000
ROUNDS = 40
DAG = "big-layers"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        upgrade(url)
        engine = open_engine(url)
        with closing(SqlStore(engine)) as store:
            store.commit(store.begin_term("bench"), big_run(datetime.now(UTC), JOBS))
        queries = SqlQueries(engine)
        app = create_app(
            queries,
            SqlCommands(engine),
            TextLogs(lambda *_: b""),
            StoredPreviews(queries),
            version="bench",
        )
        measure(queries, app.test_client())
        engine.dispose()


def measure(queries: Queries, client: FlaskClient) -> None:
    title(f"graph of a {JOBS}-job run ({machine()})")
    run_id = queries.runs(dag_id=DAG, limit=1)[0].id
    version = a_layered_dag(JOBS)
    jobs = queries.job_runs(run_id)
    size, spent = len(floor(version, jobs)), timed(lambda: floor(version, jobs))
    bound = f"{milliseconds(median(spent))}, {size / 1000:.0f} kB"
    aim = "20 ms, 200 kB"
    told("all at once", client, f"/api/v1/dags/{DAG}/graph?run={run_id}", aim, bound)
    structure = f"/api/v1/dags/{DAG}/versions/{version.id}/graph"
    told("the definition's part, kept for ever", client, structure)
    told("the run's part, asked for at each change", client, f"/api/v1/runs/{run_id}/states")


def told(name: str, client: FlaskClient, path: str, aim: str = "", bound: str = "") -> None:
    """One address: time, size as sent to who cannot decompress, and packed."""

    def get() -> bytes:
        response = client.get(path)
        if response.status_code != 200:
            raise RuntimeError(f"{path}: {response.status}")
        return response.data

    data = get()
    spent = timed(get)
    size = f"{len(data) / 1000:.0f} kB ({len(gzip.compress(data, 1)) / 1000:.0f} packed)"
    times = f"{milliseconds(median(spent))} (p95 {milliseconds(quantile(spent, 0.95))})"
    line(name, f"{times}, {size}", aim=aim, floor=bound)


def timed(act: Callable[[], object]) -> list[float]:
    out = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        act()
        out.append(time.perf_counter() - begun)
    return out


def floor(version: DagVersion, jobs: Sequence[JobRun]) -> bytes:
    """The bare minimum, without a database and without cleverness."""
    nodes = [
        {
            "id": job.job_id,
            "state": job.state.value,
            "start": job.started and job.started.timestamp(),
            "end": job.ended and job.ended.timestamp(),
        }
        for job in jobs
    ]
    edges = [[up, spec.id] for spec in version.jobs for up in spec.upstream]
    return json.dumps({"nodes": nodes, "edges": edges}).encode()


if __name__ == "__main__":
    main()
