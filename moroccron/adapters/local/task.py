"""A task as the agent sees it: what its record says, and which updates follow from that.

Pure. A task is changed by `apply`ing lines of its record and by nothing else, live and after a restart alike;
therefore a restarted agent comes to the same updates under the same uuids as the one that died.
"""

import signal
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from moroccron.adapters.local.records import Line
from moroccron.model.offer import PortRange
from moroccron.model.resources import Resources

FETCH = "fetch"
RUN = "run"

TIMEOUT = "timeout"  #: reasons for a kill
REQUESTED = "requested"
STOPPED = "stopped"


class Process(NamedTuple):
    """A process that cannot be mistaken for another one that got its pid later."""

    pid: int
    start: int  #: it began at this clock tick since boot, or later
    start_by: int  #: but no later than at this one
    boot: str


@dataclass(slots=True)
class Update:
    """A word about a task that is repeated until it is acknowledged."""

    uuid: str
    state: str  #: in the words of `ReportedState`
    at: float
    exit_code: int | None = None
    reason: str | None = None
    message: str | None = None


@dataclass(slots=True)
class Task:
    """One task, from its launch to the acknowledgement of its end."""

    id: str
    agent_id: str
    resources: Resources
    ports: tuple[PortRange, ...]
    timeout: float | None
    grace: float
    launched: float
    process: Process | None = None
    started: float | None = None  #: when its command, not its fetcher, began
    kill: str | None = None  #: wanted dead, and why
    kill_at: float = 0.0
    ended: bool = False
    last: Update | None = None
    pending: list[Update] = field(default_factory=list)  #: not yet acknowledged, in order

    def apply(self, line: Line) -> Update | None:
        """Take in a line of the record; the update that follows from it, if one does.

        Taking a line in twice does nothing: after a crash the record is simply read again.
        """
        if self.ended:
            return None
        match line["what"]:
            case "spawned":
                return self._spawned(line)
            case "kill":
                self._kill(line)
                return None
            case "ended" | "verdict":
                self.ended = True
                return self._tell(_end(self, line))
        return None

    def acknowledge(self, uuid: str) -> bool:
        """Whether all is over now: nothing will happen any more, and everything was heard."""
        self.pending = [update for update in self.pending if update.uuid != uuid]
        return self.ended and not self.pending

    def _spawned(self, line: Line) -> Update | None:
        if self.started is not None:
            return None
        self.process = Process(line["pid"], line["start"], line["start_by"], line["boot"])
        if line["stage"] != RUN:
            return None
        self.started = line["at"]
        return self._tell(Update(f"{self.id}#1", "running", line["at"]))

    def _kill(self, line: Line) -> None:
        if self.kill is None:
            self.kill, self.kill_at = line["reason"], line["at"]
        self.grace = line["grace"]

    def _tell(self, update: Update) -> Update:
        self.last = update
        self.pending.append(update)
        return update


def from_record(task_id: str, lines: list[Line]) -> Task | None:
    """The task that a record tells of; None when its first line was never completed."""
    if not lines or lines[0]["what"] != "launch":
        return None
    first = lines[0]
    task = from_launch(first["launch"], first["agent_id"], first["at"])
    for line in lines[1:]:
        task.apply(line)
    return task


def from_launch(launch: dict[str, Any], agent_id: str, at: float) -> Task:
    """A task that was just accepted."""
    ports = tuple(PortRange(port, port) for port in sorted(launch.get("ports", ())))
    return Task(
        id=launch["task_id"],
        agent_id=agent_id,
        resources=Resources(**{**launch["resources"], "ports": len(ports)}),
        ports=ports,
        timeout=launch.get("timeout"),
        grace=launch.get("kill_grace", 5.0),
        launched=at,
    )


def _end(task: Task, line: Line) -> Update:
    """The last update. A kill explains an end only if it was asked for before it."""
    at, code = line["at"], line.get("exit_code")
    update = Update(f"{task.id}#2", "failed", at, code)
    if task.kill is not None and task.kill_at <= at:
        _killed(update, task)
    elif line["what"] == "verdict":
        update.state, update.reason = line["state"], line["reason"]
        update.message = line["message"]
    elif "error" in line:
        update.reason, update.message = "command_not_started", line["error"]
    elif line["stage"] == FETCH:
        update.reason = "fetch_failed"
        update.message = "could not fetch the job's uris; its stderr says which and why"
    elif code == 0:
        update.state = "finished"
    else:
        update.reason, update.message = "command_failed", _describe(code, line.get("signal"))
    return update


def _killed(update: Update, task: Task) -> None:
    if task.kill == TIMEOUT:
        update.reason = "max_completion_time_reached"
        update.message = f"ended because it ran longer than its timeout of {task.timeout:g} s"
        return
    update.state = "killed"
    update.reason = "agent_stopped" if task.kill == STOPPED else "kill_requested"
    update.message = "ended on request" if task.kill == REQUESTED else "ended with its agent"


def _describe(code: int | None, number: int | None) -> str:
    if number is None:
        return f"the command exited with status {code}"
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = str(number)
    return f"the command was ended by signal {name}"
