"""The order of a DAG's jobs, and the cycles that forbid one. Plain dictionaries, no graph library.

This runs in the child that reads DAG files, once per DAG: importing a graph library would cost more than all
the graphs together.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from heapq import heapify, heappop, heappush


def topological_order(upstream: Mapping[str, Set[str]]) -> list[str]:
    """The jobs, each after those it waits for, ties in the mapping's order.

    Shorter than the mapping when there are cycles: what is in or behind one is left out.
    """
    position = {job: index for index, job in enumerate(upstream)}
    jobs = list(upstream)
    downstream = inverted(upstream)
    missing = {job: len(ups) for job, ups in upstream.items()}
    ready = [position[job] for job in jobs if not missing[job]]
    heapify(ready)
    order: list[str] = []
    while ready:
        job = jobs[heappop(ready)]
        order.append(job)
        for down in downstream[job]:
            missing[down] -= 1
            if not missing[down]:
                heappush(ready, position[down])
    return order


def between(upstream: Mapping[str, Collection[str]], first: Iterable[str], last: str) -> set[str]:
    """The jobs downstream of any of `first` and upstream of `last`, ends excluded: a teardown's scope."""
    sources = set(first)
    behind = reach(inverted(upstream), sources)
    return (reach(upstream, {last}) & behind) - sources - {last}


def reach(neighbours: Mapping[str, Collection[str]], start: Iterable[str]) -> set[str]:
    """The jobs that can be come to from these, themselves included."""
    seen = set(start)
    left = list(seen)
    while left:
        for job in neighbours.get(left.pop(), ()):
            if job not in seen:
                seen.add(job)
                left.append(job)
    return seen


def inverted(upstream: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Downstream jobs by job."""
    downstream: dict[str, list[str]] = {job: [] for job in upstream}
    for job, ups in upstream.items():
        for up in ups:
            downstream[up].append(job)
    return downstream


def cycles(upstream: Mapping[str, Set[str]]) -> list[list[str]]:
    """Cycles that share no job, each as `[a, b, c]` for `a >> b >> c >> a`; all gone, all is well.

    Each begins with its job that comes first in the mapping.
    """
    position = {job: index for index, job in enumerate(upstream)}
    left = dict(upstream)
    found: list[list[str]] = []
    while left := _entangled(left):
        cycle = _walk(left, position)
        found.append(cycle)
        for job in cycle:
            del left[job]
    return found


def _entangled(upstream: Mapping[str, Set[str]]) -> dict[str, Set[str]]:
    """The jobs in or behind a cycle, with their edges among one another."""
    inside = {job: {up for up in ups if up in upstream} for job, ups in upstream.items()}
    out = set(topological_order(inside))
    return {job: ups - out for job, ups in inside.items() if job not in out}


def _walk(upstream: Mapping[str, Set[str]], position: Mapping[str, int]) -> list[str]:
    """Go upstream until a job comes again: what lies between is a cycle."""
    seen: dict[str, int] = {}
    path: list[str] = []
    job = next(iter(upstream))
    while job not in seen:
        seen[job] = len(path)
        path.append(job)
        job = min(upstream[job], key=position.__getitem__)
    cycle = path[seen[job] :][::-1]
    first = cycle.index(min(cycle, key=position.__getitem__))
    return cycle[first:] + cycle[:first]


def written(cycle: Sequence[str]) -> str:
    """`a >> b >> c >> a`."""
    return " >> ".join((*cycle, cycle[0]))
