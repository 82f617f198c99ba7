"""A Mesos cluster as the engine sees it: implements `ports.Driver`.

Owns the book of offers and joins the subscription (events in) with the sender (effects out). Threads of both
only put events into the engine's queue.
"""

import logging
import ssl
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from moroccron.adapters.mesos import calls, translate
from moroccron.adapters.mesos.accepting import Accepting, accepts, after_refusal
from moroccron.adapters.mesos.credentials import Authorization, anonymous
from moroccron.adapters.mesos.framework import Framework
from moroccron.adapters.mesos.line import Line
from moroccron.adapters.mesos.offers import OfferBook
from moroccron.adapters.mesos.outcome import NotConnected, Outcome, Rejected, Sent, Unknown
from moroccron.adapters.mesos.patience import Patience
from moroccron.adapters.mesos.sender import Call, Sender
from moroccron.adapters.mesos.subscription import Subscription
from moroccron.model.effects import Accept, Effect, Revive, Suppress
from moroccron.model.events import Disconnected, Event, Subscribed
from moroccron.model.files import Containerizer
from moroccron.model.offer import Launch
from moroccron.ports import DriverEnd, MasterDetector

log = logging.getLogger("moroccron.driver")

_BAD_REQUEST = 400
#: what to do about a call that the master refuses
_REMEDIES = {
    "UPDATE_FRAMEWORK": "; the framework stays as it was: set back what can never be changed (framework_user, "
    "principal), or end it with `moroccron framework teardown NAME` and begin anew"
}

OnEnd = Callable[[DriverEnd, str], None]


def _nobody(*_: object) -> None:
    """Whoever does not care."""


class MesosDriver:
    """Stays subscribed until stopped, or until the master says that it never will be again, or a bug ends a thread.

    In these cases it says so once, to `on_end` and as `Disconnected`, and stays away. That the master refuses the
    principal is told to `on_refused`, each time: it is asked again, for it may be taught.
    """

    def __init__(
        self,
        detector: MasterDetector,
        framework: Framework,
        *,
        on_end: OnEnd = _nobody,
        on_refused: Callable[[str], None] = _nobody,
        containerizer: Containerizer = Containerizer.MESOS,
        authorization: Authorization = anonymous,
        tls: ssl.SSLContext | None = None,
        patience: Patience | None = None,
    ) -> None:
        patience = patience or Patience()
        self._framework = framework
        self._on_end = on_end
        self._on_refused = on_refused
        self._containerizer = containerizer
        self._book = OfferBook()
        self._emit: Callable[[Event], None] = lambda _: None
        self._subscription = Subscription(
            framework, detector, self, patience, authorization=authorization, tls=tls
        )
        self._sender = Sender(lambda: self._subscription.line, patience, tls, self._broken)
        self._begun = False
        self._subscribed = False
        self._resuming = False  #: under an id of before, not subscribed yet

    # ------------------------------------------------------------------ ports.Driver

    def start(self, framework_id: str | None, emit: Callable[[Event], None]) -> None:
        """Connect, in threads of our own, and stay connected."""
        self._emit = emit
        self._begun = True
        self._resuming = framework_id is not None
        self._sender.start()
        self._subscription.begin(framework_id)

    def perform(self, effects: Sequence[Effect]) -> None:
        """Queue effects for the sender. Without a subscription they are dropped."""
        line = self._subscription.line
        for effect in effects:
            roles = self._framework.roles
            match effect:
                case Suppress(named):
                    self._subscription.suppress(named or roles)
                case Revive(named):
                    self._subscription.revive(named or roles)
            if line is None:
                continue
            if isinstance(effect, Accept):
                self._accept(line, effect)
                continue
            for body in calls.bodies(effect, self._book, roles):
                self._put(line, body)

    def stop(self) -> None:
        """Disconnect. Tasks run on; the framework stays registered."""
        if self._begun:
            self._subscription.stop()
            self._sender.stop()

    def _accept(self, line: Line, effect: Accept) -> None:
        taken = self._book.take(effect.offer_ids)
        found, left = accepts(taken, effect.launches, effect.refuse_seconds, self._containerizer)
        for one in found:
            self._put(line, one.body(), one)
        if left and sum(len(one.offer_ids) for one in found) < len(effect.offer_ids):
            self._drop(left, "its offer was rescinded before it was sent")
        elif left:
            self._drop(left, "it needs more than its offers hold, which is a bug", logging.ERROR)

    def _drop(self, launches: Sequence[Launch], why: str, level: int = logging.WARNING) -> None:
        log.log(level, "not launched: %s: %s", ", ".join(one.task_id for one in launches), why)
        now = datetime.now(UTC)
        for launch in launches:
            self._emit(translate.dropped_launch(launch, why, now))

    def _put(
        self,
        line: Line,
        body: calls.Body,
        accepting: Accepting | None = None,
    ) -> None:
        def told(call: Call, outcome: Outcome) -> None:
            self._take(call, outcome, accepting)

        self._sender.put(Call(line, body, told))

    # ------------------------------------------------------------------ what became of a call

    def _take(self, call: Call, outcome: Outcome, accepting: Accepting | None) -> None:
        kind = call.body["type"]
        match outcome:
            case Sent():
                if accepting is not None and accepting.waiting:
                    others = [task.launch for task in accepting.waiting]
                    self._drop(
                        others,
                        "its offers went to others, for the master would not read it with them",
                    )
            case NotConnected(why):
                # Not sent although the subscription may hold: the engine has to know.
                self._subscription.reconnect(call.line, f"{kind} dropped: {why}")
            case Unknown(why):
                # Nobody knows whether it was taken. A new subscription settles it: what was not taken by
                # then never will be, and everything is reconciled.
                self._subscription.reconnect(call.line, f"no answer to {kind}: {why}")
            case Rejected(status, body):
                self._refused(call, status, body.strip(), accepting)

    def _refused(self, call: Call, status: int, body: str, accepting: Accepting | None) -> None:
        kind = call.body["type"]
        if self._subscription.line is not call.line:
            return
        end = translate.end_of_refusal(status, body)
        if end is not None:
            self._subscription.finish(end, f"{kind}: {body}")
        elif status == _BAD_REQUEST and not translate.is_unknown_here(status, body):
            log.error("%s was refused: %s%s", kind, body, _REMEDIES.get(kind, ""))
            if accepting is not None:
                self._try_parts(call.line, accepting, body)
        else:
            self._subscription.reconnect(call.line, f"{kind} was answered by {status} {body}")

    def _try_parts(self, line: Line, refused: Accepting, message: str) -> None:
        """An ACCEPT that the master cannot read has used no offer: whoever is not to blame is launched."""
        found = after_refusal(refused)
        if found.guilty is not None:
            now = datetime.now(UTC)
            self._emit(translate.refused_launch(found.guilty.launch, message, now))
        if found.then is not None:
            self._put(line, found.then.body(), found.then)
        else:
            self._put(line, calls.decline(refused.offer_ids, refused.refuse_seconds))

    # ------------------------------------------------------------------ subscription.Listener

    def subscribed(self, line: Line, suppressed: Sequence[str]) -> None:
        self._book.clear()
        self._subscribed = True
        if self._resuming:
            # SUBSCRIBE says nothing of what it ignores. Before Subscribed, so that no REVIVE comes between.
            self._resuming = False
            self._put(line, calls.update_framework(self._subscription.framework, suppressed))
        self._emit(Subscribed(line.framework_id, frozenset(suppressed)))

    def heard(self, line: Line, message: Mapping[str, Any]) -> None:
        match message.get("type"):
            case "OFFERS":
                self._book.add(message["offers"].get("offers", ()))
            case "RESCIND":
                self._book.take([message["rescind"]["offer_id"]["value"]])
        word = translate.word_of(message, line.framework_id)
        for complaint in word.complaints:
            log.error("%s", complaint)
        if word.event is not None:
            self._emit(word.event)
        self.perform(word.answers)

    def lost(self, reason: str) -> None:
        self._book.clear()
        if self._subscribed:
            self._subscribed = False
            self._emit(Disconnected(reason))

    def refused(self, reason: str) -> None:
        self._on_refused(reason)

    def _broken(self, why: str) -> None:
        self._subscription.finish(DriverEnd.BROKEN, why)

    def ended(self, end: DriverEnd, message: str) -> None:
        log.error("there is no going on: %s (%s)", end, message)
        self.lost(f"{end}: {message}")
        self._on_end(end, message)
