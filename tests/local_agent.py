"""The embedded agent as tests use it: a real process over a folder, and a scheduler that notes all it hears."""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from moroccron.adapters.local.driver import LocalDriver
from moroccron.adapters.local.paths import WorkDir
from moroccron.model.effects import Accept, Acknowledge, Effect
from moroccron.model.events import Disconnected, Event, OffersReceived, StatusReceived, Subscribed
from moroccron.model.offer import Launch, Offer
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey
from moroccron.model.states import ReportedState
from moroccron.ports import Driver
from tests.waiting import PATIENCE, until

RESOURCES = "cpus:4;mem:1000;disk:1000;ports:[31000-31009]"
ENDED = frozenset(
    {
        ReportedState.FINISHED,
        ReportedState.FAILED,
        ReportedState.KILLED,
        ReportedState.LOST,
        ReportedState.DROPPED,
        ReportedState.ERROR,
    }
)


class AgentProcess:
    """One work directory and whatever agent serves it."""

    def __init__(self, folder: Path, *options: str, resources: str = RESOURCES) -> None:
        self.work_dir = WorkDir(folder)
        self._options = ["--work-dir", str(folder), "--resources", resources, *options]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, environ: dict[str, str] | None = None, **options: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "moroccron.adapters.local.agent", *self._options],
            env=os.environ | (environ or {}),
            **options,  # type: ignore[call-overload]
        )

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def kill(self, number: int = signal.SIGKILL) -> int:
        """Signal the agent and wait for its end; its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def executors(self) -> list[int]:
        """The executors that live, known by the log that they hold."""
        return [pid for pid in processes() if reads(pid, "fd/1") == str(self.work_dir.executor_log)]

    def kill_executor(self) -> None:
        (pid,) = self.executors()
        os.kill(pid, signal.SIGKILL)
        until(lambda: not self.executors(), "the executor is dead")

    def tasks(self) -> list[int]:
        """All processes of tasks of this work directory, by their environment."""
        mark = f"MESOS_SANDBOX={self.work_dir.sandboxes}/".encode()
        return [pid for pid in processes() if mark in environ_of(pid)]

    def sandbox(self, task_id: str) -> Path:
        return self.work_dir.sandboxes / task_id

    def clean_up(self) -> None:
        """Leave nothing running, whatever the test did."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        executors = self.executors()
        # A task that has not begun its command yet is only known by its parent.
        begun = [child for pid in executors for child in children(pid)]
        for pid in (*executors, *begun, *self.tasks()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


class Scheduler:
    """A driver with an ear and a few words. Acknowledges nothing by itself, or what is not the end alone."""

    def __init__(self, driver: Driver, *, acknowledges_progress: bool = False) -> None:
        self.driver = driver
        self._acknowledges_progress = acknowledges_progress
        self.events: list[Event] = []
        self._changed = threading.Condition()
        self._names = itertools.count(1)
        self._used: set[str] = set()

    def start(self, framework_id: str | None = "framework-1") -> "Scheduler":
        self.driver.start(framework_id, self._hear)
        return self

    def _hear(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()
        if not self._acknowledges_progress or not isinstance(event, StatusReceived):
            return
        if event.uuid and event.state not in ENDED:
            self.acknowledge(event)

    # ------------------------------------------------------------------ hearing

    def wait(self, found: Callable[[], object], what: str) -> object:
        """Block until the events heard so far satisfy a question."""
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            while not (answer := found()):
                if not self._changed.wait(deadline - time.monotonic()):
                    raise AssertionError(f"not heard: {what}; heard {self.events}")
            return answer

    def subscribed(self) -> Subscribed:
        event = self.wait(lambda: self.of(Subscribed), "Subscribed")
        assert isinstance(event, list)
        return event[-1]

    def disconnected(self) -> Disconnected:
        event = self.wait(lambda: self.of(Disconnected), "Disconnected")
        assert isinstance(event, list)
        return event[-1]

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    def offers(self) -> list[Offer]:
        """Those not used yet, of the newest connection."""
        heard: list[Offer] = []
        for event in self.events:
            if isinstance(event, Subscribed | Disconnected):
                heard.clear()
            elif isinstance(event, OffersReceived):
                heard.extend(event.offers)
        return [offer for offer in heard if offer.id not in self._used]

    def free_cpus(self) -> int:
        return sum(offer.resources.cpus for offer in self.offers())

    def agent_id(self) -> str:
        """Of the first offer that was ever heard."""
        self.wait(lambda: self.of(OffersReceived), "an offer")
        return self.of(OffersReceived)[0].offers[0].agent_id

    def offer(self) -> Offer:
        self.wait(self.offers, "an offer")
        return self.offers()[-1]

    def statuses(self, task_id: str) -> list[StatusReceived]:
        return [event for event in self.of(StatusReceived) if event.task_id == task_id]

    def status(self, task_id: str, *states: ReportedState) -> StatusReceived:
        """The first word of this kind about a task."""

        def found() -> StatusReceived | None:
            return next((s for s in self.statuses(task_id) if s.state in states), None)

        event = self.wait(found, f"{task_id}: {[str(state) for state in states]}")
        assert isinstance(event, StatusReceived)
        return event

    def running(self, task_id: str) -> StatusReceived:
        return self.status(task_id, ReportedState.RUNNING)

    def end(self, task_id: str) -> StatusReceived:
        return self.status(task_id, *ENDED)

    # ------------------------------------------------------------------ speaking

    def do(self, *effects: Effect) -> None:
        self.driver.perform(effects)

    def launch(self, command: str | tuple[str, ...], cpus: int = 1000, **fields: object) -> str:
        """Run a command out of the next offers; the task's id."""
        self.wait(lambda: self.free_cpus() >= cpus, f"offers of {cpus} cpus")
        offers = self.offers()
        task_id = str(fields.pop("task_id", f"dag@run@job{next(self._names)}@1.1"))
        resources = fields.pop("resources", Resources(cpus=cpus, mem=10))
        launch = Launch(
            task_id,
            AttemptKey("dag@run", "job", 1),
            offers[0].agent_id,
            command,
            resources,
            **fields,  # type: ignore[arg-type]
        )
        self.use(offers, launch)
        return task_id

    def use(self, offers: list[Offer], *launches: Launch, refuse_seconds: float = 0.0) -> None:
        ids = tuple(offer.id for offer in offers)
        self._used.update(ids)
        self.do(Accept(ids, launches, refuse_seconds))

    def acknowledge(self, *statuses: StatusReceived) -> None:
        for status in statuses:
            assert status.uuid is not None
            assert status.agent_id is not None
            self.do(Acknowledge(status.task_id, status.agent_id, status.uuid))

    def run(self, command: str | tuple[str, ...], **fields: object) -> StatusReceived:
        """Launch, wait for the end, acknowledge all."""
        task_id = self.launch(command, **fields)
        end = self.end(task_id)
        self.acknowledge(*(s for s in self.statuses(task_id) if s.uuid))
        return end


def scheduler_of(agent: AgentProcess) -> Scheduler:
    """A scheduler that is not started yet."""
    return Scheduler(LocalDriver(agent.work_dir.agent_socket))


# ---------------------------------------------------------------------- looking at processes


def processes() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def reads(pid: int, name: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/{name}")
    except OSError:
        return ""


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def environ_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))
