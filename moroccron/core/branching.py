"""Which way a run goes on: what the output of a job that chooses says of the jobs directly downstream. Pure.

To a job that is not followed the one that chose counts as skipped, and the job's trigger rule says what that means.
"""

from collections.abc import Iterable
from typing import Any

from moroccron.core.graph import JobGraph
from moroccron.model.outputs import BadOutput


def followed(graph: JobGraph, position: int, value: Any) -> tuple[str, ...] | None:
    """The jobs directly downstream that are followed, by id; None: all are. Raises `BadOutput`.

    Those that a branch names, and those that lie behind one of these as well: where ways join again, the
    join is on the way that was chosen.
    """
    spec = graph.specs[position]
    children = {graph.specs[child].id: child for child in graph.children(position)}
    if spec.short_circuit:
        return None if value else ()
    if not spec.branch:
        return None
    chosen = _chosen(value)
    strange = [name for name in chosen if name not in children]
    if strange:
        known = ", ".join(sorted(children)) or "none"
        raise BadOutput(
            f"the output names {', '.join(map(repr, strange))} to follow; directly downstream are {known}"
        )
    behind = _behind(graph, [children[name] for name in chosen])
    return tuple(sorted(name for name, child in children.items() if child in behind))


def _chosen(value: Any) -> list[str]:
    """The names of a branch's output: one, several, or (null, an empty list) none."""
    if value is None:
        return []
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadOutput("the output of a branch has to be the name of a job, or a list of names")
    return names


def _behind(graph: JobGraph, positions: Iterable[int]) -> set[int]:
    """The jobs at these positions and all that lie downstream of them."""
    found: set[int] = set()
    left = list(positions)
    while left:
        position = left.pop()
        if position not in found:
            found.add(position)
            left += graph.children(position)
    return found
