"""Params: what a file declares of them, what a run is given, and what it then has."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moroccron import DAG, After, Job, Param
from moroccron.model.backfill import CreateBackfill, VersionChoice
from moroccron.model.command import Outcome, RetryRun, TriggerRun
from moroccron.model.dag_version import DagVersion
from moroccron.model.errors import DagInvalid
from moroccron.model.param import ParamType
from moroccron.model.param_values import completed, from_text, to_text
from moroccron.model.states import ReportedState
from moroccron.testing import EPOCH, a_version
from moroccron.testing.engine import Engine

DAY = Param("date", "2026-03-01", minimum="2026-01-01", maximum=date(2026, 12, 31))


def a_dag(params: Any, **fields: Any) -> DAG:
    with DAG("d", params=params, **fields) as dag:
        Job("a", "true")
    return dag


def a_dag_version(params: Any, **fields: Any) -> DagVersion:
    return a_dag(params, **fields).version()


def takes(param: Any, value: Any) -> Any:
    return completed(a_dag_version({"p": param}, timezone="Europe/Berlin"), {"p": value})["p"]


# ------------------------------------------------------------------ declared


@pytest.mark.parametrize(
    ("value", "kind", "default"),
    [
        ("x", "string", "x"),
        (3, "integer", 3),
        (2.5, "number", 2.5),
        (True, "boolean", True),
        (date(2026, 3, 1), "date", "2026-03-01"),
        (datetime(2026, 3, 1, 3, tzinfo=UTC), "datetime", "2026-03-01T03:00:00+00:00"),
        ((1, "a"), "list", [1, "a"]),
        ({"a": 1}, "json", {"a": 1}),
        (None, "json", None),
        (Param(default=3), "integer", 3),
        (Param(required=True), "string", None),
        (Param("number", 3), "number", 3),
        (Param("datetime", "2026-07-01T04:00"), "datetime", "2026-07-01T02:00:00+00:00"),
    ],
)
def test_a_param_has_a_type_and_a_default(value: Any, kind: str, default: Any) -> None:
    version = a_dag_version({"p": value}, timezone="Europe/Berlin")
    assert version.params == {"p": default}
    param = version.param("p")
    assert (param.type, param.default) == (ParamType(kind), default)
    assert type(param.default) is type(default)


def test_what_is_declared_is_stored_with_the_version() -> None:
    params = {
        "day": DAY,
        "who": Param(choices=["ann", "bob"], required=True, description="for whom"),
        "word": Param(default="ab", pattern="[a-c]+"),
        "bare": 3,
    }
    version = a_dag_version(params)
    again = DagVersion.from_json(version.to_json(), version.id)
    assert again == version
    assert again.param("day") == Param(
        ParamType.DATE, "2026-03-01", minimum="2026-01-01", maximum="2026-12-31"
    )
    assert again.param("who").choices == ("ann", "bob")


def test_a_bare_default_is_stored_as_it_ever_was() -> None:
    content = json.loads(a_dag_version({"n": 1, "day": "monday"}).to_json())
    assert content["params"] == {"n": 1, "day": "monday"}
    assert "declared" not in content


@pytest.mark.parametrize(
    ("param", "message", "remedy"),
    [
        (Param("int"), "none of string, integer", "did you mean integer"),
        (Param("text"), "none of", "use one of these"),
        (Param("integer", "x"), "must be an integer, not 'x'", "whole number"),
        (Param("date", "1st of May"), "must be a date", "2026-03-01"),
        (Param("string", minimum=1), "type string has no minimum", "leave it out"),
        (Param("integer", pattern="x"), "type integer has no pattern", "only a string"),
        (Param(pattern="("), "no RE2 expression", "correct it"),
        (Param("integer", 0, minimum=1), "0 is out of bounds", "1 at least"),
        (Param("integer", minimum="x"), "its minimum: must be an integer", "whole number"),
        (Param("string", "c", choices=["a", "b"]), "no choice of it", "use one of a, b"),
        (Param("string", choices=[]), "no choice in choices", "leave it out"),
        (Param("string", choices=["a", 3]), "its choices: must be text", '"text"'),
        (Param("integer", 3, required=True), "its default is never used", "leave one of them"),
        (Param(required="yes"), "required is 'yes'", "required=True"),  # type: ignore[arg-type]
        ({1, 2}, "which JSON cannot hold", "use text"),
    ],
)
def test_a_declaration_is_refused_with_its_field(param: Any, message: str, remedy: str) -> None:
    (problem,) = a_dag({"p": param}).problems()
    assert (problem.dag_id, problem.field) == ("d", "params.p")
    assert message in problem.message
    assert remedy in problem.remedy


@pytest.mark.parametrize("fields", [{"schedule": "@daily"}, {"triggers": After("up")}])
def test_who_gives_no_params_can_begin_no_dag_that_requires_one(fields: Any) -> None:
    (problem,) = a_dag({"p": Param(required=True)}, **fields).problems()
    assert problem.field == "params.p"
    assert "given no params" in problem.message
    assert "default" in problem.remedy


# ------------------------------------------------------------------ given


@pytest.mark.parametrize(
    ("param", "value", "stored"),
    [
        (DAY, "2026-12-31", "2026-12-31"),
        (DAY, date(2026, 1, 1), "2026-01-01"),
        (Param("datetime"), "2026-03-01T04:00", "2026-03-01T03:00:00+00:00"),
        (Param("datetime"), "2026-03-01T04:00Z", "2026-03-01T04:00:00+00:00"),
        (Param("number", minimum=0), 3, 3),
        (Param("list", choices=["a", "b"]), ["b", "b"], ["b", "b"]),
        (Param(pattern="[a-c]+"), "abc", "abc"),
        (Param("integer"), None, None),
        (Param("json", 3), {"a": None}, {"a": None}),
    ],
)
def test_a_value_is_taken(param: Param, value: Any, stored: Any) -> None:
    assert takes(param, value) == stored


@pytest.mark.parametrize(
    ("param", "value", "message"),
    [
        (DAY, "2027-01-01", "2027-01-01 is out of bounds"),
        (DAY, "2026-13-01", "must be a date"),
        (DAY, None, "must be a date"),
        (3, "3", "must be an integer"),
        (3, True, "must be an integer"),
        (3, 2.5, "must be an integer"),
        (True, 1, "must be a boolean"),
        ("x", 1, "must be text"),
        (Param("datetime"), "soon", "must be a datetime"),
        (Param("datetime", minimum="2026-03-01T04:00"), "2026-03-01T03:59", "out of bounds"),
        (Param("list", choices=["a", "b"]), ["b", "c"], "no choice of it"),
        (Param(pattern="[a-c]+"), "abcd", "does not match '[a-c]+'"),
        (Param(required=True), None, "must be text, not None"),
        ([1], float("nan"), "must be a list"),
        (None, [float("nan")], "which JSON cannot hold"),
    ],
)
def test_a_value_is_refused(param: Any, value: Any, message: str) -> None:
    with pytest.raises(DagInvalid) as refused:
        takes(param, value)
    assert refused.value.field == "params.p"
    assert message in refused.value.message
    assert refused.value.remedy


@given(
    st.one_of(
        st.tuples(st.just("integer"), st.integers()),
        st.tuples(st.just("number"), st.floats(allow_nan=False, allow_infinity=False)),
        st.tuples(st.just("boolean"), st.booleans()),
        st.tuples(st.just("date"), st.dates().map(date.isoformat)),
        st.tuples(
            st.just("datetime"),
            st.datetimes(timezones=st.just(UTC), min_value=datetime(2, 1, 1)).map(  # noqa: DTZ001 (it takes no other)
                datetime.isoformat
            ),
        ),
        st.tuples(st.just("list"), st.lists(st.integers() | st.text("abc"))),
        st.tuples(st.just("string"), st.text("abc xyz", min_size=1)),
    )
)
def test_what_is_stored_is_taken_again_and_may_be_written(found: tuple[str, Any]) -> None:
    """A value may go through the store, a form and another run, and stays what it is."""
    kind, value = found
    version = a_dag_version({"p": Param(kind)})
    stored = completed(version, {"p": value})["p"]
    assert completed(version, {"p": stored})["p"] == stored
    written = from_text(version.param("p"), to_text(stored))
    assert completed(version, {"p": written})["p"] == stored


# ------------------------------------------------------------------ runs


def an_engine(**fields: Any) -> Engine:
    params = {"day": DAY, "n": 1, "who": Param(choices=["ann", "bob"])}
    engine = Engine(a_dag_version(params, **fields))
    engine.subscribe()
    return engine


def test_a_run_has_all_values_from_its_creation() -> None:
    engine = an_engine()
    engine.ask(TriggerRun("d", {"who": "bob"}))
    assert engine.only_run().params == {"day": "2026-03-01", "n": 1, "who": "bob"}
    engine.load(a_dag_version({"day": Param("date", "2026-05-01")}))
    engine.crash()
    assert engine.only_run().params == {"day": "2026-03-01", "n": 1, "who": "bob"}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"dya": "x"}, "params.dya: there is no param 'dya' of d; did you mean day?"),
        ({"zzz": "x"}, "it has: day, n, who"),
        ({"n": "x"}, "params.n: must be an integer"),
        ({"day": "2025-01-01"}, "out of bounds; use 2026-01-01 to 2026-12-31"),
        ({"who": "bab"}, "did you mean bob?"),
    ],
)
def test_the_leader_refuses_what_a_param_does_not_take(params: Any, words: str) -> None:
    engine = an_engine(schedule="@daily")
    for intent in (TriggerRun("d", params), CreateBackfill("d", EPOCH, params=params)):
        engine.pass_time(86_400)
        before = len(engine.runs())
        answer = engine.ask(intent)
        assert answer.outcome is Outcome.REFUSED
        assert words in answer.detail
        assert len(engine.runs()) == before


def test_a_required_param_is_asked_for() -> None:
    engine = Engine(a_dag_version({"p": Param("date", required=True, description="the day")}))
    answer = engine.ask(TriggerRun("d"))
    assert answer.outcome is Outcome.REFUSED
    assert "params.p: a value is required: the day; give it a value of type date" in answer.detail
    assert engine.ask(TriggerRun("d", {"p": "2026-03-01"})).outcome is Outcome.DONE


def test_a_run_cannot_go_on_with_a_version_that_does_not_take_its_values() -> None:
    engine = Engine(a_version(params={"n": 1}))
    engine.subscribe()
    engine.ask(TriggerRun("d", {"n": 5}))
    run = engine.only_run().id
    engine.offer()
    engine.report(engine.task("a"), ReportedState.FAILED)
    engine.load(a_dag_version({"n": Param("integer", 1, maximum=3)}))
    answer = engine.ask(RetryRun(run, version=VersionChoice.NEWEST))
    assert answer.outcome is Outcome.REFUSED
    assert "params.n: 5 is out of bounds" in answer.detail
    assert engine.only_run().params == {"n": 5}
