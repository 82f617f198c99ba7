"""The packer alone: speed at cluster size, and how many agents it needs. `python -m benchmarks.packer`.

Everything is drawn from seeded generators. Run it on an otherwise idle machine: the 99th percentiles mean it.
"""

import gc
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from benchmarks.report import line, machine, median, quantile, title
from moroccron.core.packer import pack
from moroccron.model.constraint import Constraint, Operator
from moroccron.model.offer import Offer
from moroccron.model.packing import Group, Packing, Placement, Shape, Unplaced
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AGENT = Resources(cpus=32_000, mem=128 * 1024)
MIXED_AGENTS = (
    Resources(16_000, 64 * 1024),
    Resources(32_000, 128 * 1024),
    Resources(32_000, 256 * 1024),
    Resources(64_000, 128 * 1024),
)
#: in the same proportion, so that the sums are a fair bound for what can be placed
ALIKE_AGENTS = (
    Resources(16_000, 64 * 1024),
    Resources(32_000, 128 * 1024),
    Resources(64_000, 256 * 1024),
)
#: mean cpus, and GiB of memory per cpu from - to; the agents have 4
JOBS = {
    "small": (1.5, 3.0, 5.0),
    "medium": (4.0, 3.0, 5.0),
    "medium, skewed": (4.0, 0.5, 8.0),
    "large": (8.0, 3.0, 5.0),
}


def draw_shape(rng: random.Random, mean: float, low: float, high: float) -> Shape:
    """A job of about `mean` cpus, uniform in a quarter to seven quarters of it."""
    cpus = rng.uniform(0.25, 1.75) * mean
    return Shape(Resources(int(cpus * 1000), int(cpus * rng.uniform(low, high) * 1024)))


def group(name: str, shape: Shape, number: int, priority: int = 0) -> Group:
    return Group(shape, priority, [AttemptKey(name, f"job-{i}", 1) for i in range(number)])


def fresh(number: int, kinds: Sequence[Resources] = (AGENT,)) -> list[Offer]:
    """Offers of whole agents, the kinds taking turns."""
    return [
        Offer(f"offer-{i:05}", f"agent-{i:05}", f"host-{i:05}", kinds[i % len(kinds)])
        for i in range(number)
    ]


def in_use(rng: random.Random, number: int) -> list[Offer]:
    """Offers of what is left on mixed agents in use: no two alike, a third to all of each."""
    offers = []
    for i in range(number):
        whole = MIXED_AGENTS[i % len(MIXED_AGENTS)]
        left = Resources(
            int(whole.cpus * rng.uniform(0.3, 1)), int(whole.mem * rng.uniform(0.3, 1))
        )
        offers.append(Offer(f"offer-{i:05}", f"agent-{i:05}", f"host-{i:05}", left))
    return offers


def queue(
    rng: random.Random,
    classes: int,
    jobs: int,
    load: float,
    offers: list[Offer],
    low: float = 1.0,
    high: float = 7.0,
) -> list[Group]:
    """`jobs` jobs of `classes` shapes, scaled so that the scarcer resource is asked for at `load`."""
    cpus = sum(offer.resources.cpus for offer in offers)
    mem = sum(offer.resources.mem for offer in offers)
    each, extra = divmod(jobs, classes)
    numbers = [each + (i < extra) for i in range(classes)]
    drawn = [draw_shape(rng, cpus / jobs / 1000, low, high).resources for _ in range(classes)]
    asked = max(
        sum(r.cpus * n for r, n in zip(drawn, numbers, strict=True)) / cpus,
        sum(r.mem * n for r, n in zip(drawn, numbers, strict=True)) / mem,
    )
    scale = load / asked
    return [
        group(f"class-{i:05}", Shape(Resources(int(r.cpus * scale), int(r.mem * scale))), n)
        for i, (r, n) in enumerate(zip(drawn, numbers, strict=True))
    ]


def timed(work: Callable[[], Packing], repeat: int) -> tuple[list[float], Packing]:
    """Seconds of each repetition, and the last answer."""
    took = []
    for _ in range(repeat):
        gc.collect()
        began = time.perf_counter()
        packing = work()
        took.append(time.perf_counter() - began)
    return took, packing


def speed(name: str, groups: list[Group], offers: list[Offer], repeat: int, aim: str) -> None:
    took, packing = timed(lambda: pack(groups, offers, {}, NOW), repeat)
    middle, worst = median(took), quantile(took, 0.99)
    rate = (len(packing.placements) + len(packing.unplaced)) / middle
    figure = f"p50 {middle * 1e3:.1f} ms, p99 {worst * 1e3:.1f} ms, {rate:,.0f}/s"
    line(
        name, figure, aim=aim, floor=f"{objects(packing) * 1e3:.1f} ms to make the answer's objects"
    )


def objects(packing: Packing) -> float:
    """Seconds to build the answer alone: what no way of deciding can go below."""
    began = time.perf_counter()
    for p in packing.placements:
        Placement(p.key, p.agent_id, p.ports)
    for u in packing.unplaced:
        Unplaced(u.shape, u.attempts, u.agents, u.vetoes, u.nearest)
    return time.perf_counter() - began


def speeds() -> None:
    title(
        "Speed (an answer is a placement, or a shape explained; 99th percentile of few: the worst)"
    )
    like, used = fresh(1000, MIXED_AGENTS), in_use(random.Random(1), 1000)
    for classes in (60, 200):
        for kind, offers in (("whole", like), ("in use", used)):
            groups = queue(random.Random(1), classes, 10_000, 0.97, offers)
            name = f"1,000 agents {kind}, 10,000 jobs, {classes} shapes"
            speed(name, groups, offers, 100, "p99 150 ms (30), 20,000/s")
    for load in (0.97, 1.5):
        groups = queue(random.Random(1), 10_000, 10_000, load, used)
        name = f"the same, all shapes distinct, load {load}"
        speed(name, groups, used, 7, "1.5 s (0.5)")
    for classes in (60, 200, 10_000):
        groups = queue(random.Random(1), classes, 10_000, 0.97, used)
        name = f"20 offers, 10,000 queued, {classes:,} shapes"
        speed(name, groups, used[:20], 200, "p99 10 ms (4)" if classes < 10_000 else "")


def before_maintenance() -> None:
    title(
        "Speed with a quarter of the agents to be maintained, in 50 windows of the next 50 minutes"
    )
    offers = [
        replace(offer, unavailable_from=NOW + timedelta(minutes=i % 50)) if i % 4 == 0 else offer
        for i, offer in enumerate(in_use(random.Random(1), 1000))
    ]
    lasts = (60.0, 300.0, 1800.0, 3600.0)
    for classes in (60, 200, 10_000):
        drawn = queue(random.Random(1), classes, 10_000, 0.97, offers)
        groups = [
            replace(g, shape=replace(g.shape, lasts=lasts[i % 4])) for i, g in enumerate(drawn)
        ]
        speed(f"1,000 agents, 10,000 jobs, {classes:,} shapes", groups, offers, 7, "")


def constrained() -> None:
    title("Speed with constraints on the group")
    offers = [
        Offer(o.id, o.agent_id, o.hostname, o.resources, attributes={"rack": f"r{i % 20}"})
        for i, o in enumerate(in_use(random.Random(1), 1000))
    ]
    unique = Constraint("hostname", Operator.UNIQUE)
    by_rack = Constraint("rack", Operator.GROUP_BY, "20")
    small = Resources(cpus=1_500, mem=4096)
    runs = [group(f"run-{i:03}", Shape(small, (unique,), f"run-{i:03}"), 20) for i in range(500)]
    speed("1,000 agents, 500 runs of 20, hostname UNIQUE", runs, offers, 7, "")
    one = [group("run", Shape(small, (by_rack,), "run"), 10_000)]
    speed("1,000 agents, a run of 10,000, rack GROUP_BY", one, offers, 7, "")


def agents_used(kind: str, seeds: Sequence[int]) -> float:
    """Agents used over the bound max(sum of cpus, sum of mem), 10,000 jobs of as many shapes."""
    ratios = []
    for seed in seeds:
        rng = random.Random(seed)
        groups = [group(f"class-{i:05}", draw_shape(rng, *JOBS[kind]), 1) for i in range(10_000)]
        cpus = sum(g.shape.resources.cpus for g in groups) / AGENT.cpus
        mem = sum(g.shape.resources.mem for g in groups) / AGENT.mem
        bound = max(cpus, mem)
        packing = pack(groups, fresh(int(bound * 1.2) + 5), {}, NOW)
        assert not packing.unplaced, "not enough agents were offered to count those used"
        ratios.append(len({p.agent_id for p in packing.placements}) / bound)
    return sum(ratios) / len(ratios)


def placed_share(low: float, high: float) -> float:
    """Share of the scarcer resource that is placed of what is asked for, at a load just below one.

    The sums of cpus and of memory are the bound; the agents have one proportion, lest it be out of reach.
    """
    shares = []
    for seed in range(5):
        offers = fresh(1000, ALIKE_AGENTS)
        groups = queue(random.Random(seed), 60, 10_000, 0.97, offers, low, high)
        demand = {g.attempts[0].run_id: g.shape.resources for g in groups}
        placed = [demand[p.key.run_id] for p in pack(groups, offers, {}, NOW).placements]
        asked = [demand[g.attempts[0].run_id] for g in groups for _ in g.attempts]
        cpus = sum(r.cpus for r in placed) / sum(r.cpus for r in asked)
        mem = sum(r.mem for r in placed) / sum(r.mem for r in asked)
        shares.append(min(cpus, mem))
    return sum(shares) / len(shares)


def quality() -> None:
    title("Agents used / max(sum of cpus, sum of mem), 10,000 jobs, 5 seeds")
    aims = {"medium": "1.02 (1.01)", "large": "1.045 (1.03)"}
    for kind in JOBS:
        line(f"{kind} jobs", f"{agents_used(kind, range(5)):.4f}", aim=aims.get(kind, ""))
    title("Placed share at load 0.97, 1,000 agents of three sizes, 60 shapes, 5 seeds")
    aim = "0.97 (0.985)"
    for low, high in ((3.0, 5.0), (1.0, 7.0)):
        name = f"jobs of {low:g} to {high:g} GiB a cpu, of the sums"
        line(name, f"{placed_share(low, high):.3f}", aim=aim)


def main() -> None:
    speeds()
    before_maintenance()
    constrained()
    quality()


if __name__ == "__main__":
    print(machine())
    main()
