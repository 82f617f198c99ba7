"""Claims: what an attempt takes of limits that it shares with others, and what is left of them.

A limit is a name with slots: a pool, a mutex, the active jobs of a DAG or of a run. Whoever is launched holds its
slots until it is known to have ended. Must not place anything: `core.quotas` keeps count while the packer does.
"""

from collections.abc import Iterable, Mapping

from moroccron.core.view import View
from moroccron.model.claim import DAG, MUTEX, POOL, RUN, kind_of
from moroccron.model.packing import Unplaced
from moroccron.model.run import AttemptKey


def left(view: View) -> dict[str, int]:
    """The slots left of each limit that something queued claims."""
    found = {}
    for name in view.queue.claimed:
        capacity = _capacity(view, name)
        if capacity is not None:
            found[name] = capacity - view.used[name]
    return found


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
    assert kind == RUN, veto
    return f"max_active_jobs_per_run: {view.used[veto.quota]} of this run are active"


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
