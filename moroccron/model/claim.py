"""The names of limits that jobs share: what kind each is of, and which jobs claim them.

The caps of an owner's share are limits like the others, with a slot for each thousandth of a cpu and each MiB.
"""

from moroccron.model.dag_version import DagVersion, JobSpec
from moroccron.model.resources import Resources
from moroccron.model.share import Share

POOL, MUTEX, DAG, RUN = "pool", "mutex", "dag", "run"
CPUS, MEM, JOBS = "cpus", "mem", "jobs"  #: of an owner

Claims = tuple[tuple[str, int], ...]


def claims_of(version: DagVersion, spec: JobSpec) -> Claims:
    """What a job claims while it is launched, whichever its run: names, and slots of each."""
    found = [(f"{MUTEX}:{name}", 1) for name in spec.mutex]
    if spec.pool is not None:
        found.append((f"{POOL}:{spec.pool}", spec.slots))
    if version.max_active_jobs is not None:
        found.append((f"{DAG}:{version.dag_id}", 1))
    return tuple(found)


def caps_of(share: Share, wants: Resources) -> Claims:
    """What an attempt claims of the caps of its owner's share."""
    each = ((CPUS, share.cpus, wants.cpus), (MEM, share.mem, wants.mem), (JOBS, share.jobs, 1))
    return tuple(
        (f"{kind}:{share.owner}", want) for kind, cap, want in each if cap is not None and want
    )


def caps_claimed(owner: str) -> frozenset[str]:
    """The names that `caps_of` may claim."""
    return frozenset(f"{kind}:{owner}" for kind in (CPUS, MEM, JOBS))


def kind_of(claim: str) -> tuple[str, str]:
    """The kind of a limit and its name."""
    kind, _, name = claim.partition(":")
    return kind, name
