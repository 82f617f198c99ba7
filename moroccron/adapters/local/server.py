"""The agent's loop: one thread, one scheduler connection, one executor, and the next moment to wake at.

Each turn reads all that came, acts, makes offers, then sends once to each side. So an update and the offer of
what it freed reach the scheduler together, update first. What messages say is described in `wire`.
"""

import logging
import selectors
import signal
import socket
import time
from collections.abc import Callable

from moroccron.adapters.local import paths
from moroccron.adapters.local.desk import Desk
from moroccron.adapters.local.executor_link import ExecutorLink
from moroccron.adapters.local.identity import Identity
from moroccron.adapters.local.lines import LineConnection, Message
from moroccron.adapters.local.notation import Holding
from moroccron.adapters.local.offer_book import OfferBook
from moroccron.adapters.local.paths import WorkDir
from moroccron.adapters.local.records import Records
from moroccron.adapters.local.sweeper import Sweeper
from moroccron.adapters.local.task import REQUESTED, STOPPED
from moroccron.adapters.local.tasks import Tasks
from moroccron.adapters.local.timers import Timers

log = logging.getLogger("moroccron.agent")

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_GOODBYE = 1.0  #: seconds in which the last messages must be sent when the agent ends


class Server:
    """Everything the agent process does after it has its lock. `run` returns when it may end."""

    def __init__(
        self, work_dir: WorkDir, identity: Identity, total: Holding, sweeper: Sweeper
    ) -> None:
        self._work_dir = work_dir
        self._identity = identity
        self._sweeper = sweeper
        self._timers = Timers(time.monotonic)
        self._book = OfferBook(total, identity.life)
        self._tasks = Tasks(
            identity.agent_id,
            Records(work_dir),
            self._book,
            self._timers,
            self._tell,
            self._order,
        )
        self._desk = Desk(identity, self._book, self._tasks, self._tell)
        self._executor = ExecutorLink(work_dir)
        self._selector = selectors.DefaultSelector()
        self._scheduler: LineConnection | None = None
        self._newcomers: set[LineConnection] = set()
        self._following: set[int] = set()
        self._stop_signals = 0
        self._stopping = 0
        self._listener: socket.socket | None = None
        self._handlers: dict[str, Callable[[Message], None]] = {
            "launches": self._desk.announce,
            "accept": self._desk.accept,
            "decline": self._desk.decline,
            "kill": lambda m: self._tasks.kill(m["task_id"], REQUESTED, m["grace"]),
            "acknowledge": lambda m: self._tasks.acknowledge(m["task_id"], m["uuid"]),
            "reconcile": lambda m: self._tasks.reconcile([(t, a) for t, a in m["tasks"]]),
            "suppress": lambda _: self._book.suppress(),
            "revive": lambda _: self._book.revive(),
        }

    # ------------------------------------------------------------------ life

    def run(self) -> None:
        """Find what runs, then serve until told to stop."""
        self._catch_signals()
        self._tasks.recover()
        if self._executor.find():
            self._watch_executor()  # its first message says what it runs; schedulers wait for that
        else:
            self._tasks.settle(())
            self._start_executor()
            self._listen()
        self._sweep()
        while not self._is_done():
            self._turn()
        self._leave()

    def _is_done(self) -> bool:
        return self._stopping > 0 and not self._tasks.live()

    def _turn(self) -> None:
        wake = self._wake_at()
        timeout = None if wake is None else max(0.0, wake - time.monotonic())
        for key, mask in self._selector.select(timeout):
            key.data(mask)
        for kind, name in self._timers.due():
            self._sweep() if kind == "sweep" else self._tasks.timer(kind, name)
        self._heed_signals()
        self._follow()
        if self._scheduler is not None and not self._stopping:
            self._desk.make_offer()
        self._flush()

    def _wake_at(self) -> float | None:
        moments = (self._timers.next(), self._book.wake_at(time.monotonic()))
        return min((moment for moment in moments if moment is not None), default=None)

    def _sweep(self) -> None:
        self._timers.add(self._sweeper.sweep(), "sweep")

    def _leave(self) -> None:
        """Updates that nobody acknowledged stay on the disk, for the next agent."""
        self._executor.dismiss()
        if self._scheduler is not None:
            self._scheduler.finish(_GOODBYE)
        for newcomer in self._newcomers:
            newcomer.close()
        if self._listener is not None:
            self._listener.close()
        self._selector.close()
        self._wake.close()
        self._wake_writer.close()

    # ------------------------------------------------------------------ signals

    def _catch_signals(self) -> None:
        self._wake, self._wake_writer = socket.socketpair()
        self._wake.setblocking(False)
        self._wake_writer.setblocking(False)
        signal.set_wakeup_fd(self._wake_writer.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._wake, _READ, lambda _: self._wake.recv(4096))
        signal.signal(signal.SIGTERM, lambda *_: self._count_stop(1))
        signal.signal(signal.SIGINT, lambda *_: self._count_stop(2))

    def _count_stop(self, urgency: int) -> None:
        self._stop_signals += urgency

    def _heed_signals(self) -> None:
        """First: take no new tasks. Second, or an interrupt: end those that run."""
        if self._stop_signals <= self._stopping:
            return
        if self._stopping == 0:
            for offer_id in self._book.withdraw():
                self._tell({"type": "rescind", "offer_id": offer_id})
            log.info("stopping: no new tasks; %d still run", len(self._tasks.live()))
        if self._stopping < 2 <= self._stop_signals:
            for task in self._tasks.live():
                self._tasks.kill(task.id, STOPPED, task.grace)
        self._stopping = self._stop_signals

    # ------------------------------------------------------------------ the executor

    def _start_executor(self) -> None:
        self._executor.start()
        self._watch_executor()

    def _watch_executor(self) -> None:
        assert self._executor.connection is not None
        self._selector.register(self._executor.connection.socket, _READ, self._hear_executor)

    def _order(self, message: Message) -> None:
        if self._executor.connection is None and "spawn" in message:
            self._start_executor()
        if self._executor.connection is not None:
            self._executor.connection.send(message)

    def _hear_executor(self, _: int) -> None:
        connection = self._executor.connection
        if connection is None:
            return
        messages = connection.receive()
        if messages is None:
            self._executor_lost()
            return
        for message in messages:
            if "what" in message:
                self._tasks.heard(message)
            elif self._listener is None:
                self._tasks.settle(message["running"])
                self._listen()

    def _executor_lost(self) -> None:
        """Its tasks run on without a parent. Another executor is started when there is work for it."""
        assert self._executor.connection is not None
        log.warning("the executor is gone; following its tasks by their processes")
        self._selector.unregister(self._executor.connection.socket)
        self._executor.lost()
        self._tasks.settle(())
        if self._listener is None:
            self._listen()

    def _follow(self) -> None:
        """Wait for the processes of tasks whose executor died."""
        wanted = set(self._tasks.followed)
        for descriptor in wanted - self._following:
            self._selector.register(descriptor, _READ, self._gone(descriptor))
        self._following = wanted

    def _gone(self, descriptor: int) -> Callable[[int], None]:
        def handle(_: int) -> None:
            self._selector.unregister(descriptor)
            self._following.discard(descriptor)
            self._tasks.process_gone(descriptor)

        return handle

    # ------------------------------------------------------------------ schedulers

    def _listen(self) -> None:
        self._listener = paths.listen(self._work_dir.agent_socket)
        self._listener.setblocking(False)
        self._selector.register(self._listener, _READ, self._greet)

    def _greet(self, _: int) -> None:
        assert self._listener is not None
        try:
            accepted, _address = self._listener.accept()
        except OSError:
            return
        connection = LineConnection(accepted)
        self._newcomers.add(connection)
        self._selector.register(accepted, _READ, lambda _: self._hear(connection))

    def _hear(self, connection: LineConnection) -> None:
        if connection is not self._scheduler and connection not in self._newcomers:
            return  # sent off earlier in this turn
        messages = connection.receive()
        if messages is None:
            self._forget(connection)
            return
        for message in messages:
            if not self._obey(connection, message):
                return

    def _obey(self, connection: LineConnection, message: Message) -> bool:
        """Whether to read on. A message that makes no sense ends its connection, not the agent."""
        try:
            if message["type"] == "subscribe":
                self._subscribe(connection, message.get("framework_id"))
            elif connection is self._scheduler:
                self._handlers[message["type"]](message)
            else:
                raise ValueError("subscribe first")
        except (KeyError, TypeError, ValueError) as error:
            log.warning("a message was refused: %r", error)
            self._send_off(connection, f"bad message: {error!r}")
            return False
        return True

    def _subscribe(self, connection: LineConnection, framework_id: str | None) -> None:
        """The newest subscription is the scheduler; the one before it is told that it is no more."""
        if framework_id is not None and not isinstance(framework_id, str):
            raise ValueError("framework_id is not a text")
        if self._scheduler is not None and self._scheduler is not connection:
            self._send_off(self._scheduler, "failed over")
        self._newcomers.discard(connection)
        self._scheduler = connection
        self._book.withdraw()
        self._book.revive()
        self._desk.begin()
        identity = self._identity.subscribed(framework_id)
        self._tell({"type": "subscribed", **identity})
        self._tasks.repeat()

    def _send_off(self, connection: LineConnection, reason: str) -> None:
        connection.send({"type": "error", "message": reason})
        connection.flush()
        self._forget(connection)

    def _forget(self, connection: LineConnection) -> None:
        """Its offers are void: nobody will answer them."""
        self._selector.unregister(connection.socket)
        connection.close()
        self._newcomers.discard(connection)
        if connection is self._scheduler:
            self._scheduler = None
            self._book.withdraw()

    def _tell(self, message: Message) -> None:
        if self._scheduler is not None:
            self._scheduler.send(message)

    def _flush(self) -> None:
        scheduler, executor = self._scheduler, self._executor.connection
        if executor is not None:
            self._flush_one(executor, self._hear_executor, self._executor_lost)
        if scheduler is not None:
            self._flush_one(
                scheduler, lambda _: self._hear(scheduler), lambda: self._forget(scheduler)
            )

    def _flush_one(
        self, connection: LineConnection, hear: Callable[[int], None], lost: Callable[[], None]
    ) -> None:
        """What does not fit is sent when there is room; until then a turn is due for that, too."""
        sent = connection.flush()
        if sent is None:
            lost()
            return
        key = self._selector.get_key(connection.socket)
        wanted = _READ if sent else _READ | _WRITE
        if key.events != wanted:
            self._selector.modify(connection.socket, wanted, hear)
