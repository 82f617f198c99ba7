"""The names of limits that jobs share: what kind each is of, and which jobs claim them."""

from moroccron.model.dag_version import DagVersion, JobSpec

POOL, MUTEX, DAG, RUN = "pool", "mutex", "dag", "run"

Claims = tuple[tuple[str, int], ...]


def claims_of(version: DagVersion, spec: JobSpec) -> Claims:
    """What a job claims while it is launched, whichever its run: names, and slots of each."""
    found = [(f"{MUTEX}:{name}", 1) for name in spec.mutex]
    if spec.pool is not None:
        found.append((f"{POOL}:{spec.pool}", spec.slots))
    if version.max_active_jobs is not None:
        found.append((f"{DAG}:{version.dag_id}", 1))
    return tuple(found)


def kind_of(claim: str) -> tuple[str, str]:
    """The kind of a limit and its name."""
    kind, _, name = claim.partition(":")
    return kind, name
