"""How fast jobs go through a real Mesos: `python -m benchmarks.mesos`.

A real master with four agents, all on this machine, and Mesos' own pace of offers; wide runs of independent jobs.
The floor is the bare framework of the test cluster (tests/cluster/smoke.py) on the same master and agents, with the
same tasks, between the rounds of moroccron's.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from benchmarks.cluster import Cluster, cluster, framework_of, metrics_of
from benchmarks.report import line, median, title
from benchmarks.system import cpu_of
from moroccron.model.run import Run
from tests.cluster import smoke
from tests.cluster.site import Candidate, Site

AGENTS = 4
ROUNDS = 2
RESOURCES = "cpus:2;mem:2048"  #: of an agent


@dataclass(frozen=True)
class Work:
    """The jobs of a run, all alike."""

    text: str
    command: list[str]
    jobs: int
    cpus: float
    mem: int = 32


WORK = {
    "true": Work("/bin/true", ["/bin/true"], 300, cpus=0.1),
    "tenth": Work("0.1 s", ["/bin/sleep", "0.1"], 200, cpus=0.1),
    # Hardly any room: what a slot waits for is the next round of offers.
    "large": Work("/bin/true with a cpu each", ["/bin/true"], 64, cpus=1.0),
}

_JOBS = """
with DAG("{name}"):
    for n in range({work.jobs}):
        Job(f"j{{n:04}}", {work.command}, cpus={work.cpus}, mem={work.mem})
"""
DAGS = "from moroccron import DAG, Job\n" + "".join(
    _JOBS.format(name=name, work=work) for name, work in WORK.items()
)


@dataclass(frozen=True)
class Figure:
    """One run of one framework."""

    rate: float  #: jobs a second, ready to terminal
    cpu: float  #: seconds of the framework's process for each job
    offers: float  #: received for each task
    cluster_cpu: float  #: cores that master, agents and tasks kept busy meanwhile


class Machine:
    """The master and its agents, as a benchmark looks at them."""

    def __init__(self, made: Cluster) -> None:
        self.master = made.master()
        self.agents = [made.agent(self.master, n, RESOURCES) for n in range(1, AGENTS + 1)]

    def cpu(self) -> float:
        """CPU seconds of master and agents, with the executors that they waited for."""
        return sum(cpu_of(process.pid) for process in (self.master, *self.agents))

    def offers(self, framework_id: str) -> float:
        """How many were sent to a framework so far."""
        return metrics_of(self.master, framework_id)["offers/sent"]


def main() -> None:
    with cluster() as made:
        if made is None:
            return
        machine = Machine(made)
        sites = {
            "SQLite": made.site(machine.master, DAGS),
            "PostgreSQL": made.site(machine.master, DAGS, url=made.postgres().create()),
        }
        leaders = {name: site.candidate() for name, site in sites.items()}
        for work in WORK:
            measure(machine, sites, leaders, work)


def measure(
    machine: Machine, sites: dict[str, Site], leaders: dict[str, Candidate], work: str
) -> None:
    shape = WORK[work]
    title(f"{shape.jobs} jobs of {shape.text}, {AGENTS} agents of {RESOURCES}")
    floors: list[Figure] = []
    figures: dict[str, list[Figure]] = {name: [] for name in sites}
    for _ in range(ROUNDS):
        floors.append(bare(machine, shape))
        for name, site in sites.items():
            figures[name].append(whole(machine, site, leaders[name], work))
    tell("bare framework", floors)
    for name, found in figures.items():
        tell(name, found, floors)


def whole(machine: Machine, site: Site, leader: Candidate, work: str) -> Figure:
    """One run of moroccron's."""
    framework = framework_of(site)
    offers, cpu, cluster_cpu = machine.offers(framework), cpu_of(leader.pid), machine.cpu()
    run = site.await_end(site.trigger(work), 120)
    seconds = duration(site, run)
    jobs = WORK[work].jobs
    return Figure(
        rate=jobs / seconds,
        cpu=(cpu_of(leader.pid) - cpu) / jobs,
        offers=(machine.offers(framework) - offers) / jobs,
        cluster_cpu=(machine.cpu() - cluster_cpu) / seconds,
    )


def duration(site: Site, run: Run) -> float:
    """From the moment that its jobs could run until the last one's end was decided on."""
    ready: datetime = min(attempt.ready for attempt in site.attempts(run.id))
    assert run.state == "succeeded", run
    assert run.ended is not None
    return (run.ended - ready).total_seconds()


class CountingFramework(smoke.BareFramework):
    """Counts what it is offered."""

    offers = 0

    def _use(self, offer: smoke.Message) -> None:
        self.offers += 1
        super()._use(offer)


def bare(machine: Machine, work: Work) -> Figure:
    """The same tasks by the bare framework, from its subscription on."""
    jobs = work.jobs
    framework = CountingFramework(machine.master.address, cpus=work.cpus, mem=work.mem)
    framework.subscribe()
    cpu, cluster_cpu, began = time.process_time(), machine.cpu(), time.monotonic()
    states = framework.run([work.command] * jobs)
    seconds = time.monotonic() - began
    figure = Figure(
        rate=jobs / seconds,
        cpu=(time.process_time() - cpu) / jobs,
        offers=framework.offers / jobs,
        cluster_cpu=(machine.cpu() - cluster_cpu) / seconds,
    )
    framework.call("TEARDOWN")
    framework.disconnect()
    assert states == {"TASK_FINISHED": jobs}, states
    return figure


def tell(name: str, found: Sequence[Figure], floors: Sequence[Figure] = ()) -> None:
    rates = [figure.rate for figure in found]
    text = f"{median(rates):.1f} a second ({min(rates):.1f} to {max(rates):.1f})"
    if floors:
        share = median(rates) / median([figure.rate for figure in floors])
        text += f", {share:.0%}"
    line(f"{name}: jobs", text, aim="90 % of the floor" if floors else "")
    rest = [
        f"{median([f.cpu for f in found]) * 1000:.1f} ms of CPU a job",
        f"{median([f.offers for f in found]):.2f} offers a launch",
        f"{median([f.cluster_cpu for f in found]):.1f} cores busy with Mesos and tasks",
    ]
    line("", ", ".join(rest))


if __name__ == "__main__":
    main()
