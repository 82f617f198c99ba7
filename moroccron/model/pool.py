"""Pools: named limits whose slots jobs of any DAG take while they are launched."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from moroccron.model.dag_version import DagVersion
from moroccron.model.states import AttemptState

MOST_SLOTS = 10**6


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool and how many slots it has. With none it is closed: nothing of it is launched."""

    name: str
    slots: int


@dataclass(frozen=True, slots=True)
class PoolUse:
    """A pool with what is taken of it and what waits for it, as rows have it.

    One that jobs name and nobody made has no slots of its own: `pool.slots` is 0 and `made` is False.
    """

    pool: Pool
    taken: int = 0  #: slots of attempts that may run
    queued: int = 0  #: attempts that wait, for slots or for agents
    made: bool = True


def roomy_pools(version: DagVersion) -> list[Pool]:
    """All pools that a version's jobs name, with room for everybody: for where a DAG is tried alone."""
    names = {job.pool for job in version.jobs if job.pool is not None}
    return [Pool(name, MOST_SLOTS) for name in sorted(names)]


def pool_uses(
    pools: Iterable[Pool],
    versions: Mapping[str, DagVersion],
    counts: Mapping[tuple[str, str, AttemptState], int],
) -> list[PoolUse]:
    """Pools by name, from how many attempts of which version's job are in which state."""
    taken: Counter[str] = Counter()
    queued: Counter[str] = Counter()
    specs = {id: {job.id: job for job in version.jobs} for id, version in versions.items()}
    for (version_id, job_id, state), number in counts.items():
        spec = specs[version_id][job_id]
        if spec.pool is not None and state.is_live:
            taken[spec.pool] += number * spec.slots
        elif spec.pool is not None and state is AttemptState.QUEUED:
            queued[spec.pool] += number
    made = {pool.name: pool for pool in pools}
    return [
        PoolUse(made.get(name, Pool(name, 0)), taken[name], queued[name], made=name in made)
        for name in sorted({*made, *taken, *queued})
    ]
