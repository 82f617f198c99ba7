"""The language of conditions, and what one says while some of its jobs are not over.

The second opinion knows no diagrams: it evaluates the text over every way in which the open jobs may end or
never end.
"""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moroccron.core.foresight import Foresight
from moroccron.core.rules import RuleVerdict as V
from moroccron.model.condition import WORDS, All, Any, Not, atoms, parse
from moroccron.model.errors import DagInvalid
from moroccron.model.states import TERMINAL_JOB_RUNS
from moroccron.model.states import JobRunState as J

ENDS = sorted(TERMINAL_JOB_RUNS)


def holds(condition, states):
    match condition:
        case Not(part):
            return not holds(part, states)
        case All(parts):
            return all(holds(part, states) for part in parts)
        case Any(parts):
            return any(holds(part, states) for part in parts)
    return states[condition.job] in condition.states


def can_hold(condition, jobs, **kept):
    """Whether it holds in any world, some states given."""
    ways = [[kept[job]] if job in kept else [*ENDS, J.WAITING] for job in jobs]
    return any(holds(condition, dict(zip(jobs, way, strict=True))) for way in product(*ways))


def plainly(text, states):
    condition = parse(text)
    open_jobs = [job for job, state in states.items() if not state.is_terminal]

    def outcomes(ways):
        for ending in product(ways, repeat=len(open_jobs)):
            yield {**states, **dict(zip(open_jobs, ending, strict=True))}

    if all(holds(condition, end) for end in outcomes([*ENDS, J.WAITING])):
        return V.RUN
    found = set()
    for end in outcomes(ENDS):
        unfailed = {job: J.SUCCEEDED if s.is_failure else s for job, s in end.items()}
        if holds(condition, end):
            found.add(V.WAIT)  # not certain, or it would have been above
        else:
            kept = {job: state for job, state in end.items() if state.is_failure}
            hopeless = can_hold(condition, states) and not can_hold(condition, states, **kept)
            to_blame = hopeless or holds(condition, unfailed)
            found.add(V.UPSTREAM_FAILED if to_blame else V.SKIP)
    return found.pop() if len(found) == 1 else V.WAIT


def said(text, **states):
    foresight = Foresight(text)
    return foresight.verdict([states.get(job, J.RUNNING) for job in foresight.jobs])


JOBS = ["a", "b", "c"]
words = st.builds("{}.{}".format, st.sampled_from(JOBS), st.sampled_from(sorted(WORDS)))
texts = st.recursive(
    words,
    lambda inner: st.one_of(
        st.builds("not ({})".format, inner),
        st.builds("({}) and {}".format, inner, inner),
        st.builds("{} or ({})".format, inner, inner),
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(texts, st.lists(st.sampled_from([*ENDS, J.WAITING, J.RUNNING]), min_size=3, max_size=3))
def test_a_verdict_is_due_exactly_when_all_that_may_come_agrees_on_it(text, chosen):
    states = dict(zip(JOBS, chosen, strict=True))
    named = {part.job for part in atoms(parse(text))}
    states = {job: state for job, state in states.items() if job in named}
    assert said(text, **states) is plainly(text, states)


def test_a_condition_that_a_failure_made_false_has_failed_upstream():
    text = "extract.succeeded and not audit.failed"
    assert said(text) is V.WAIT
    assert said(text, extract=J.SUCCEEDED) is V.WAIT
    assert said(text, extract=J.LOST) is V.UPSTREAM_FAILED, "whatever becomes of audit"
    assert said(text, extract=J.SUCCEEDED, audit=J.SKIPPED) is V.RUN
    assert said(text, extract=J.SUCCEEDED, audit=J.KILLED) is V.UPSTREAM_FAILED
    assert said(text, audit=J.FAILED) is V.UPSTREAM_FAILED
    assert said(text, extract=J.SKIPPED) is V.WAIT, "a failure would beat the skip"
    assert said(text, extract=J.SKIPPED, audit=J.SUCCEEDED) is V.SKIP
    assert said("a.failed and b.failed", a=J.FAILED, b=J.SUCCEEDED) is V.SKIP
    assert said("a.succeeded or b.succeeded", a=J.FAILED, b=J.SKIPPED) is V.UPSTREAM_FAILED
    assert said("a.failed and not a.failed") is V.SKIP


def test_done_is_not_known_before_it_is_so():
    assert said("a.done and b.succeeded", b=J.SUCCEEDED) is V.WAIT
    assert said("a.done and b.succeeded", a=J.FAILED, b=J.SUCCEEDED) is V.RUN
    assert said("a.failed or not a.failed") is V.RUN


def test_precedence_is_not_then_and_then_or():
    text = "a.succeeded or b.succeeded and not c.succeeded"
    grouped = "a.succeeded or (b.succeeded and (not c.succeeded))"
    for states in product([J.SUCCEEDED, J.FAILED], repeat=3):
        by_job = dict(zip(JOBS, states, strict=True))
        assert said(text, **by_job) is said(grouped, **by_job)


def test_ids_may_hold_dots_and_dashes_and_be_words():
    condition = parse("and.failed or load-2.v1.succeeded")
    assert [part.job for part in atoms(condition)] == ["and", "load-2.v1"]


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("a.suceeded", "column 3: 'suceeded' is no state", "did you mean succeeded?"),
        ("a.succeeded and b", "column 17: 'b' does not say which state", "write b.succeeded"),
        ("a.failed & b.failed", "column 10: '&' is no part of a condition", "the words and, or"),
        ("a.failed b.failed", "column 10: 'b.failed' stands beside", "and, or"),
        ("a.failed AND b.failed", "column 10: 'AND' stands beside", "and, or"),
        ("NOT a.failed", "column 1: 'NOT' is no word here", "write not"),
        ("(a.failed or b.failed", "column 1: '(' is not closed", "')'"),
        ("a.failed)", "column 9: ')' closes nothing", "remove"),
        ("a.failed and", "column 13: it ends where", "extract.succeeded"),
        ("", "column 1: it ends where", "extract.succeeded"),
        ("or a.failed", "column 1: 'or' stands where", "extract.succeeded"),
        ("__import__('os')", "column 1: '_' is no part", "ids of jobs"),
        ("(" * 60 + "a.done" + ")" * 60, "column 51: more than 50 parentheses", "fewer"),
        ("not " * 501 + "a.done", "of 2010 characters is too long", "2000"),
        (" or ".join(f"j{n}.failed" for n in range(17)), "over 17 jobs", "16"),
    ],
)
def test_a_mistake_names_its_column_and_a_remedy(text, message, remedy):
    with pytest.raises(DagInvalid) as caught:
        parse(text)
    assert message in caught.value.message
    assert remedy in caught.value.remedy


def test_a_tangled_condition_is_made_ready_all_the_same():
    ups = [f"a{n}.succeeded" for n in range(8)]
    pairs = [f"({up} and b{n}.failed)" for n, up in enumerate(ups)]
    text = f"({' or '.join(ups)}) and ({' or '.join(pairs)})"
    failing = {f"b{n}": J.FAILED for n in range(8)}
    assert said(text, **failing) is V.WAIT
    assert said(text, **failing, a3=J.SUCCEEDED) is V.RUN
