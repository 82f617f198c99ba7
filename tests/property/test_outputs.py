"""Outputs: what is kept of any bytes that a job may leave, and which way any choice leads."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moroccron.core.branching import followed
from moroccron.core.graph import JobGraph
from moroccron.model.outputs import MOST, BadOutput, parse, text_of
from moroccron.testing import a_job, a_version

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_a_value_comes_back(value: object) -> None:
    assert parse(json.dumps(value, ensure_ascii=False, indent=1).encode()) == value
    assert parse(text_of(value).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_refused(data: bytes) -> None:
    try:
        value = parse(data)
    except BadOutput:
        return
    text_of(value).encode("ascii")


@given(st.integers(MOST - 2, MOST + 2))
def test_the_size_is_that_of_the_file(size: int) -> None:
    data = b'"' + b"x" * (size - 2) + b'"'
    if size <= MOST:
        assert len(parse(data)) == size - 2
    else:
        with pytest.raises(BadOutput, match=f"larger than {MOST}"):
            parse(data)


@st.composite
def graphs(draw: st.DrawFn) -> JobGraph:
    """A branch at the first place, and jobs behind it in any order."""
    count = draw(st.integers(1, 7))
    jobs = [a_job("j0", branch=True)]
    for n in range(1, count + 1):
        ups = draw(st.sets(st.integers(0, n - 1), max_size=3))
        jobs.append(a_job(f"j{n}", upstream=tuple(sorted(f"j{up}" for up in ups))))
    return JobGraph(a_version(jobs=tuple(jobs)))


@given(graphs(), st.data())
def test_who_is_followed_is_chosen_or_behind_one_that_is(
    graph: JobGraph, data: st.DataObject
) -> None:
    children = [spec.id for spec in graph.specs if "j0" in spec.upstream]
    chosen = data.draw(st.lists(st.sampled_from(children), unique=True)) if children else []
    found = followed(graph, 0, chosen)
    assert found is not None
    behind = set(chosen)
    for spec in graph.specs:  # in topological order
        if behind & set(spec.upstream):
            behind.add(spec.id)
    assert set(found) == {child for child in children if child in behind}
