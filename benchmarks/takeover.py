"""How soon a standby launches after the leader was killed: `python -m benchmarks.takeover`.

A real master with four agents, ZooKeeper with sessions of 5 s, PostgreSQL. 10,000 job runs are active: ten runs of
a thousand, of which half wait for the other half, which is queued but for some twenty that run for a second each.
Beside them a hundred tasks live on. Then kill -9 of the leader, again and again; the next one has waited. It ends
with the first ACCEPT in the master's own log.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from itertools import pairwise

from benchmarks.cluster import Cluster, cluster
from benchmarks.report import line, median, title
from moroccron.adapters.zookeeper.election import SESSION
from moroccron.model.states import AttemptState
from tests.cluster.site import Candidate
from tests.waiting import until

AGENTS = 4
RESOURCES = "cpus:3.2;mem:4096"
RUNS, JOBS = 10, 1000
LIVE = 100
DEATHS = 3
ENOUGH = 20  #: ended jobs, before the first death
PATIENCE = 60.0
PARTS = {
    "elected": "session over, next one elected, term taken",
    "loaded": "loaded",
    "subscribed": "view built, subscribed",
    "decided": "offered, and settled what happened meanwhile",
    "accepted": "decided, committed, ACCEPT taken",
}
AIM = 10.0  #: seconds

_DAGS = f"""
from moroccron import DAG, Job

with DAG("live"):
    for n in range({LIVE}):
        Job(f"j{{n:04}}", ["/bin/sleep", "3600"], cpus=0.1, mem=16, priority=1)

with DAG("busy", max_active_runs={RUNS}):
    for n in range({JOBS // 2}):
        Job(f"a{{n:04}}", ["/bin/sleep", "1"], cpus=0.1, mem=16) >> Job(
            f"b{{n:04}}", ["/bin/sleep", "1"], cpus=0.1, mem=16
        )
"""

_LOADED = re.compile(r'^time=(\S+) .*message="term (\d+): ', re.MULTILINE)
_SUBSCRIBED = re.compile(r'^time=(\S+) .*message="subscribed to ', re.MULTILINE)
_ACCEPT = re.compile(r"^I(\d{4} \d\d:\d\d:\d\d\.\d+) .*Processing ACCEPT call", re.MULTILINE)


@dataclass(frozen=True)
class TakeOver:
    """Seconds, one after the other, from the kill on."""

    elected: float
    loaded: float
    subscribed: float
    decided: float
    accepted: float

    @property
    def whole(self) -> float:
        return float(sum(astuple(self)))


class Stage:
    """A leader with a lot to do, and standbys that wait for its end."""

    def __init__(self, made: Cluster) -> None:
        self.master = made.master()
        for number in range(1, AGENTS + 1):
            made.agent(self.master, number, RESOURCES)
        self.zookeeper = made.zookeeper()
        election = self.zookeeper.url("/moroccron")
        self.site = made.site(self.master, _DAGS, url=made.postgres().create(), election=election)
        self.site.candidate()
        self.site.trigger("live")
        until(lambda: self.count(AttemptState.RUNNING) >= LIVE, "all live tasks run", 120)
        self.runs = [self.site.trigger("busy") for _ in range(RUNS)]
        until(lambda: self.count(AttemptState.SUCCEEDED) >= ENOUGH, "some jobs are through", 60)

    def count(self, state: AttemptState) -> int:
        return self.site.queries.attempt_count_by_state().get(state, 0)

    def take_over(self) -> TakeOver:
        """Kill the leader; what it took until the next one launched."""
        leader, standby = self.site.leader(), self.site.candidate()
        until(lambda: self.zookeeper.ask("dump").count("/candidate-") == 2, "a standby waits")
        killed = datetime.now(UTC)
        leader.kill()
        loaded = awaited(lambda: told(standby, _LOADED), "it has loaded")
        subscribed = awaited(lambda: told(standby, _SUBSCRIBED), "it is subscribed")
        accepted = awaited(lambda: self._accepted(subscribed), "it launches")
        row = self.site.queries.leader()
        assert row is not None
        launched = min(self._launched(f".{row.term}"))
        moments = [killed, row.since, loaded, subscribed, launched, accepted]
        return TakeOver(*[(b - a).total_seconds() for a, b in pairwise(moments)])

    def _accepted(self, since: datetime) -> datetime | None:
        """When the master took the first ACCEPT after a moment."""
        lines = self.master.log_lines("Processing ACCEPT call")
        found = (_ACCEPT.match(text) for text in lines)
        moments = (_moment_of_glog(match[1]) for match in found if match)
        return next((moment for moment in moments if moment > since), None)

    def _launched(self, suffix: str) -> Iterator[datetime]:
        for run_id in self.runs:
            for attempt in self.site.attempts(run_id):
                if attempt.launched and (attempt.task_id or "").endswith(suffix):
                    yield attempt.launched


def awaited(moment: Callable[[], datetime | None], what: str) -> datetime:
    found = until(moment, what, PATIENCE)
    assert found is not None
    return found


def told(candidate: Candidate, pattern: re.Pattern[str]) -> datetime | None:
    """When its log said so first."""
    found = pattern.search(candidate.log.read_text())
    return datetime.fromisoformat(found[1]) if found else None


def _moment_of_glog(text: str) -> datetime:
    """glog writes no year, and the machine's own time."""
    year = datetime.now().astimezone().year
    return datetime.strptime(f"{year}{text}", "%Y%m%d %H:%M:%S.%f").astimezone().astimezone(UTC)


def main() -> None:
    with cluster() as made:
        if made is None:
            return
        stage = Stage(made)
        title(f"{RUNS * JOBS:,} active job runs, {LIVE} tasks that live on; {DEATHS} deaths")
        tell([stage.take_over() for _ in range(DEATHS)])


def tell(found: Sequence[TakeOver]) -> None:
    wholes = [one.whole for one in found]
    text = f"{median(wholes):.1f} s ({min(wholes):.1f} to {max(wholes):.1f})"
    floor = f"{SESSION:g} s of session"
    line("from kill -9 to the first ACCEPT", text, aim=f"{AIM:g} s", floor=floor)
    for name, text in PARTS.items():
        line(f"  {text}", f"{median([getattr(one, name) for one in found]):.2f} s")


if __name__ == "__main__":
    main()
