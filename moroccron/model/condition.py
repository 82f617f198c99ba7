"""The small language of `run_if`: what became of named upstream jobs, joined by `and`, `or` and `not`.

    extract.succeeded and not (audit.failed or audit.skipped)

Text is taken apart here and never handed to Python. A mistake is told with its column and a remedy. What a
condition means while some of its jobs are not over is `core.foresight`'s.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from moroccron.model.errors import DagInvalid
from moroccron.model.states import FAILED_JOB_RUNS, PASSED_OVER, TERMINAL_JOB_RUNS, JobRunState
from moroccron.model.validation import suggestion

#: what may stand behind a job's id, and the states of which it holds; a job that is not over is none of them
WORDS: dict[str, frozenset[JobRunState]] = {
    "succeeded": frozenset({JobRunState.SUCCEEDED}),
    "failed": FAILED_JOB_RUNS,
    "lost": frozenset({JobRunState.LOST}),
    "killed": frozenset({JobRunState.KILLED}),
    "upstream_failed": frozenset({JobRunState.UPSTREAM_FAILED}),
    "skipped": PASSED_OVER,
    "not_selected": frozenset({JobRunState.NOT_SELECTED}),
    "done": TERMINAL_JOB_RUNS,
}
MOST_JOBS = 16  #: named in one condition
LONGEST = 2000  #: characters
_DEEPEST = 50  #: parentheses within each other
_TOKEN = re.compile(r"\s*(?:(?P<word>[A-Za-z0-9][A-Za-z0-9_.-]*)|(?P<mark>[()])|(?P<other>\S))")
_JOINING = frozenset({"and", "or", "not"})


@dataclass(frozen=True, slots=True)
class Is:
    """`job.word`: the job's state is one of these."""

    job: str
    states: frozenset[JobRunState]
    column: int


@dataclass(frozen=True, slots=True)
class Not:
    part: "Condition"


@dataclass(frozen=True, slots=True)
class All:
    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Any:
    parts: "tuple[Condition, ...]"


Condition = Is | Not | All | Any


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    column: int  #: from 1


def parse(text: str) -> Condition:
    """The condition that a text spells. Raises `DagInvalid` with column and remedy."""
    if len(text) > LONGEST:
        raise DagInvalid(
            f"a condition of {len(text)} characters is too long",
            remedy=f"use {LONGEST} at most: let a job between decide a part of it",
        )
    condition = _Parser(text).whole()
    names = {part.job for part in atoms(condition)}
    if len(names) > MOST_JOBS:
        raise DagInvalid(
            f"a condition over {len(names)} jobs is too long",
            remedy=f"name {MOST_JOBS} at most: use a trigger rule, or let a job between decide a part of it",
        )
    return condition


def atoms(condition: Condition) -> Iterator[Is]:
    """Everything that it says of a job, as it is written."""
    match condition:
        case Is():
            yield condition
        case Not(part):
            yield from atoms(part)
        case All(parts) | Any(parts):
            for part in parts:
                yield from atoms(part)


class _Parser:
    """One token ahead, one method per level: `or` binds least, then `and`, then `not`."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._end = _Token("", len(text.rstrip()) + 1)
        self._next = 0
        self._depth = 0

    def whole(self) -> Condition:
        found = self._or()
        if (rest := self._peek()).text:
            if rest.text == ")":
                raise _wrong(rest, "')' closes nothing", "remove it, or open it before")
            raise _wrong(
                rest, f"{rest.text!r} stands beside what is before it", "join them: and, or"
            )
        return found

    def _or(self) -> Condition:
        parts = [self._and()]
        while self._take("or"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def _and(self) -> Condition:
        parts = [self._not()]
        while self._take("and"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _not(self) -> Condition:
        negations = 0
        while self._take("not"):
            negations += 1
        found = self._primary()
        return Not(found) if negations % 2 else found

    def _primary(self) -> Condition:
        token = self._peek()
        if token.text in _JOINING or token.text in ("", ")"):
            what = f"{token.text!r} stands where" if token.text else "it ends where"
            raise _wrong(
                token, f"{what} a job's state is wanted", 'write such as "extract.succeeded"'
            )
        self._next += 1
        if token.text != "(":
            return _is(token)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _wrong(token, f"more than {_DEEPEST} parentheses within each other", "use fewer")
        found = self._or()
        self._depth -= 1
        if not self._take(")"):
            raise _wrong(token, "'(' is not closed", "close it with ')'")
        return found

    def _peek(self) -> _Token:
        return self._tokens[self._next] if self._next < len(self._tokens) else self._end

    def _take(self, text: str) -> bool:
        if self._peek().text != text:
            return False
        self._next += 1
        return True


def _tokens(text: str) -> Iterator[_Token]:
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup
        assert kind is not None
        token = _Token(found[kind], found.start(kind) + 1)
        if kind == "other":
            remedy = "use ids of jobs with a state, such as extract.succeeded, and the words and, or, not, ( )"
            raise _wrong(token, f"{token.text!r} is no part of a condition", remedy)
        yield token


def _is(token: _Token) -> Is:
    job, dot, word = token.text.rpartition(".")
    if not dot:
        if token.text.lower() in _JOINING:
            raise _wrong(token, f"{token.text!r} is no word here", f"write {token.text.lower()}")
        raise _wrong(
            token,
            f"{token.text!r} does not say which state is meant",
            f"write {token.text}.succeeded, or another of: {', '.join(WORDS)}",
        )
    if word not in WORDS:
        column = token.column + len(job) + 1
        remedy = suggestion(word, WORDS, f"use one of {', '.join(WORDS)}")
        raise _wrong(_Token(word, column), f"{word!r} is no state", remedy)
    if not job:
        raise _wrong(token, "no job stands before the dot", f"write JOB.{word}")
    return Is(job, WORDS[word], token.column)


def _wrong(token: _Token, message: str, remedy: str) -> DagInvalid:
    return DagInvalid(f"column {token.column}: {message}", remedy=remedy)
