"""Claims: what an attempt takes of limits that it shares with others, and what is left of them.

A limit is a name with slots: a pool, a mutex, the active jobs of a DAG or of a run, what an owner may hold. Whoever
is launched holds its slots until it is known to have ended. Must not place anything: `core.quotas` keeps count
while the packer does.
"""

from collections.abc import Iterable, Mapping

from moroccron.core.fairness import Holding
from moroccron.core.view import View
from moroccron.model.claim import CPUS, DAG, JOBS, MEM, MUTEX, POOL, RUN, kind_of
from moroccron.model.packing import Unplaced
from moroccron.model.run import AttemptKey
from moroccron.model.share import Share

_OF_OWNERS = (CPUS, MEM, JOBS)


def left(view: View) -> dict[str, int]:
    """The slots left of each limit that something queued claims."""
    found = {}
    for name in view.queue.claimed:
        capacity = _capacity(view, name)
        if capacity is not None:
            found[name] = capacity - _taken(view, name)
    return found


def _taken(view: View, claim: str) -> int:
    """The slots of a limit that are held."""
    kind, name = kind_of(claim)
    if kind not in _OF_OWNERS:
        return view.used[claim]
    holding = view.holdings.get(name, Holding())
    return {CPUS: holding.cpus, MEM: holding.mem, JOBS: holding.jobs}[kind]


def _capacity(view: View, claim: str) -> int | None:
    """All slots of a limit; None: it has no bound. A pool that nobody made has none."""
    kind, name = kind_of(claim)
    if kind == POOL:
        return view.pools.get(name, 0)
    if kind == MUTEX:
        return 1
    if kind == DAG:
        dag = view.dags.get(name)
        return None if dag is None else view.versions[dag.version_id].max_active_jobs
    if kind in _OF_OWNERS:
        share = view.shares.get(name, Share(name))
        return {CPUS: share.cpus, MEM: share.mem, JOBS: share.jobs}[kind]
    run = view.runs.get(name)
    return None if run is None else run.graph.version.max_active_jobs_per_run


def sentence(view: View, unplaced: Unplaced) -> str | None:
    """Why attempts wait for slots, with who has them where that is one; None: they do not."""
    veto = unplaced.nearest
    if veto is None or veto.quota is None:
        return None
    kind, name = kind_of(veto.quota)
    if kind == POOL:
        return _pool_is_full(view, name, veto.asked)
    if kind == MUTEX:
        return f"mutex {name}: held by {', '.join(holders(view, veto.quota)) or 'a job placed with it'}"
    if kind == DAG:
        return f"max_active_jobs of {name}: {view.used[veto.quota]} are active"
    if kind in _OF_OWNERS:
        return _owner_has_enough(view, veto.quota, veto.asked)
    assert kind == RUN, veto
    return f"max_active_jobs_per_run: {view.used[veto.quota]} of this run are active"


def _owner_has_enough(view: View, claim: str, asked: int) -> str:
    kind, name = kind_of(claim)
    cap, taken = _capacity(view, claim) or 0, _taken(view, claim)
    if asked > cap:
        return f"owner {name}: asks for {_amount(kind, asked)}, and may have {_amount(kind, cap)} at most"
    return (
        f"owner {name}: asks for {_amount(kind, asked)}, "
        f"and has {_amount(kind, taken)} of the {_amount(kind, cap)} that they may"
    )


def _amount(kind: str, number: int) -> str:
    if kind == CPUS:
        return f"{number / 1000:g} cpus"
    return f"{number} MiB" if kind == MEM else f"{number} job{'' if number == 1 else 's'}"


def _pool_is_full(view: View, name: str, asked: int) -> str:
    slots = view.pools.get(name)
    if slots is None:
        return f"there is no pool {name}: make it with `moroccron pools set {name} SLOTS`"
    if asked > slots:
        return f"pool {name}: asks for {asked} slots, and it has only {slots}"
    return f"pool {name}: asks for {asked}, and {view.used[f'{POOL}:{name}']} of {slots} slots are taken"


def holders(view: View, claim: str) -> list[str]:
    """The jobs that hold slots of a limit."""
    return [f"{key.run_id} {key.job_id}" for key in _holding(view, claim)]


def _holding(view: View, claim: str) -> Iterable[AttemptKey]:
    held: Mapping[str, tuple[tuple[str, int], ...]] = view.held
    for task_id, claims in held.items():
        if any(name == claim for name, _ in claims):
            yield view.live[task_id]
