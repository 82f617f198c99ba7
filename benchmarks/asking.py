"""Whether to ask a master for resources, or to wait for its offers: `python -m benchmarks.asking`.

A real master with one agent and Mesos' own pace of offers. First a framework by hand: whether REQUEST brings any
offer, and how long it takes from a job that has become ready to the master's answer to its ACCEPT, by what was done
with earlier offers. Then moroccron itself, idle and at work. ADR 8 decides by these figures.
"""

import itertools
import queue
import random
import threading
import time
from collections.abc import Callable

from benchmarks.cluster import Cluster, cluster, framework_of, metrics_of
from benchmarks.report import line, median, milliseconds, title
from tests.cluster.mesos import Master
from tests.cluster.smoke import BareFramework, Message
from tests.waiting import until

INTERVAL = 1.0  #: seconds, of allocation: Mesos' own
LONG = 300.0  #: seconds of a refusal that is not to end meanwhile
SHORT = 5.0  #: a refusal's, when none is named: Mesos' own
QUIET = 2.2 * INTERVAL  #: without an offer for so long, there will be none
TIMES = 6

_DAGS = """
from moroccron import DAG, Job

with DAG("row", defaults={"cpus": 0.1, "mem": 32}):
    Job("first", ["/bin/true"]) >> Job("second", ["/bin/sleep", "2"]) >> Job("third", ["/bin/true"])
"""


class Asker(BareFramework):
    """Hears in a thread of its own, so that it can also hear nothing."""

    def __init__(self, master: str) -> None:
        super().__init__(master, name="asker")
        self.offers: list[Message] = []  #: at hand
        self._heard: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._numbers = itertools.count()

    def subscribe(self) -> None:
        super().subscribe()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        try:
            for event in self.events():
                self._heard.put(event)
        except (OSError, ValueError, AttributeError):
            return  # disconnected

    def hear(self, seconds: float) -> bool:
        """Take in what comes next; whether anything came."""
        try:
            self._hear(self._heard.get(timeout=max(seconds, 0)))
        except queue.Empty:
            return False
        return True

    def _use(self, offer: Message) -> None:
        self.offers.append(offer)

    def listen(self, seconds: float) -> int:
        """How many offers came within a time."""
        deadline, before = time.monotonic() + seconds, len(self.offers)
        while (left := deadline - time.monotonic()) > 0:
            self.hear(left)
        return len(self.offers) - before

    def await_offer(self) -> None:
        deadline = time.monotonic() + 30
        while not self.offers:
            assert time.monotonic() < deadline, "no offer came"
            self.hear(1)

    def decline(self, seconds: float) -> None:
        """Give back what is at hand."""
        ids = [offer["id"] for offer in self.offers]
        self.offers.clear()
        if ids:
            self.call("DECLINE", decline={"offer_ids": ids, "filters": {"refuse_seconds": seconds}})

    def decline_all(self, seconds: float) -> None:
        """Give back whatever comes until nothing comes any more."""
        self.await_offer()
        while self.offers:
            self.decline(seconds)
            self.listen(QUIET)

    def accept(self) -> str:
        """Launch a task with the offer at hand; its id."""
        offer, task_id = self.offers.pop(), f"asker-{next(self._numbers)}"
        self.launch(task_id, ["/bin/true"])
        super()._use(offer)
        return task_id

    def finish(self, task_id: str) -> None:
        """Hear on until the task is over, so that all of the agent is free."""
        while self.states[task_id][-1:] != ["TASK_FINISHED"]:
            assert self.hear(30), task_id


# ---------------------------------------------------------------------- what comes before a job is ready


def held(asker: Asker) -> None:
    """An offer is at hand."""
    asker.await_offer()
    asker.listen(random.uniform(0, INTERVAL))


def revived(asker: Asker) -> None:
    """Suppressed, with all offers given back."""
    asker.decline_all(LONG)
    asker.call("SUPPRESS")


def refused(asker: Asker) -> None:
    """Not suppressed, but all was refused for long."""
    asker.decline_all(LONG)


def declined(seconds: float) -> Callable[[Asker], None]:
    """Just given back, with a refusal of so many seconds; nothing can be done but wait."""

    def prepare(asker: Asker) -> None:
        asker.await_offer()
        asker.decline(seconds)
        asker.listen(random.uniform(0, max(seconds - INTERVAL, 0.8 * INTERVAL)))

    return prepare


def delay(asker: Asker, prepare: Callable[[Asker], None], *, revive: bool) -> float:
    """Seconds from a job that is ready to the answer to its ACCEPT."""
    prepare(asker)
    asker.listen(random.uniform(0, INTERVAL) if revive else 0)
    ready = time.monotonic()
    if revive:
        asker.call("REVIVE")
    asker.await_offer()
    task_id = asker.accept()
    took = time.monotonic() - ready
    asker.finish(task_id)
    asker.call("REVIVE")  # what was refused before is forgotten
    return took


def main() -> None:
    with cluster() as made:
        if made is None:
            return
        master = made.master()
        made.agent(master, 1, "cpus:4;mem:4096")
        asker = Asker(master.address)
        asker.subscribe()
        requests(asker)
        delays(asker)
        asker.call("TEARDOWN")
        asker.disconnect()
        engine(made, master)


def requests(asker: Asker) -> None:
    title("Does REQUEST bring offers? Within 3 s of the call:")
    asker.decline_all(LONG)
    for state in ("refused", "suppressed"):
        if state == "suppressed":
            asker.call("SUPPRESS")
        wanted = {"resources": [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}]}
        asker.call("REQUEST", request={"requests": [wanted]})
        line(f"{state} before, REQUEST", f"{asker.listen(3)} offers")
        asker.call("REVIVE")
        line(f"{state} before, REVIVE", f"{asker.listen(3)} offers")
        asker.decline_all(LONG)
    asker.call("REVIVE")


def delays(asker: Asker) -> None:
    title("From ready to the answer to ACCEPT, by what was done with earlier offers")
    cases: list[tuple[str, Callable[[Asker], None], bool, int]] = [
        ("held", held, False, TIMES),
        ("declined for long, suppressed; REVIVE", revived, True, TIMES),
        ("declined for long; REVIVE", refused, True, TIMES),
        ("declined for 0 s; waiting", declined(0), False, TIMES),
        (f"declined for {SHORT:g} s; waiting", declined(SHORT), False, TIMES // 2),
    ]
    for name, prepare, revive, times in cases:
        tell(name, [delay(asker, prepare, revive=revive) for _ in range(times)])


def engine(made: Cluster, master: Master) -> None:
    title("moroccron, from ready to the commit of the launch")
    site = made.site(master, _DAGS)
    site.candidate()
    framework = framework_of(site)
    took: dict[str, list[float]] = {"first": [], "second": [], "third": []}
    for _ in range(TIMES):
        run_id = site.trigger("row")
        site.await_success(run_id)
        for attempt in site.attempts(run_id):
            assert attempt.launched is not None
            took[attempt.job_id].append((attempt.launched - attempt.ready).total_seconds())
        until(lambda: suppressed(master, framework), "it asks for silence", 30)
    tell("idle before, so suppressed", took["first"])
    tell("after a job of a moment", took["second"])
    tell("after a job of 2 s", took["third"])


def suppressed(master: Master, framework_id: str) -> bool:
    """Whether a framework gets no offers, as the master has it."""
    found = [
        value
        for name, value in metrics_of(master, framework_id).items()
        if name.startswith("roles/") and name.endswith("/suppressed")
    ]
    return bool(found) and all(found)


def tell(name: str, took: list[float]) -> None:
    text = f"{milliseconds(median(took))} ({milliseconds(min(took))} to {milliseconds(max(took))})"
    line(name, text)


if __name__ == "__main__":
    main()
