"""The tasks of this agent: launched, watched, killed, reported until heard, and found again after a crash.

Owns the table of live tasks and keeps it equal to their records. It speaks through two doors: `tell` (to the
scheduler) and `order` (to the executor); it knows nothing of connections. Resources are the offer book's.
"""

import logging
import os
import signal
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any

from moroccron.adapters.local import processes
from moroccron.adapters.local.commands import spawn_order
from moroccron.adapters.local.executor import boot_id
from moroccron.adapters.local.lines import Message
from moroccron.adapters.local.notation import Holding
from moroccron.adapters.local.offer_book import OfferBook
from moroccron.adapters.local.records import Line, Records
from moroccron.adapters.local.task import RUN, TIMEOUT, Task, Update, from_launch, from_record
from moroccron.adapters.local.timers import Timers

SETTLE = 1.0  #: seconds after which a process that an executor started as it died must be visible

_ORDER = 50  #: tasks to start by one message, so that none grows too long to be read in one go

log = logging.getLogger("moroccron.agent")


class Tasks:
    """Every method is called from the agent's one thread."""

    def __init__(
        self,
        agent_id: str,
        records: Records,
        book: OfferBook,
        timers: Timers,
        tell: Callable[[Message], None],
        order: Callable[[Message], None],
    ) -> None:
        self._agent_id = agent_id
        self._records = records
        self._book = book
        self._timers = timers
        self._tell = tell
        self._order = order
        self._tasks: dict[str, Task] = {}
        self._held: dict[str, Holding] = {}
        self._followed: dict[str, int] = {}  #: tasks whose executor died, with a pidfd each

    # ------------------------------------------------------------------ what lives

    @property
    def followed(self) -> Collection[int]:
        """Descriptors to wait for; one that is readable goes to `process_gone`."""
        return self._followed.values()

    def live(self) -> list[Task]:
        """The tasks that run or are about to."""
        return [task for task in self._tasks.values() if not task.ended]

    def recover(self) -> None:
        """Read back what an earlier agent left. `settle` is to follow, once the executor was heard."""
        found = []
        for task_id, lines in self._records.live():
            task = from_record(task_id, lines)
            if task is None:
                self._records.close(task_id)
            else:
                found.append(task)
        for task in sorted(found, key=lambda task: task.launched):
            self._tasks[task.id] = task
            if not task.ended:
                self._held[task.id] = self._book.occupy(Holding(task.resources, task.ports))

    # ------------------------------------------------------------------ from the scheduler

    def launch(self, launches: Iterable[tuple[dict[str, Any], Holding]]) -> None:
        """Start tasks whose resources were cut from offers."""
        orders = []
        for launch, holding in launches:
            now = time.time()
            task_id = launch["task_id"]
            line = {"what": "launch", "at": now, "agent_id": self._agent_id, "launch": launch}
            try:
                self._records.create(task_id, line)
            except FileExistsError:
                self._book.give_back(holding)
                self.refuse(task_id, "error", "task_invalid", "this task id was used before")
            except OSError as error:
                self._book.give_back(holding)
                message = f"cannot make the task's sandbox: {error}"
                self.refuse(task_id, "dropped", "sandbox_failed", message)
            else:
                self._tasks[task_id] = from_launch(launch, self._agent_id, now)
                self._held[task_id] = holding
                orders.append(spawn_order(launch, self._records))
        for start in range(0, len(orders), _ORDER):
            self._order({"spawn": orders[start : start + _ORDER]})

    def refuse(self, task_id: str, state: str, reason: str, message: str) -> None:
        """A word about a launch that made no task. It is not repeated: reconciliation answers a doubt."""
        update = Update("", state, time.time(), reason=reason, message=message)
        self._tell(self._message(task_id, update))

    def kill(self, task_id: str, reason: str, grace: float) -> None:
        """TERM now, KILL after the grace, to all processes of the task. For one that is over: its state."""
        task = self._tasks.get(task_id)
        if task is None or task.ended:
            self._answer(task_id, self._agent_id)
            return
        line = {"what": "kill", "at": time.time(), "reason": reason, "grace": grace}
        repeated = task.kill is not None
        if not repeated or grace < task.grace:
            self._record(task, line)
            self._timers.add(grace, "kill", task_id)
        if not repeated:
            self._signal(task, signal.SIGTERM)

    def acknowledge(self, task_id: str, uuid: str) -> None:
        task = self._tasks.get(task_id)
        if task is not None and task.acknowledge(uuid):
            self._records.close(task_id)
            del self._tasks[task_id]

    def repeat(self) -> None:
        """Tell a new scheduler connection everything that was never acknowledged, in order."""
        for task in self._tasks.values():
            for update in task.pending:
                self._tell(self._message(task.id, update))

    def reconcile(self, asked: Iterable[tuple[str, str]]) -> None:
        """The newest state of each task asked about; of every live task if none is named."""
        named = list(asked) or [(task.id, task.agent_id) for task in self.live()]
        for task_id, agent_id in named:
            self._answer(task_id, agent_id)

    def _answer(self, task_id: str, agent_id: str) -> None:
        task = self._tasks.get(task_id) or from_record(task_id, self._records.find(task_id))
        now = time.time()
        if task is not None:
            update = task.last or Update("", "staging", task.launched)
        elif agent_id not in ("", self._agent_id):
            reason = "this work directory belongs to another agent"
            update = Update("", "gone", now, reason="reconciliation", message=reason)
        else:
            message = "this agent has no record of the task"
            update = Update("", "unknown", now, reason="reconciliation", message=message)
        answer = self._message(task_id, update)
        answer.pop("uuid", None)
        self._tell({**answer, "reconciled": True})

    def _message(self, task_id: str, update: Update) -> Message:
        message: Message = {
            "type": "update",
            "task_id": task_id,
            "agent_id": self._agent_id,
            "state": update.state,
            "at": update.at,
        }
        if update.uuid:
            message["uuid"] = update.uuid
            message["sandbox"] = self._records.sandbox(task_id)
        if update.exit_code is not None:
            message["exit_code"] = update.exit_code
        if update.reason is not None:
            message["reason"] = update.reason
            message["message"] = update.message
        return message

    # ------------------------------------------------------------------ from the executor

    def heard(self, line: Line) -> None:
        """A line that the executor has written into a task's record."""
        if (task := self._tasks.get(line["id"])) is not None:
            self._apply(task, line)

    def settle(self, running: Iterable[str]) -> None:
        """Judge every live task by whether an executor says that it runs it, and by its record.

        To be called when an executor is found (with what it runs) or lost (with nothing).
        """
        known = set(running)
        for task in self.live():
            if task.id in self._followed:
                continue
            for line in self._records.find(task.id)[1:]:
                self._apply(task, line)
            if task.ended:
                continue
            if task.id in known:
                self._resume_timers(task)
            elif task.process is not None:
                self._follow(task)
            else:
                self._timers.add(SETTLE, "settle", task.id)

    def process_gone(self, descriptor: int) -> None:
        """A task that outlived its executor has ended. How, only its parent could have known."""
        task_id = next(key for key, value in self._followed.items() if value == descriptor)
        del self._followed[task_id]
        os.close(descriptor)
        task = self._tasks[task_id]
        if task.process is not None:
            processes.clear_away(task.process, task_id)
        self._lose(task)

    # ------------------------------------------------------------------ from the clock

    def timer(self, kind: str, task_id: str) -> None:
        """A moment came that was asked for. The task may be over by now."""
        task = self._tasks.get(task_id)
        if task is None or task.ended:
            return
        if kind == "timeout":
            self.kill(task_id, TIMEOUT, task.grace)
        elif kind == "kill":
            self._signal(task, signal.SIGKILL)
        elif kind == "settle" and task.process is None:
            self._find(task)

    # ------------------------------------------------------------------ within

    def _apply(self, task: Task, line: Line) -> None:
        """The only way in which a task changes: by a line that is in its record."""
        was_started = task.started is not None
        update = task.apply(line)
        if update is not None:
            self._tell(self._message(task.id, update))
        if task.ended and task.id in self._held:
            self._book.give_back(self._held.pop(task.id))
        elif task.started is not None and not was_started:
            self._watch_timeout(task)

    def _record(self, task: Task, line: Line) -> None:
        try:
            self._records.append(task.id, line)
        except OSError as error:  # told all the same: the disk may be full, the scheduler is not
            log.warning("cannot write the record of %s: %s", task.id, error)
        self._apply(task, line)

    def _follow(self, task: Task) -> None:
        """Its executor is gone, it may run on: wait for its end as a stranger."""
        assert task.process is not None
        descriptor = processes.watch(task.process)
        if descriptor is None:
            self._lose(task)
            return
        self._followed[task.id] = descriptor
        self._resume_timers(task)

    def _find(self, task: Task) -> None:
        """No executor tells of it, nor does its record: it was never started, unless a process says so."""
        process = processes.find(task.id)
        if process is None:
            message = "the executor was ended before it had started the task"
            self._judge(task, "dropped", "executor_terminated", message)
            return
        line = {"what": "spawned", "at": time.time(), "stage": RUN, **process._asdict()}
        self._record(task, line)
        self._follow(task)

    def _lose(self, task: Task) -> None:
        if task.process is not None and task.process.boot != boot_id():
            message = "the machine was restarted while the task ran; how it ended is unknown"
            self._judge(task, "lost", "machine_restarted", message)
        else:
            message = "the executor was ended while the task ran; how the task ended is unknown"
            self._judge(task, "lost", "executor_terminated", message)

    def _judge(self, task: Task, state: str, reason: str, message: str) -> None:
        line = {"what": "verdict", "at": time.time(), "state": state}
        self._record(task, {**line, "reason": reason, "message": message})

    def _signal(self, task: Task, number: int) -> None:
        if task.id in self._followed and task.process is not None:
            processes.signal_all(task.process, number)
        else:
            self._order({"signal": [[task.id, number]]})

    def _resume_timers(self, task: Task) -> None:
        """After a restart, for a task that runs on. What should have passed meanwhile passes now."""
        self._watch_timeout(task)
        if task.kill is not None:
            self._signal(task, signal.SIGTERM)
            self._timers.add(task.kill_at + task.grace - time.time(), "kill", task.id)

    def _watch_timeout(self, task: Task) -> None:
        if task.timeout is not None and task.started is not None:
            self._timers.add(task.started + task.timeout - time.time(), "timeout", task.id)
            self._timers.prune(self._tasks)
