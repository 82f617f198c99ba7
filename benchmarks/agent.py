"""The embedded agent alone, without engine or store: `python -m benchmarks.agent`.

A scheduler that accepts every offer at once drives the agent through its driver: 1,000 `/bin/true` 8 at a time,
200 in a row (end of one, in the agent's words, to the start of the next), and what the processes hold when idle.
The floor is a bare loop that spawns the same commands, measured in the same run.

The folders stay until all is measured: ext4 is slow for a minute to give out the inodes of files just deleted.
"""

import os
import queue
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.report import line, median, milliseconds, quantile, title
from benchmarks.system import resident
from moroccron.adapters.local.driver import LocalDriver
from moroccron.adapters.local.paths import WorkDir
from moroccron.model.effects import Accept, Acknowledge, Effect
from moroccron.model.events import Event, OffersReceived, StatusReceived
from moroccron.model.offer import Launch
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey
from moroccron.model.states import ReportedState

JOBS, IN_A_ROW, WIDE, ROUNDS = 1000, 200, 8, 3
PATIENCE = 60.0
AGENT = "moroccron.adapters.local.agent"
_DEMAND = Resources(cpus=1000, mem=1, disk=1)
_ENDED = {ReportedState.FINISHED, ReportedState.FAILED, ReportedState.LOST, ReportedState.ERROR}


@dataclass
class Scheduler:
    """Launches one task per free cpu, as long as there are tasks left."""

    driver: LocalDriver
    prefix: str
    total: int
    events: "queue.SimpleQueue[Event]" = field(default_factory=queue.SimpleQueue)
    launched: int = 0
    finished: int = 0
    started_at: list[float] = field(default_factory=list)
    ended_at: list[float] = field(default_factory=list)

    def run(self) -> float:
        """Everything, from the first offer to the last end; seconds."""
        begin = time.perf_counter()
        while self.finished < self.total:
            effects: list[Effect] = []
            for event in self._drain():
                self._decide(event, effects)
            self.driver.perform(effects)
        return time.perf_counter() - begin

    def _drain(self) -> Iterator[Event]:
        yield self.events.get(timeout=PATIENCE)
        while not self.events.empty():
            yield self.events.get()

    def _decide(self, event: Event, effects: list[Effect]) -> None:
        if isinstance(event, OffersReceived):
            for offer in event.offers:
                room = offer.resources.cpus // _DEMAND.cpus
                launches = [self._launch(offer.agent_id) for _ in range(room)]
                kept = tuple(launch for launch in launches if launch is not None)
                effects.append(Accept((offer.id,), kept, refuse_seconds=0.0))
        elif isinstance(event, StatusReceived):
            self._note(event)
            if event.uuid and event.agent_id:
                effects.append(Acknowledge(event.task_id, event.agent_id, event.uuid))

    def _launch(self, agent_id: str) -> Launch | None:
        if self.launched == self.total:
            return None
        self.launched += 1
        name = f"{self.prefix}{self.launched}"
        key = AttemptKey(self.prefix, name, 1)
        return Launch(name, key, agent_id, ("/bin/true",), _DEMAND)

    def _note(self, event: StatusReceived) -> None:
        if event.state is ReportedState.RUNNING:
            self.started_at.append(event.at.timestamp())
        elif event.state in _ENDED:
            if event.state is not ReportedState.FINISHED:
                raise RuntimeError(f"{event.task_id}: {event.state} {event.message}")
            self.finished += 1
            self.ended_at.append(event.at.timestamp())


@contextmanager
def agent(folder: Path, resources: str) -> Iterator[tuple[Path, int]]:
    """An agent process over a fresh work directory; the directory and its pid."""
    work_dir = Path(tempfile.mkdtemp(dir=folder))
    process = subprocess.Popen(
        [sys.executable, "-m", AGENT, "--work-dir", str(work_dir), "--resources", resources],
        stderr=subprocess.DEVNULL,
    )
    try:
        yield work_dir, process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)


def executor_of(agent_pid: int) -> int:
    """The agent's only child."""
    children = Path(f"/proc/{agent_pid}/task/{agent_pid}/children").read_text().split()
    return int(children[0])


def cpu(pid: int) -> float:
    """CPU seconds of a process itself, by the scheduler's exact account."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def drive(work_dir: Path, prefix: str, total: int) -> tuple[Scheduler, float]:
    """One scheduler's life; with the seconds it took."""
    driver = LocalDriver(WorkDir(work_dir).agent_socket)
    scheduler = Scheduler(driver, prefix, total)
    driver.start("bench", scheduler.events.put)
    try:
        return scheduler, scheduler.run()
    finally:
        driver.stop()


def throughput(folder: Path) -> None:
    title(f"{JOBS} x /bin/true, {WIDE} at a time")
    floor = min(spawn_floor() for _ in range(ROUNDS))
    with agent(folder, f"cpus:{WIDE};mem:1000;disk:1000") as (work_dir, pid):
        drive(work_dir, "warm-up-", WIDE)
        walls, shares = [], []
        for turn in range(ROUNDS):
            parts = (pid, executor_of(pid), os.getpid())
            before = [cpu(part) for part in parts[:2]] + [time.process_time()]
            _, wall = drive(work_dir, f"t{turn}-", JOBS)
            after = [cpu(part) for part in parts[:2]] + [time.process_time()]
            walls.append(wall)
            shares.append([(b - a) / JOBS for a, b in zip(before, after, strict=True)])
        line("elapsed", f"{median(walls):.2f} s", floor=f"{floor:.2f} s")
        agents, executors, drivers = ([share[n] for share in shares] for n in range(3))
        both = median([a + e for a, e in zip(agents, executors, strict=True)])
        line("CPU a job: agent + executor", milliseconds(both), aim="under 0.4 ms")
        line("  agent", f"{median(agents) * 1e6:.0f} us")
        line("  executor", f"{median(executors) * 1e6:.0f} us")
        line("  driver and this scheduler", f"{median(drivers) * 1e6:.0f} us")


def hops(folder: Path) -> None:
    title(f"{IN_A_ROW} in a row: end of one to start of the next")
    with agent(folder, "cpus:1;mem:1000;disk:1000") as (work_dir, _):
        drive(work_dir, "warm-up-", 5)
        scheduler, _ = drive(work_dir, "hop-", IN_A_ROW)
        ends, starts = sorted(scheduler.ended_at), sorted(scheduler.started_at)
        gaps = [start - end for end, start in zip(ends, starts[1:], strict=False)]
        line("median", milliseconds(median(gaps)), aim="with engine and store under 5 ms")
        line("99th percentile", milliseconds(quantile(gaps, 0.99)), aim="under 15 ms")


def idle(folder: Path) -> None:
    title("Idle")
    with agent(folder, "cpus:8") as (work_dir, pid):
        drive(work_dir, "warm-up-", WIDE)
        line("agent", f"{resident(pid):.1f} MB")
        line("executor", f"{resident(executor_of(pid)):.1f} MB")


def spawn_floor() -> float:
    """The same number of processes, at most so many at once, with nothing kept about them."""
    begin = time.perf_counter()
    living: deque[subprocess.Popen[bytes]] = deque()
    for _ in range(JOBS):
        if len(living) == WIDE:
            living.popleft().wait()
        living.append(subprocess.Popen(["/bin/true"]))
    for process in living:
        process.wait()
    return time.perf_counter() - begin


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="moroccron-bench-") as name:
        for measure in (throughput, hops, idle):
            measure(Path(name))


if __name__ == "__main__":
    main()
