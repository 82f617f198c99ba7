"""Shares: what each owner may have of the cluster while several want more than there is.

A job counts for the first of its owners, else for the first of its DAG's; without any, for nobody (`NOBODY`),
which is an owner like another.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from moroccron.model.dag_version import DagVersion, JobSpec
from moroccron.model.evolve import evolve
from moroccron.model.states import AttemptState

NOBODY = ""
MOST_WEIGHT = 1000
MOST = 10**9  #: of anything that a share caps


@dataclass(frozen=True, slots=True)
class Share:
    """An owner's weight beside the others', and what their jobs may hold at one time. None: no cap."""

    owner: str
    weight: int = (
        1  #: with twice the weight of another: twice as much, while both have work waiting
    )
    cpus: int | None = None  #: thousandths of a cpu
    mem: int | None = None  #: MiB
    jobs: int | None = None  #: attempts

    @property
    def is_capped(self) -> bool:
        return (self.cpus, self.mem, self.jobs) != (None, None, None)


@dataclass(frozen=True, slots=True)
class ShareUse:
    """An owner's share with what is held of it and what waits, as rows have it.

    An owner whom nobody gave a share has one of weight 1 without caps: `set` is False.
    """

    share: Share
    cpus: int = 0  #: thousandths of a cpu held by attempts that may run
    mem: int = 0  #: MiB
    jobs: int = 0
    queued: int = 0  #: attempts that wait
    set: bool = True


def told(share: Share) -> str:
    """A share in a few words."""
    caps = [
        f"{share.cpus / 1000:g} cpus" if share.cpus is not None else "",
        f"{share.mem} MiB" if share.mem is not None else "",
        f"{share.jobs} jobs" if share.jobs is not None else "",
    ]
    most = ", ".join(cap for cap in caps if cap)
    return f"weight {share.weight}" + (f" and at most {most}" if most else "")


def payer_of(version: DagVersion, spec: JobSpec) -> str:
    """The owner for whom a job counts."""
    return next(iter((*spec.owners, *version.owners)), NOBODY)


def share_uses(
    shares: Iterable[Share],
    versions: Mapping[str, DagVersion],
    counts: Mapping[tuple[str, str, AttemptState], int],
) -> list[ShareUse]:
    """Shares by owner, from how many attempts of which version's job are in which state.

    Memory that an attempt was given beyond its job's (`memory_on_oom`) is not in these figures.
    """
    given = {share.owner: share for share in shares}
    found = {owner: ShareUse(share) for owner, share in given.items()}
    payers = {
        (id, job.id): (payer_of(version, job), job.resources)
        for id, version in versions.items()
        for job in version.jobs
    }
    for (version_id, job_id, state), number in counts.items():
        owner, wants = payers[version_id, job_id]
        use = found.get(owner) or ShareUse(Share(owner), set=False)
        if state.is_live:
            cpus, mem = use.cpus + number * wants.cpus, use.mem + number * wants.mem
            use = evolve(use, cpus=cpus, mem=mem, jobs=use.jobs + number)
        elif state is AttemptState.QUEUED:
            use = evolve(use, queued=use.queued + number)
        found[owner] = use
    return [found[owner] for owner in sorted(found)]
