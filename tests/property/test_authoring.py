"""Whatever is written into a field, the answer is a version that survives its JSON, or problems with remedies."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import networkx
from hypothesis import given, settings
from hypothesis import strategies as st

from moroccron import DAG, Constraint, Job, Operator, Uri, Volume
from moroccron.model import graph
from moroccron.model.dag_version import DagVersion
from moroccron.model.failure import FailureClass
from moroccron.model.fields import DAG_CHECKS, JOB_CHECKS
from moroccron.model.schedule import CatchUp, Overlap

# ------------------------------------------------------------------ anything in any field

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text(st.characters(codec=None), max_size=8)
    | st.binary(max_size=4)
    | st.datetimes()
    | st.dates()
    | st.timedeltas()
    | st.sampled_from(
        [object, DAG, Operator.LIKE, b"", "1GiB", "@daily", "* * * * *", "Europe/Berlin"]
    )
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)


def fields(checks: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from([*checks, "shedule", "comand"]), anything, max_size=4)


@settings(deadline=None)
@given(anything, fields(DAG_CHECKS), anything, anything, fields(JOB_CHECKS))
def test_any_value_gives_a_version_or_a_remedy(
    dag_id: Any, dag_fields: dict[str, Any], job_id: Any, command: Any, job_fields: dict[str, Any]
) -> None:
    dag = DAG(dag_id, **dag_fields)
    Job(job_id, command, dag=dag, **job_fields)
    problems = dag.problems()
    for problem in problems:
        assert problem.message
        assert problem.remedy
        assert problem.line
    if not problems:
        assert_survives(dag.version())


def assert_survives(version: DagVersion) -> None:
    text = version.to_json()
    again = DagVersion.from_json(text, version.id)
    assert again == version
    assert again.with_id().id == version.id
    assert again.to_json() == text
    json.loads(text)


# ------------------------------------------------------------------ good values of every field

words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
names = words.filter(str.isprintable)
texts = st.text(max_size=20).filter(lambda text: "\0" not in text)
durations = (
    st.integers(1, 10**6)
    | st.floats(0.001, 10**6)
    | st.timedeltas(timedelta(seconds=1), timedelta(days=9))
)
constraints = st.one_of(
    st.builds(Constraint, words, st.just(Operator.UNIQUE)),
    st.builds(Constraint, words, st.just(Operator.MAX_PER), st.integers(1, 9).map(str)),
    st.tuples(words, st.sampled_from(["CLUSTER", "IS"]), words),
)
job_fields = st.fixed_dictionaries(
    {},
    optional={
        "image": words | st.none(),
        "env": st.dictionaries(st.from_regex(r"\A[A-LN-Z][A-Z_]{0,5}\Z"), texts, max_size=3),
        "pull": st.booleans(),
        "containerizer": st.sampled_from(["docker", "mesos", None]),
        "uris": st.lists(words | st.builds(Uri, words, cache=st.booleans()), max_size=2),
        "volumes": st.sampled_from(
            [[], ["/a:/b", Volume("n", "m", driver="local")], ["./a:/b:ro"]]
        ),
        "cpus": st.integers(1, 10**6).map(lambda n: n / 1000),
        "mem": st.integers(1, 10**6),
        "disk": st.integers(0, 10**6),
        "gpus": st.integers(0, 64),
        "ports": st.integers(0, 1000),
        "constraints": st.lists(constraints, max_size=3),
        "retries": st.integers(0, 1000),
        "retry_delay": durations,
        "retry_backoff": st.floats(1, 100),
        "retry_jitter": st.floats(0, 1),
        "retry_on": st.dictionaries(
            st.integers(1, 255) | st.sampled_from(list(FailureClass)), st.integers(0, 9), max_size=3
        ),
        "memory_on_oom": st.integers(10**6 + 1, 2 * 10**6) | st.none(),
        "timeout": durations | st.none(),
        "start_within": durations | st.none(),
        "job_timeout": durations | st.none(),
        "deadline": durations | st.sampled_from(["7:30", "23:59", None]),
        "kill_grace": durations,
        "replace_after": durations | st.sampled_from(["never", None]),
        "trigger_rule": st.sampled_from(["all_done", "one_failed", "all_success"]),
        "slots": st.integers(1, 9),
        "mutex": st.just("m") | st.lists(st.sampled_from("abc"), max_size=3),
        "priority": st.integers(-9, 9),
        "owners": st.lists(names, max_size=2),
        "doc": texts,
    },
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)
dag_fields = st.fixed_dictionaries(
    {},
    optional={
        "schedule": st.sampled_from(["@weekly", "*/5 1-3 * jan mon-fri", "h 3 L * friL", None])
        | st.dates(date(1990, 1, 1), date(2025, 1, 1))
        | st.lists(st.sampled_from(["@daily", timedelta(hours=7), date(2028, 2, 29)]), min_size=1)
        | st.integers(1, 10**6).map(lambda n: timedelta(seconds=n)),
        "timezone": st.sampled_from(["Europe/Berlin", "America/New_York", "UTC"]),
        "start": st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1))  # noqa: DTZ001
        | st.dates(date(1990, 1, 1), date(2030, 1, 1)),
        "end": st.dates(date(2031, 1, 1), date(2040, 1, 1)),
        "catchup": st.booleans() | st.sampled_from(CatchUp),
        "catchup_within": st.none() | st.integers(1, 10**6),
        "overlap": st.sampled_from(Overlap),
        "pause_after": st.none() | st.integers(1, 99),
        "holidays": st.lists(st.dates(date(2026, 1, 1), date(2027, 1, 1)), max_size=3),
        "blackouts": st.just([("2026-01-01", "2026-02-01")]),
        "max_active_runs": st.integers(1, 99),
        "max_active_jobs": st.integers(1, 99) | st.none(),
        "max_active_jobs_per_run": st.integers(1, 99) | st.none(),
        "run_timeout": durations | st.none(),
        "deadline": durations | st.sampled_from(["7:30", None]),
        "owners": st.lists(names, max_size=2),
        "tags": st.lists(names, max_size=2),
        "doc": texts,
        "params": st.dictionaries(names, json_values, max_size=3),
        "defaults": job_fields,
    },
)


@settings(deadline=None)
@given(dag_fields, st.lists(job_fields, min_size=1, max_size=4))
def test_good_values_survive_the_round_trip(
    of_dag: dict[str, Any], of_jobs: list[dict[str, Any]]
) -> None:
    def make() -> DagVersion:
        dag = DAG("d", **of_dag)
        made = [
            Job(f"j{n}", "true", dag=dag, **one)  # type: ignore[arg-type]
            for n, one in enumerate(of_jobs)
        ]
        for up, down in pairwise(made):
            up >> down
        assert dag.problems() == []
        return dag.version()

    version = make()
    assert_survives(version)
    assert make() == version


# ------------------------------------------------------------------ order and cycles

edges = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda e: e[0] != e[1]), max_size=25
)


def as_upstream(pairs: list[tuple[int, int]]) -> dict[str, set[str]]:
    upstream: dict[str, set[str]] = {str(n): set() for n in range(10)}
    for up, down in pairs:
        upstream[str(down)].add(str(up))
    return upstream


def as_networkx(upstream: dict[str, set[str]]) -> "networkx.DiGraph[str]":
    drawn: networkx.DiGraph[str] = networkx.DiGraph()
    drawn.add_nodes_from(upstream)
    drawn.add_edges_from((up, down) for down, ups in upstream.items() for up in ups)
    return drawn


@settings(deadline=None)
@given(edges)
def test_order_and_cycles_agree_with_networkx(pairs: list[tuple[int, int]]) -> None:
    upstream = as_upstream(pairs)
    drawn = as_networkx(upstream)
    order, found = graph.topological_order(upstream), graph.cycles(upstream)
    key: Callable[[str], int] = int
    if networkx.is_directed_acyclic_graph(drawn):
        assert order == list(networkx.lexicographical_topological_sort(drawn, key=key))
        assert found == []
        return
    assert found
    assert len(order) < len(upstream)
    for cycle in found:
        assert all(drawn.has_edge(*edge) for edge in zip(cycle, cycle[1:] + cycle[:1], strict=True))
        assert len(set(cycle)) == len(cycle)
        drawn.remove_nodes_from(cycle)  # no job is in two of the cycles that are told
    assert networkx.is_directed_acyclic_graph(drawn)
