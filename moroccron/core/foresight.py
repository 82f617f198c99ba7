"""What a condition says while some of its jobs are not over: exactly, for all that may still become of them.

Where it is false, a failure is to blame if the failures alone leave it no way to hold, or if it would hold had
the failed jobs succeeded; the job has failed upstream then, and is skipped otherwise.

A condition becomes a decision diagram: at each level one job's state chooses the branch, equal branches are
one. So "can it still change?" is a walk over the branches that are left, not over all combinations.
"""

from collections.abc import Callable, Sequence

from moroccron.core.rules import RuleVerdict
from moroccron.model.condition import All, Condition, Is, Not, atoms, parse
from moroccron.model.states import TERMINAL_JOB_RUNS, JobRunState

_ENDS = sorted(TERMINAL_JOB_RUNS)
_BRANCH = {state: branch for branch, state in enumerate(_ENDS)}
_UNENDED = len(_ENDS)  #: the last branch: a job that is never over
_FALSE, _TRUE = 0, 1
#: ends of the joined diagram: true; false for a failure's sake; false
_MET, _FAILED, _UNMET = 2, 3, 4
_FIRST_NODE = 5
_VERDICTS = {
    frozenset({_MET}): RuleVerdict.RUN,
    frozenset({_FAILED}): RuleVerdict.UPSTREAM_FAILED,
    frozenset({_UNMET}): RuleVerdict.SKIP,
}


class Foresight:
    """One job's condition, made ready. `jobs` are those that it names, in the order of `verdict`'s states."""

    def __init__(self, text: str) -> None:
        condition = parse(text)
        self.jobs = tuple(dict.fromkeys(part.job for part in atoms(condition)))
        self._level = {job: level for level, job in enumerate(self.jobs)}
        self._nodes: list[tuple[int, tuple[int, ...]]] = []
        self._known: dict[tuple[int, tuple[int, ...]], int] = {}
        held = self._diagram(condition, forgiving=False)
        forgiven = self._diagram(condition, forgiving=True)
        ends = self._join(_end, held, forgiven, {})
        left = self._left_by_failures(held, {}) if held != _FALSE else _TRUE  # nobody's fault
        self._root = self._join(_blame, ends, left, {})

    def verdict(self, states: Sequence[JobRunState]) -> RuleVerdict:
        """RUN once it holds whatever happens, be it that an open job never ends; SKIP or UPSTREAM_FAILED once
        all ways in which the open jobs may end agree on it."""
        branches = [_BRANCH.get(state) for state in states]
        ends = self._reachable(self._root, branches, _UNENDED)
        if ends == {_MET} and self._reachable(self._root, branches, _UNENDED + 1) != {_MET}:
            return RuleVerdict.WAIT
        return _VERDICTS.get(frozenset(ends), RuleVerdict.WAIT)

    def _reachable(self, root: int, branches: Sequence[int | None], width: int) -> set[int]:
        found, seen, left = set(), {root}, [root]
        while left:
            node = left.pop()
            if node < _FIRST_NODE:
                found.add(node)
                continue
            level, children = self._nodes[node - _FIRST_NODE]
            branch = branches[level]
            ways = children[:width] if branch is None else (children[branch],)
            left += (way for way in set(ways) if way not in seen)
            seen.update(ways)
        return found

    def _diagram(self, condition: Condition, *, forgiving: bool) -> int:
        """The node that answers a condition; `forgiving`: as if each failed job had succeeded."""
        match condition:
            case Is(job, holds):
                seen = [_forgive(state) if forgiving else state for state in _ENDS]
                return self._node(self._level[job], (*(int(state in holds) for state in seen), 0))
            case Not(part):
                inner = self._diagram(part, forgiving=forgiving)
                return self._join(lambda a, _: 1 - a, inner, inner, {})
            case _:
                join = _both if isinstance(condition, All) else _either
                first, *rest = (self._diagram(p, forgiving=forgiving) for p in condition.parts)
                for other in rest:
                    first = self._join(join, first, other, {})
                return first

    def _left_by_failures(self, node: int, done: dict[int, int]) -> int:
        """Whether a condition could hold with what failed as it is and anything at all of the others."""
        if node < _FIRST_NODE:
            return node
        if node not in done:
            level, children = self._nodes[node - _FIRST_NODE]
            left = [self._left_by_failures(child, done) for child in children]
            some = left[0]
            for other in left[1:]:
                some = self._join(_either, some, other, {})
            ways = zip(_ENDS, left, strict=False)
            kept = tuple(way if state.is_failure else some for state, way in ways)
            done[node] = self._node(level, (*kept, some))
        return done[node]

    def _node(self, level: int, children: tuple[int, ...]) -> int:
        if len(set(children)) == 1:
            return children[0]
        found = self._known.setdefault((level, children), len(self._nodes) + _FIRST_NODE)
        if found == len(self._nodes) + _FIRST_NODE:
            self._nodes.append((level, children))
        return found

    def _join(
        self, ends: Callable[[int, int], int], a: int, b: int, done: dict[tuple[int, int], int]
    ) -> int:
        """The diagram of two, their ends joined."""
        if a < _FIRST_NODE and b < _FIRST_NODE:
            return ends(a, b)
        if (a, b) not in done:
            level = min(self._level_of(a), self._level_of(b))
            pairs = zip(self._children(a, level), self._children(b, level), strict=True)
            children = tuple(self._join(ends, one, other, done) for one, other in pairs)
            done[a, b] = self._node(level, children)
        return done[a, b]

    def _level_of(self, node: int) -> int:
        return self._nodes[node - _FIRST_NODE][0] if node >= _FIRST_NODE else len(self.jobs)

    def _children(self, node: int, level: int) -> tuple[int, ...]:
        """The branches of a node at a level; all the same when it does not ask there."""
        if self._level_of(node) == level:
            return self._nodes[node - _FIRST_NODE][1]
        return (node,) * (_UNENDED + 1)


def _forgive(state: JobRunState) -> JobRunState:
    return JobRunState.SUCCEEDED if state.is_failure else state


def _both(a: int, b: int) -> int:
    return a & b


def _either(a: int, b: int) -> int:
    return a | b


def _end(held: int, forgiven: int) -> int:
    if held:
        return _MET
    return _FAILED if forgiven else _UNMET


def _blame(end: int, left: int) -> int:
    return _FAILED if end == _UNMET and not left else end
