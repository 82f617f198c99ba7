"""Reading DAG files, from the folder to the store: `python -m benchmarks.loading`.

The floor is what Python takes to compile and execute the same files with nothing behind `DAG` and `Job`, in one
warm process.
"""

import resource
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

from benchmarks.report import line, machine, median, milliseconds, title
from moroccron.adapters.clock import SystemClock
from moroccron.adapters.sql.engine import open_engine
from moroccron.adapters.sql.schema import upgrade
from moroccron.adapters.sql.store import SqlStore
from moroccron.core.decide import decide
from moroccron.core.view import View
from moroccron.loader import Loader
from moroccron.model.events import FilesLoaded

FILES = 500
JOBS = 20
REPEATS = 3
CHANGES = 10
IDLE_SECONDS = 10.0
PATIENCE = 30.0


def main() -> None:
    print(machine())
    title(f"{FILES} files of {JOBS} jobs")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder)
        line("bare Python, compile and exec", milliseconds(floor(folder)))
        walls, cpus = zip(*(cold(folder) for _ in range(REPEATS)), strict=True)
        line("cold, to FilesLoaded", f"{median(walls):.2f} s", aim="1.2 s")
        line("cold, CPU of parent and children", f"{median(cpus):.2f} s")
        stored = median([to_store(folder) for _ in range(REPEATS)])
        line("cold, to rows committed in SQLite", f"{stored:.2f} s", aim="< 2 s")
        watching(folder)


def write_files(folder: Path, files: int = FILES, jobs: int = JOBS) -> None:
    """DAG files with a cron each; a job waits for the one before it and, further on, for the tenth before."""
    for number in range(files):
        (folder / f"dag_{number:03}.py").write_text(source(f"dag_{number:03}", jobs))


def source(dag_id: str, jobs: int, note: str = "") -> str:
    """A DAG file as people write them: a job and its edges per line."""
    lines = [
        f'"""A generated DAG. {note}"""',
        "from moroccron import DAG, Job",
        f'with DAG("{dag_id}", schedule="30 2 * * *", owners=["bench"], defaults={{"retries": 1}}):',
    ]
    for job in range(jobs):
        lines.append(f'    j{job} = Job("j{job}", "echo {job}", cpus=0.2, mem=128, priority={job})')
        lines += [f"    j{up} >> j{job}" for up in (job - 1, job - 10) if up >= 0]
    return "\n".join(lines) + "\n"


class _Nothing:
    """Stands for DAG and Job, and does nothing."""

    def __init__(self, *args: object, **fields: object) -> None: ...
    def __enter__(self) -> None: ...
    def __exit__(self, *error: object) -> None: ...
    def __rshift__(self, other: object) -> object:
        return other


def floor(folder: Path) -> float:
    begin = time.perf_counter()
    for path in sorted(folder.glob("*.py")):
        text = path.read_text().replace("from moroccron import DAG, Job", "")
        exec(compile(text, str(path), "exec"), {"DAG": _Nothing, "Job": _Nothing})
    return time.perf_counter() - begin


def cold(folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds of reading everything."""
    cpu, begin = cpu_seconds(), time.perf_counter()
    loaded = Loader(folder).load_all()
    wall = time.perf_counter() - begin
    assert (
        sum(len(version.jobs) for file in loaded.files for version in file.versions) == FILES * JOBS
    )
    return wall, cpu_seconds() - cpu


def to_store(folder: Path) -> float:
    """Seconds from an empty database to one that holds every version, as a scheduler's first batch does it."""
    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite:///{name}/bench.db"
        upgrade(url)
        engine = open_engine(url)
        with closing(SqlStore(engine)) as store:
            term = store.begin_term("bench")
            begin = time.perf_counter()
            now = SystemClock().now()
            view = View(store.load(), term=term, now=now)
            store.commit(term, decide(view, [Loader(folder).load_all()], now).changes)
            wall = time.perf_counter() - begin
            assert len(view.dags) == FILES
        engine.dispose()
    return wall


def cpu_seconds() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(use.ru_utime + use.ru_stime for use in map(resource.getrusage, kinds))


def watching(folder: Path) -> None:
    """One file changes, time and again; then nothing does."""
    loader, news, stop = Loader(folder), _News(), threading.Event()
    loader.load_all()
    thread = threading.Thread(target=loader.watch, args=(news.take, stop))
    thread.start()
    try:
        news.await_after(lambda: (folder / "first.py").write_text(source("first", 1)))
        waits = [news.await_after(lambda n=n: change(folder, n)) for n in range(CHANGES)]
        line("one change, written to FilesLoaded", milliseconds(median(waits)), aim="300 ms")
        line("the slowest", milliseconds(max(waits)), aim="1 s")
        cpu = cpu_seconds()
        stop.wait(IDLE_SECONDS)
        share = (cpu_seconds() - cpu) / IDLE_SECONDS
        line("idle, share of a core", f"{share:.3%}", aim="1 % for the scheduler")
    finally:
        stop.set()
        thread.join()


def change(folder: Path, number: int) -> None:
    (folder / "dag_007.py").write_text(source("dag_007", JOBS, f"Change {number}."))


class _News:
    """Waits for what the watcher emits."""

    def __init__(self) -> None:
        self._arrived = threading.Event()

    def take(self, _: FilesLoaded) -> None:
        self._arrived.set()

    def await_after(self, act: object) -> float:
        self._arrived.clear()
        begin = time.perf_counter()
        assert callable(act)
        act()
        if not self._arrived.wait(PATIENCE):
            raise TimeoutError("a change was not seen")
        return time.perf_counter() - begin


if __name__ == "__main__":
    main()
