"""The subscription to a master: the one subclass of pymesos' scheduler driver, and what it cures.

A thread of its own connects, listens, notices silence and connects again; whatever a message or a listener does,
it lives on, and never tears the framework down. It tells a `Listener`, whose methods must only put things into
queues. Calls do not go through here but through `sender`: what pymesos would send is closed.

    callbacks that raise, refusals, bad JSON    end one connection at most, and are told (P1, P2)
    waiting                                     is bounded, and can be interrupted by `stop` (P3, P9, P17)
    silence                                     for some heartbeats ends the connection (P4)
    connecting again                            after pauses that grow, with chance in them (P5)
    "failed over", "removed"                    are final: whoever was deposed stays away (P5)
    capabilities, suppressed roles              are as the framework says (P7)
    a change of master                          is seen even when it is undone at once (P10)
    `lost`                                      is told once for each `subscribed` (P14)
    masters                                     come from a detector of ours (P15)
"""

import logging
import os
import selectors
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

from moroccron.adapters.mesos import calls, translate
from moroccron.adapters.mesos.address import parse
from moroccron.adapters.mesos.comeback import Comebacks, Visit
from moroccron.adapters.mesos.credentials import Authorization, anonymous
from moroccron.adapters.mesos.framework import Framework, framework_info
from moroccron.adapters.mesos.library import MesosSchedulerDriver, Process
from moroccron.adapters.mesos.line import Line, Listener
from moroccron.adapters.mesos.patience import Patience
from moroccron.adapters.mesos.stream import Stream
from moroccron.adapters.mesos.transport import Distrusted
from moroccron.model.errors import MoroccronError
from moroccron.ports import DriverEnd, MasterDetector
from moroccron.refrain import Refrain

log = logging.getLogger("moroccron.driver")


class Subscription(MesosSchedulerDriver):
    """Stays subscribed until stopped, or until the master says that it never will be again."""

    # pymesos' own, which it does not declare
    _started: bool
    _master: str
    _stream_id: str | None
    _wakeup_fds: Any

    def __init__(
        self,
        framework: Framework,
        detector: MasterDetector,
        listener: Listener,
        patience: Patience,
        *,
        authorization: Authorization = anonymous,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(
            sched=None,
            framework={},
            master_uri="",
            implicit_acknowledgements=False,
            failover=True,
            timeout=patience.answer,
        )
        self._ours = framework
        self._detector = detector
        self._listener = listener
        self._patience = patience
        self._authorization = authorization
        self._authorized: str | None = None  #: what the last SUBSCRIBE said of who we are
        self._tls = tls
        self._named: str | None = None  #: the leader, as the detector says
        self._redirect: str | None = None  #: where the last master has sent us
        self._comebacks = Comebacks(patience)
        self._leave: str | None = None  #: why the connection is to be given up
        self._suppressed: frozenset[str] = frozenset()
        self._asked_suppressed: tuple[str, ...] = ()  #: what the last SUBSCRIBE said
        self._line: Line | None = None
        self._lines = 0
        self._subscribed_at: float | None = None
        self._deadline = 0.0  #: by which the next event must have come
        self._silence = patience.answer  #: how long no event may come
        self._final = False
        self._silent = Refrain()

    # ------------------------------------------------------------------ for any thread

    @property
    def line(self) -> Line | None:
        """The subscription that holds now; None: there is none."""
        with self._lock:
            return self._line

    def begin(self, framework_id: str | None) -> None:
        """Connect, in a thread of our own, under an id that was stored or none."""
        if framework_id is not None:
            self.framework_id = framework_id
        Process.start(self)
        self._detector.watch(self.follow)

    def stop(self, failover: bool = True) -> None:
        """Leave without tearing down, whatever pymesos' default would be. Waits for the thread, not for long."""
        self._detector.stop()
        Process.stop(self)
        thread = self._io_thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(self._patience.connect + 1)

    def follow(self, master: str | None) -> None:
        """Whom the detector names as the leader. The old one is not used any more."""
        with self._lock:
            if master == self._named:
                return
            self._named = master
            self._leave = f"the leading master is {master}" if master else "no master leads"
            self._redirect = None
        self._notify()

    def reconnect(self, line: Line, reason: str) -> None:
        """Give up a subscription that something is wrong with, unless it is given up already."""
        with self._lock:
            if line is not self._line:
                return
            self._line = None
            self._leave = reason
        self._notify()

    def finish(self, end: DriverEnd, message: str) -> None:
        """Stay away for good, and say why: once."""
        with self._lock:
            if self._final or not self._started:
                return
            self._final, self._started = True, False
            self._leave = message
        self._notify()
        self._tell(lambda: self._listener.ended(end, message))

    @property
    def suppressed(self) -> tuple[str, ...]:
        """Those of our roles that are to get no offers: each SUBSCRIBE replaces what the master knew of them."""
        with self._lock:
            return tuple(role for role in self._ours.roles if role in self._suppressed)

    def suppress(self, roles: Sequence[str]) -> None:
        """No offers for these, also after the next SUBSCRIBE."""
        with self._lock:
            self._suppressed |= frozenset(roles)

    def revive(self, roles: Sequence[str]) -> None:
        """Offers for these again."""
        with self._lock:
            self._suppressed -= frozenset(roles)

    # ------------------------------------------------------------------ what pymesos asks of us

    @property
    def framework(self) -> dict[str, Any]:
        return framework_info(self._ours, self.framework_id)

    def gen_request(self) -> bytes:
        """The SUBSCRIBE. It names no stream, and the roles that are to get no offers."""
        with self._lock:
            self._asked_suppressed = self.suppressed
            body = calls.subscribe(self.framework, self._asked_suppressed)
        data = calls.encode(body)
        headers = [
            "POST /api/v1/scheduler HTTP/1.1",
            f"Host: {parse(self._master).netloc}",
            "Content-Type: application/json",
            "Accept: application/json",
            "Connection: close",
            f"Content-Length: {len(data)}",
        ]
        self._authorized = self._authorization()
        if self._authorized is not None:
            headers.append(f"Authorization: {self._authorized}")
        return "\r\n".join([*headers, "", ""]).encode() + data

    def change_master(self, new_master: str | None) -> None:
        """Called by pymesos' reader alone, which drops the scheme: the stream is asked in the end."""

    def process_event(self, event: Any) -> None:
        """Nothing that a message or a listener does may end the thread.

        Trouble before we are subscribed ends the connection: else it would live on, and we would hear nothing.
        """
        self._deadline = time.monotonic() + self._silence
        if not self._tell(lambda: self.on_event(event)) and self.line is None:
            with self._lock:
                self._leave = "its first message makes no sense"

    def on_event(self, event: Mapping[str, Any]) -> None:
        match event.get("type"):
            case "SUBSCRIBED":
                self._on_subscribed(event["subscribed"])
            case "ERROR":
                self._on_error(str(event["error"]["message"]))
            case _:
                line = self.line
                if line is not None:
                    self._listener.heard(line, event)

    def on_close(self) -> None:
        """Told by ourselves, and only when something was there to be lost."""

    def _send(self, *_: Any, **__: Any) -> None:
        raise TypeError("pymesos' calls drop agent ids and outcomes: send with the sender")

    def _shutdown(self) -> None:
        """Never a TEARDOWN on the way out."""

    def _on_subscribed(self, subscribed: Mapping[str, Any]) -> None:
        interval = float(subscribed.get("heartbeat_interval_seconds", 15.0))
        self._silence = interval * self._patience.missed_heartbeats
        self._deadline = time.monotonic() + self._silence
        with self._lock:
            self.framework_id = subscribed["framework_id"]["value"]
            self._lines += 1
            stream_id = self._stream_id or ""
            line = self._line = Line(
                self._master, self.framework_id, stream_id, self._lines, self._authorized
            )
        self._subscribed_at = time.monotonic()
        self._silent.over()
        version = subscribed.get("master_info", {}).get("version", "unknown")
        log.info("subscribed to %s (Mesos %s) as %s", line.master, version, line.framework_id)
        self._listener.subscribed(line, self._asked_suppressed)

    def _on_error(self, message: str) -> None:
        end = translate.end_of_error(message)
        if end is not None:
            self.finish(end, message)
        else:
            with self._lock:
                self._leave = f"the master says: {message}"

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        try:
            while self._wait(lambda: self._named is not None):
                visit = self._visit()
                pause = self._judge(visit)
                named = self._named
                self._wait(lambda named=named: self._named != named, pause)  # type: ignore[misc]
        except BaseException as error:
            # Without this thread nothing is heard any more: whoever goes on would only seem to live.
            log.exception("unforeseen: the subscription's thread ends")
            self.finish(DriverEnd.BROKEN, f"the subscription's thread ended: {error!r}")
        finally:
            self._close_pipe()

    def _visit(self) -> Visit:
        """One connection, from beginning to end."""
        with self._lock:
            self._master = self._redirect or self._named or ""
            self._redirect = self._leave = None
        visit = Visit(self._master)
        self._subscribed_at = None
        try:
            self._listen(visit)
        except (OSError, ValueError, MoroccronError) as error:
            visit.reason = f"cannot connect to {visit.master}: {error}"
            visit.distrusted = isinstance(error, Distrusted)
        except Exception as error:
            log.exception("unforeseen, while listening to %s", visit.master)
            visit.reason = f"unforeseen: {error!r}"
        with self._lock:
            self._line = self._stream_id = None
        if self._subscribed_at is not None:
            visit.subscribed_for = time.monotonic() - self._subscribed_at
        return visit

    def _listen(self, visit: Visit) -> None:
        """Take what comes until there is a reason to leave."""
        self._silence = self._patience.answer
        with (
            closing(Stream(visit.master, self, self._patience.connect, self._tls)) as stream,
            selectors.DefaultSelector() as selector,
        ):
            self._deadline = time.monotonic() + self._silence
            selector.register(self._wakeup_fds[0], selectors.EVENT_READ)
            selector.register(stream, selectors.EVENT_READ | selectors.EVENT_WRITE)
            while (left := self._reason_to_leave()) is None:
                patience = max(0.0, self._deadline - time.monotonic())
                ready = selector.select(patience)
                if not self._serve(stream, selector, ready):
                    left = self._leave or stream.reason()
                    visit.status = stream.status
                    visit.distrusted = stream.distrusted
                    visit.redirect = stream.redirect() if self._leave is None else None
                    self._redirect = visit.redirect
                    break
            visit.reason = left

    def _serve(self, stream: Stream, selector: Any, ready: list[Any]) -> bool:
        """Whether the stream goes on."""
        for key, events in ready:
            if key.fileobj is not stream:
                os.read(key.fd, 4096)
                continue
            if events & selectors.EVENT_WRITE:
                if not stream.write():
                    return False
                if not stream.want_write():
                    selector.modify(stream, selectors.EVENT_READ)
            if events & selectors.EVENT_READ and not stream.read():
                return False
        return True

    def _reason_to_leave(self) -> str | None:
        with self._lock:
            if not self._started:
                return self._leave or "stopped"
            if self._leave is not None:
                return self._leave
        if time.monotonic() >= self._deadline:
            return f"no word from the master for {self._silence:g} s"
        return None

    def _judge(self, visit: Visit) -> float:
        """Tell that the connection is lost, if there was one, and say how long to wait before the next."""
        if not self._started:
            return 0.0
        if visit.subscribed_for is not None:
            log.warning("disconnected from %s: %s", visit.master, visit.reason)
            self._tell(lambda: self._listener.lost(visit.reason))
        next_one = self._comebacks.after(visit)
        if next_one.text and self._silent.due(next_one.matter):
            log.log(next_one.level, "%s", next_one.text)
        if not next_one.follow:
            self._redirect = None
        if (refused := next_one.refused) is not None:
            self._tell(lambda: self._listener.refused(refused))
        if next_one.failed and (named := self._named) is not None:
            self._detector.failed(named)
        return next_one.pause

    def _wait(self, condition: Callable[[], bool], seconds: float | None = None) -> bool:
        """Until the condition holds or the time is over; False as soon as we are stopped."""
        deadline = None if seconds is None else time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._wakeup_fds[0], selectors.EVENT_READ)
            while self._started and not condition():
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    break
                for key, _ in selector.select(left):
                    os.read(key.fd, 4096)
        return bool(self._started)

    def _tell(self, speak: Callable[[], None]) -> bool:
        """Whether it went without trouble."""
        try:
            speak()
        except Exception:
            log.exception("a message of the master, or whoever heard of it, made trouble")
            return False
        return True

    def _close_pipe(self) -> None:
        with self._lock:
            for descriptor in self._wakeup_fds:
                os.close(descriptor)
            self._wakeup_fds = None
