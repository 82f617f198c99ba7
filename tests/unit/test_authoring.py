"""What a DAG file may say: how jobs are joined, what a version holds, and how each mistake is refused."""

import inspect
import math
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from moroccron import DAG, Constraint, Cron, DagInvalid, Every, Job, Operator, TriggerRule, chain
from moroccron.model.dag_version import DagVersion
from moroccron.model.origin import collecting
from moroccron.model.resources import Resources
from moroccron.model.schedule import (
    Blackout,
    BlackoutEvery,
    CatchUp,
    Dates,
    Foreseen,
    Overlap,
    Several,
)

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Monthly:
    """An own timetable: the first of each month, at noon on the wall."""

    def fires(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        year, month = begin.year, begin.month
        while True:
            fire = datetime(year, month, 1, 12, tzinfo=begin.tzinfo)
            if fire >= end:
                return
            if fire >= begin:
                yield fire
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)


class Failing:
    def fires(self, begin: datetime, end: datetime) -> list[datetime]:
        raise ValueError("no")


class Endless:
    def fires(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        return (begin + timedelta(minutes=n) for n in count())


class Silent:
    def fires(self, begin: datetime, end: datetime) -> list[datetime]:
        return []


class Late:
    def fires(self, begin: datetime, end: datetime) -> list[datetime]:
        return [datetime(2055, 1, 1, tzinfo=UTC)]


def upstream(dag: DAG) -> dict[str, tuple[str, ...]]:
    return {job.id: job.upstream for job in dag.version().jobs}


def jobs(*ids: str) -> list[Job]:
    return [Job(id, "true") for id in ids]


def here() -> int:
    """The line of the caller."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


# ------------------------------------------------------------------ joining jobs


def test_arrows_join_jobs_in_both_directions() -> None:
    with DAG("d") as dag:
        a, b, c = jobs("a", "b", "c")
        a >> b
        c << b
    assert upstream(dag) == {"a": (), "b": ("a",), "c": ("b",)}


def test_arrows_take_lists_on_both_sides() -> None:
    with DAG("d") as dag:
        a, b, c, d = jobs("a", "b", "c", "d")
        a >> [b, c] >> d
    assert upstream(dag) == {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}
    with DAG("d") as dag:
        a, b, c, d = jobs("a", "b", "c", "d")
        [c, d] << a
        [c, d] >> b
    assert upstream(dag) == {"a": (), "c": ("a",), "d": ("a",), "b": ("c", "d")}


def test_arrow_between_lists_joins_each_with_each() -> None:
    with DAG("d") as dag:
        a, b, c, d, e = jobs("a", "b", "c", "d", "e")
        a >> [b, c] >> [d, e]
    assert upstream(dag)["d"] == upstream(dag)["e"] == ("b", "c")


def test_ids_stand_for_jobs_that_are_declared_later() -> None:
    with DAG("d") as dag:
        a = Job("a", "true")
        a >> "b" >> Job("c", "true")
        Job("b", "true")
    assert upstream(dag) == {"a": (), "b": ("a",), "c": ("b",)}


def test_chain_joins_steps_and_pairs_lists() -> None:
    with DAG("d") as dag:
        a, b, c, d, e, f = jobs("a", "b", "c", "d", "e", "f")
        chain(a, [b, c], [d, e], f)
    found = upstream(dag)
    assert found["b"] == found["c"] == ("a",)
    assert (found["d"], found["e"], found["f"]) == (("b",), ("c",), ("d", "e"))


def test_jobs_are_in_topological_order_ties_by_declaration() -> None:
    with DAG("d") as dag:
        z, y, x, w = jobs("z", "y", "x", "w")
        w >> z
        x >> z
    assert [job.id for job in dag.version().jobs] == ["y", "x", "w", "z"]
    assert [y.line, z.line] == [y.line, y.line]


def test_dag_may_be_given_instead_of_a_with_block() -> None:
    outer, inner = DAG("outer"), DAG("inner")
    with outer:
        with inner:
            Job("of_inner", "true")
        Job("of_outer", "true")
        Job("given", "true", dag=inner)
    assert [job.id for job in inner.jobs] == ["of_inner", "given"]
    assert [job.id for job in outer.jobs] == ["of_outer"]


# ------------------------------------------------------------------ what a version holds


def test_every_field_arrives_in_its_exact_form() -> None:
    with DAG(
        "full",
        schedule=" 30  2 * * * ",
        timezone="Europe/Berlin",
        start=datetime(2026, 1, 1),  # noqa: DTZ001 meant in the DAG's zone
        end=date(2027, 1, 1),
        catchup=True,
        max_active_runs=2,
        owners=["ada", "bob", "ada"],
        tags="nightly",
        doc="""
            Two lines,
              one indented.
        """,
        params={"n": 1, "list": (1, 2.5, None)},
        defaults={"retries": 3, "env": {"A": "1", "B": "2"}, "cpus": 2, "timeout": 60},
    ) as dag:
        Job(
            "j",
            ["program", "argument"],
            image="debian:12",
            env={"B": "3"},
            uris=["https://example.org/x"],
            cpus=0.1,
            mem="1.5GiB",
            disk=10,
            gpus=1,
            ports=2,
            constraints=[
                ("hostname", "UNIQUE"),
                "rack LIKE r[1-3]",
                Constraint("zone", Operator.IS, "a"),
            ],
            role="batch",
            user="nobody",
            retry_delay=timedelta(minutes=1),
            timeout=None,
            kill_grace=0.5,
            replace_after=timedelta(minutes=5),
            trigger_rule="all_done",
            pool="database",
            slots=2,
            priority=-1,
            owners="cleo",
            doc="A job.",
        )
    version = dag.version()
    assert version.schedule == Cron("30 2 * * *")
    assert version.start == datetime(2025, 12, 31, 23, tzinfo=UTC)
    assert version.end == datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert (version.owners, version.tags) == (("ada", "bob"), ("nightly",))
    assert version.doc == "Two lines,\n  one indented."
    assert version.params == {"n": 1, "list": [1, 2.5, None]}
    (job,) = version.jobs
    assert job.command == ("program", "argument")
    assert job.resources == Resources(cpus=100, mem=1536, disk=10, gpus=1, ports=2)
    assert job.env == (("A", "1"), ("B", "3"))
    assert job.constraints == (
        Constraint("hostname", Operator.UNIQUE),
        Constraint("rack", Operator.LIKE, "r[1-3]"),
        Constraint("zone", Operator.IS, "a"),
    )
    assert (job.retries, job.retry_delay, job.timeout, job.kill_grace) == (3, 60.0, None, 0.5)
    assert job.replace_after == 300.0
    assert (job.trigger_rule, job.pool, job.slots) == (TriggerRule.ALL_DONE, "database", 2)
    assert (job.owners, job.doc, job.priority) == (("cleo",), "A job.", -1)
    assert DagVersion.from_json(version.to_json(), version.id) == version


def test_docstring_of_the_file_documents_its_dag() -> None:
    with DAG("d") as dag:
        Job("a", "true")
    assert dag.version().doc.startswith("What a DAG file may say")


def test_equal_content_has_an_equal_id_and_other_content_another() -> None:
    def make(**fields: Any) -> str:
        with DAG("d", doc="", **fields) as dag:
            Job("a", "true", retry_delay=2)
        return dag.version().id

    assert make() == make(catchup=False, params={}) != make(catchup=True)
    assert len(make()) == 32


def nested(depth: int) -> list[Any]:
    """A list in a list in a list."""
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize("given", [0.1, "0.1", Decimal("0.1"), "0.100", Decimal("0.1000")])
def test_amounts_are_exact(given: Any) -> None:
    with DAG("d") as dag:
        Job("a", "true", cpus=given)
    assert dag.version().jobs[0].resources.cpus == 100


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("@daily", Cron("@daily")),
        (timedelta(hours=1), Every(3600)),
        (Every(5), Every(5)),
        (Cron("0 0 * * sun"), Cron("0 0 * * sun")),
        (None, None),
        ("h 3 L * friL", Cron("h 3 L * friL")),
        (NOON, Dates((NOON,))),
        ("2026-05-01T12:00Z", Dates((NOON,))),
        (date(2026, 5, 1), Dates((NOON.replace(hour=0),))),
        ([NOON, date(2026, 5, 1), NOON], Dates((NOON.replace(hour=0), NOON))),
        (["@daily"], Cron("@daily")),
        (["@daily", "@daily", 60 * SECOND], Several((Cron("@daily"), Every(60)))),
        ([NOON, "@daily"], Several((Cron("@daily"), Dates((NOON,))))),
    ],
)
def test_schedules(given: Any, expected: Any) -> None:
    with DAG("d", schedule=given) as dag:
        Job("a", "true")
    assert dag.version().schedule == expected


def test_dates_and_windows_are_meant_in_the_zone_of_the_dag() -> None:
    with DAG(
        "d",
        schedule=[date(2026, 5, 1), "2026-12-24 18:00"],
        timezone="Europe/Berlin",
        holidays=["2026-12-25", date(2026, 1, 1)],
        blackouts=["Sat 22:00 - Sun 06:00", ("2026-08-01", "2026-08-02T06:00")],
    ) as dag:
        Job("a", "true")
    version = dag.version()
    assert version.schedule == Dates(
        (datetime(2026, 4, 30, 22, tzinfo=UTC), datetime(2026, 12, 24, 17, tzinfo=UTC))
    )
    assert version.holidays == (date(2026, 1, 1), date(2026, 12, 25))
    assert version.blackouts == (
        BlackoutEvery("sat 22:00-sun 06:00"),
        Blackout(datetime(2026, 7, 31, 22, tzinfo=UTC), datetime(2026, 8, 2, 4, tzinfo=UTC)),
    )


def test_an_own_timetable_is_asked_from_the_start_on_and_kept() -> None:
    with DAG("d", schedule=Monthly(), start=date(2026, 3, 15), timezone="Europe/Berlin") as dag:
        Job("a", "true")
    schedule = dag.version().schedule
    assert isinstance(schedule, Foreseen)
    assert schedule.until == datetime(2028, 1, 1, tzinfo=UTC)
    assert schedule.moments[:2] == (
        datetime(2026, 4, 1, 10, tzinfo=UTC),
        datetime(2026, 5, 1, 10, tzinfo=UTC),
    )
    assert schedule.moments[-1] == datetime(2027, 12, 1, 11, tzinfo=UTC)
    assert str(schedule) == "Monthly (foreseen until 2028-01-01)"


def test_without_a_start_an_own_timetable_is_asked_about_the_years_around() -> None:
    with collecting(__file__, 2026), DAG("d", schedule=Monthly()) as dag:
        Job("a", "true")
    schedule = dag.version().schedule
    assert isinstance(schedule, Foreseen)
    assert schedule.moments[0] == datetime(2025, 1, 1, 12, tzinfo=UTC)
    assert (len(schedule.moments), schedule.until) == (36, datetime(2028, 1, 1, tzinfo=UTC))


def test_a_version_with_all_of_time_is_read_back_as_it_was() -> None:
    with DAG(
        "d",
        schedule=["@daily", timedelta(hours=5), NOON, Monthly()],
        start="2026-01-01",
        holidays=["2026-12-25"],
        blackouts=["22:00-06:00", (NOON, "2026-05-02")],
        catchup="none",
        catchup_within=timedelta(hours=1),
        overlap="replace",
        pause_after=3,
    ) as dag:
        Job("a", "true")
    version = dag.version()
    assert DagVersion.from_json(version.to_json(), version.id) == version


def test_versions_stored_before_there_was_more_of_time_keep_their_meaning_and_id() -> None:
    text = (
        '{"catchup":true,"dag_id":"d","jobs":[],"schedule":{"cron":"30 2 * * *"},'
        '"start":"2026-01-01T00:00:00+00:00"}'
    )
    version = DagVersion.from_json(text, "x")
    assert (version.catchup, version.overlap) == (CatchUp.ALL, Overlap.QUEUE)
    assert version.to_json() == text


# ------------------------------------------------------------------ refusals


def refused_dag(**fields: Any) -> DagInvalid:
    with DAG("d", **fields) as dag:
        Job("a", "true")
    return only(dag)


def refused_job(**fields: Any) -> DagInvalid:
    fields = {"command": "true", **fields}
    with DAG("d") as dag:
        line = here() + 1
        Job("a", **fields)
    problem = only(dag)
    assert (problem.job_id, problem.line) == ("a", line)
    return problem


def only(dag: DAG) -> DagInvalid:
    (problem,) = dag.problems()
    assert problem.dag_id == dag.id
    assert problem.remedy
    with pytest.raises(DagInvalid):
        dag.version()
    return problem


NAN = float("nan")


@pytest.mark.parametrize(
    ("fields", "message", "remedy"),
    [
        ({"cpus": 0}, "0 cpus are not possible", "0.001 or more"),
        ({"cpus": -1}, "-1 cpus are not possible", "0.001 or more"),
        ({"cpus": NAN}, "nan is no possible amount", "finite"),
        ({"cpus": math.inf}, "inf is no possible amount", "finite"),
        ({"cpus": 0.0001}, "more than three decimals", "at most three"),
        ({"cpus": 0.1 + 0.2}, "0.30000000000000004 cpus have more than three decimals", "three"),
        ({"cpus": True}, "True (bool) is no amount", "use a number"),
        ({"cpus": "much"}, "'much' (str) is no amount", "use a number"),
        ({"cpus": 5000}, "asks for 5000 of cpus; more than 1024", "ask for 1024 or less"),
        ({"mem": 0}, "no memory is not possible", "1 MiB"),
        ({"mem": 0.5}, "no whole number of MiB", "whole MiB"),
        ({"mem": "1GB"}, "'GB' is no unit", "MiB, GiB or TiB"),
        ({"mem": "100TiB"}, "asks for 104857600 MiB of mem", "ask for 16777216 MiB or less"),
        ({"disk": -1}, "-1 is less than nothing", "0 or more"),
        ({"gpus": 0.5}, "must be a whole number", "from 0 to 1000000"),
        ({"gpus": -1}, "-1 is out of bounds", "from 0"),
        ({"ports": 2000}, "asks for 2000 of ports", "ask for 1024 or less"),
        ({"env": {"A": 1}}, "A must be text, not 1 (int)", 'write "1"'),
        ({"env": {"A": "\0"}}, "A holds a NUL", "remove it"),
        ({"env": {"A=B": "1"}}, "'A=B' is no name of a variable", "letters"),
        ({"env": {"MOROCCRON_RUN": "1"}}, "MOROCCRON_RUN is set by the engine", "MOROCCRON_"),
        ({"env": ["A=1"]}, "must be a dict of texts", '{"NAME": "value"}'),
        ({"uris": {"a": 1}}, "must be a list of words", "[ ]"),
        ({"command": ""}, "the command is empty", "shell text"),
        ({"command": "  \n"}, "the command is empty", "shell text"),
        ({"command": []}, "the command is empty", "name a program"),
        ({"command": ["", "x"]}, "the command is empty", "name a program"),
        ({"command": ["a", 1]}, "the command must be text, not 1 (int)", '"text"'),
        ({"command": "a\0b"}, "the command holds a NUL character", "remove it"),
        ({"command": "\ud800"}, "no Unicode text", "encoding"),
        ({"command": "x" * 131072}, "longer than 131071 bytes", "script"),
        ({"command": 7}, "a command must be text or a list", "shell text"),
        ({"image": "a b"}, "must be one word", "remove"),
        ({"user": ""}, "must be one word", "remove"),
        ({"retries": -1}, "-1 is out of bounds", "0 to 1000"),
        ({"retries": 1.0}, "must be a whole number", "from 0 to 1000"),
        ({"retry_delay": -1}, "-1 is no possible duration", "use from 0 seconds to 10 years"),
        ({"timeout": 0}, "0 is no possible duration", "use more than 0 seconds, up to 10 years"),
        ({"timeout": "1h"}, "'1h' (str) is no duration", "timedelta"),
        ({"kill_grace": NAN}, "nan is no possible duration", "seconds"),
        ({"replace_after": "soon"}, "'soon' is no duration", '"never"'),
        ({"replace_after": 0}, "0 is no possible duration", "more than 0"),
        ({"trigger_rule": "all_sucess"}, "is none of all_success", "did you mean all_success"),
        ({"pool": "a/b"}, "'a/b' is no id", "begin with a letter"),
        ({"slots": 0}, "0 is out of bounds", "from 1"),
        ({"priority": 2**40}, "is out of bounds", "from -2147483648 to 2147483647"),
        ({"priority": "high"}, "must be a whole number", "from -2147483648 to 2147483647"),
        ({"owners": [3]}, "must be text, not 3 (int)", '"text"'),
        ({"doc": b"x"}, "must be text", '"text"'),
        ({"env": {"A": "x" * 131_070}}, "A is longer than 131071 bytes", "into a file"),
        ({"constraints": ["hostname"]}, "two or three parts, not 1", "OPERATOR"),
        ({"constraints": ["hostname UNIQE"]}, "is none of UNIQUE", "did you mean UNIQUE"),
        ({"constraints": ["hostname UNIQUE x"]}, "UNIQUE takes no value", "remove the value"),
        ({"constraints": [("rack", "LIKE")]}, "LIKE needs a value", '"value"'),
        ({"constraints": [("rack", "LIKE", "r[1")]}, "no regular expression: missing ]", "RE2"),
        ({"constraints": [("rack", "LIKE", "r(?=1)")]}, "operator: (?=", "no look-around"),
        ({"constraints": [("rack", "LIKE", "x" * 1001)]}, "more than 1000", "RE2"),
        ({"constraints": [("rack", "MAX_PER", "two")]}, "MAX_PER counts", "1 or more"),
        ({"constraints": [("rack", "GROUP_BY", 0)]}, "GROUP_BY counts", "1 or more"),
        ({"constraints": [("rack", "IS")]}, "IS needs a value", '"value"'),
        ({"constraints": [3]}, "cannot be 3 (int)", "OPERATOR"),
        ({"retry": 1}, "there is no field 'retry'", "did you mean retry_on or retries"),
        ({"output": "always"}, "'always' says nothing of an output", '"optional"'),
        ({"output": False, "branch": True}, "a job with branch needs its output", "output=True"),
        ({"output": "optional", "short_circuit": True}, "short_circuit needs its output", "remove"),
        ({"short_circuit": True, "branch": True}, "both say what its output means", "keep one"),
        ({"skip_exit_code": 0}, "0 is out of bounds", "1 to 255"),
    ],
)
def test_a_job_is_refused(fields: dict[str, Any], message: str, remedy: str) -> None:
    problem = refused_job(**fields)
    assert problem.field == next(iter(fields))
    assert message in problem.message
    assert remedy in problem.remedy


@pytest.mark.parametrize(
    ("fields", "field", "message", "remedy"),
    [
        ({"schedule": "60 * * * *"}, "schedule", "'60' is wrong in the minute field", "0-59"),
        ({"schedule": "* 24 * * *"}, "schedule", "'24' is wrong in the hour field", "0-23"),
        ({"schedule": "0 0 0 * *"}, "schedule", "wrong in the day of month field", "1-31"),
        ({"schedule": "0 0 * foo *"}, "schedule", "'foo' is wrong in the month field", "jan-dec"),
        ({"schedule": "0 0 * * 8"}, "schedule", "'8' is wrong in the day of week", "sun-sat"),
        ({"schedule": "*/0 * * * *"}, "schedule", "wrong in the minute field", "1 or more"),
        ({"schedule": "0 9-5 * * *"}, "schedule", "wrong in the hour field", "must grow"),
        ({"schedule": "0 0 * *"}, "schedule", "has 4 fields, not 5", "minute hour"),
        ({"schedule": "0 0 30 2 *"}, "schedule", "never fires", "up to 29"),
        ({"schedule": "@dayly"}, "schedule", "is no alias", "@daily"),
        ({"schedule": 60}, "schedule", "60 (int) is no schedule", "timedelta"),
        ({"schedule": timedelta(0)}, "schedule", "out of bounds", "1 second"),
        ({"schedule": timedelta(seconds=1.5)}, "schedule", "not whole", "whole seconds"),
        ({"timezone": "berlin"}, "timezone", "'berlin' is no known zone", "Europe/Berlin?"),
        ({"timezone": "Europe/Berln"}, "timezone", "no known zone", "Europe/Berlin"),
        ({"timezone": "../etc"}, "timezone", "no known zone", "IANA"),
        ({"timezone": "Europe"}, "timezone", "no known zone", "Europe/"),
        ({"timezone": 1}, "timezone", "1 (int) is no zone", "IANA"),
        ({"start": "yesterday"}, "start", "'yesterday' is no moment", "ISO 8601"),
        ({"start": 5}, "start", "5 (int) is no moment", "datetime"),
        ({"start": "2026-01-02", "end": "2026-01-01"}, "end", "is not after the start", "later"),
        ({"schedule": "0 0 * * fri#6"}, "schedule", "'fri#6' is wrong in the day of week", "fri#5"),
        ({"schedule": "0 0 * * l"}, "schedule", "'l' is wrong in the day of week", "friL"),
        ({"schedule": "0 0 l-28 * *"}, "schedule", "'l-28' is wrong in the day of month", "L-27"),
        ({"schedule": "h(9-5) * * * *"}, "schedule", "'h(9-5)' is wrong in the minute", "grow"),
        ({"schedule": "h/0 * * * *"}, "schedule", "'h/0' is wrong in the minute", "1 or more"),
        ({"schedule": "l * * * *"}, "schedule", "'l' is wrong in the minute field", "0-59"),
        ({"schedule": []}, "schedule", "the list of schedules is empty", "None"),
        ({"schedule": ["@daily", 5]}, "schedule", "5 (int) is no schedule", "timedelta"),
        ({"schedule": date(2200, 1, 1)}, "schedule", "2200-01-01 is out of bounds", "2199"),
        ({"schedule": "2026-13-01"}, "schedule", "'2026-13-01' is no moment", "ISO 8601"),
        ({"schedule": Monthly}, "schedule", "is no schedule", "fires(begin, end)"),
        ({"schedule": Monthly()}, "schedule", "there is none", "give the DAG a start"),
        ({"schedule": Monthly(), "start": date(2199, 9, 1)}, "schedule", "out of bounds", "2199"),
        ({"schedule": Failing(), "start": NOON}, "schedule", "ValueError: no", "correct it"),
        ({"schedule": Endless(), "start": NOON}, "schedule", "more than 30000 times", "cadence"),
        ({"schedule": Silent(), "start": NOON}, "schedule", "does not fire", "fires()"),
        ({"schedule": Late(), "start": NOON}, "schedule", "answers 2055-01-01", "before end"),
        ({"holidays": "2026-12-25"}, "holidays", "must be a list of days", '["2026-12-25"'),
        ({"holidays": ["Christmas"]}, "holidays", "'Christmas' is no day", "YYYY-MM-DD"),
        ({"holidays": [NOON]}, "holidays", "is no day", "a date"),
        ({"blackouts": "22:00-06:00"}, "blackouts", "must be a list of windows", "[ ]"),
        ({"blackouts": ["22-06"]}, "blackouts", "'22-06' is no blackout window", "22:00-06:00"),
        ({"blackouts": ["sat 22:00-06:00"]}, "blackouts", "is no blackout", "sat 22:00-sun"),
        ({"blackouts": ["25:00-06:00"]}, "blackouts", "is no blackout window", "22:00-06:00"),
        ({"blackouts": ["06:00-06:00"]}, "blackouts", "is empty", "another time"),
        ({"blackouts": [(NOON, NOON)]}, "blackouts", "is empty", "end later"),
        ({"blackouts": [5]}, "blackouts", "5 (int) is no window", "(begin, end)"),
        (
            {"schedule": "0 3 * * *", "blackouts": ["02:00-04:00"]},
            "blackouts",
            "never fires: every fire is on a holiday or in a blackout window",
            "leave it room",
        ),
        ({"catchup": 1}, "catchup", "1 (int) is none of none, last, all", "one of these"),
        ({"catchup_within": 0}, "catchup_within", "0 is no possible", "more than"),
        ({"overlap": "replce"}, "overlap", "'replce' (str) is none of", "did you mean replace?"),
        ({"pause_after": 0}, "pause_after", "0 is out of bounds", "from 1"),
        ({"max_active_runs": 0}, "max_active_runs", "0 is out of bounds", "from 1"),
        ({"params": {"a": {1, 2}}}, "params.a", "the value is {1, 2} (set)", "JSON" and "lists"),
        ({"params": {1: 2}}, "params", "has the name 1 (int)", "text for names"),
        ({"params": {"a": [NAN]}}, "params.a", "the value[0] is nan", "finite"),
        ({"params": []}, "params", "must be a dict", "default"),
        ({"params": {"a": "x" * 65_536}}, "params", "too large", "a file"),
        ({"params": {"a": nested(40)}}, "params.a", "nested more than 32 levels", "fewer"),
        ({"params": {"a": nested(100_000)}}, "params.a", "nested more than 32 levels", "fewer"),
        ({"owners": 5}, "owners", "must be a list of names", "[ ]"),
        ({"tags": [""]}, "tags", "'' is no name", "printable"),
        ({"defaults": {"cpus": -1}}, "defaults.cpus", "-1 cpus", "0.001"),
        ({"defaults": {"cpu": 1}}, "defaults.cpu", "no field 'cpu'", "did you mean cpus"),
        ({"defaults": 3}, "defaults", "must be a dict of job fields", "defaults="),
        ({"shedule": None}, "shedule", "no field 'shedule'", "did you mean schedule?"),
    ],
)
def test_a_dag_is_refused(fields: dict[str, Any], field: str, message: str, remedy: str) -> None:
    problem = refused_dag(**fields)
    assert (problem.field, problem.job_id) == (field, None)
    assert message in problem.message
    assert remedy in problem.remedy


@pytest.mark.parametrize("id", ["", "-a", "a b", "ä", "a/b", "a@b", "x" * 101, 5, None])
def test_bad_ids_are_refused(id: Any) -> None:
    with DAG(id) as dag:
        Job("a", "true")
    assert only(dag).field == "id"
    with DAG("d") as dag:
        Job(id, "true")
    assert only(dag).field == "id"


def test_whole_cycles_are_printed_and_each_once() -> None:
    with DAG("d") as dag:
        a, b, c, d, e, f, g = jobs("a", "b", "c", "d", "e", "f", "g")
        d >> a >> b >> c
        c >> a
        line = here() - 1
        c >> e
        f >> g >> f
    first, second = dag.problems()
    assert first.message == "jobs wait for one another in a cycle: a >> b >> c >> a"
    assert (first.line, first.job_id, first.field, first.remedy) == (
        line,
        "a",
        "upstream",
        "remove one of these dependencies",
    )
    assert "f >> g >> f" in second.message


def test_job_that_waits_for_itself() -> None:
    with DAG("d") as dag:
        a = Job("a", "true")
        a >> a
        line = here() - 1
    problem = only(dag)
    assert problem.message == "job 'a' waits for itself: a >> a"
    assert (problem.job_id, problem.field, problem.line) == ("a", "upstream", line)


def test_unknown_id_is_named_with_a_likely_one() -> None:
    with DAG("d") as dag:
        Job("extract", "true") >> "load"
        Job("transform", "true") << "extarct"
        line = here() - 1
        Job("load", "true")
    problem = only(dag)
    assert problem.message == "no job has the id 'extarct'"
    assert (problem.remedy, problem.line) == ("did you mean extract?", line)
    assert (problem.job_id, problem.field) == ("transform", "upstream")


def test_duplicate_id_names_both_lines() -> None:
    with DAG("d") as dag:
        Job("a", "true")
        line = here()
        Job("a", "false")
    problem = only(dag)
    assert problem.message == f"job id 'a' is taken by the job in line {line - 1}"
    assert (problem.job_id, problem.field, problem.line) == ("a", "id", line + 1)


def test_jobs_of_two_dags_are_not_joined() -> None:
    with DAG("one") as one:
        a = Job("a", "true")
    with DAG("two"):
        b = Job("b", "true")
    a >> b
    line = here() - 1
    problem = only(one)
    assert problem.message == "job 'b' is of DAG 'two': jobs of two DAGs cannot be joined"
    assert (problem.job_id, problem.line) == ("b", line)


def test_what_is_no_job_is_not_joined() -> None:
    with DAG("d") as dag:
        a = Job("a", "true")
        a >> 3  # type: ignore[call-overload]
    assert only(dag).message == "3 (int) is no job"


def test_chain_of_unequal_lists_is_refused() -> None:
    with DAG("d") as dag:
        a, b, c = jobs("a", "b", "c")
        chain([a, b], [c])
    problem = only(dag)
    assert "a list of 2 is followed by one of 1" in problem.message
    assert problem.line == here() - 3


def test_empty_dag_is_refused() -> None:
    dag = DAG("d")
    assert only(dag).message == "the DAG has no job"
    assert only(dag).line == here() - 2


def test_job_without_a_dag_is_refused_at_once() -> None:
    with pytest.raises(DagInvalid, match="belongs to no DAG") as caught:
        Job("a", "true")
    assert caught.value.line == here() - 1
    with pytest.raises(DagInvalid, match="given no job"):
        chain("a", "b")


def test_all_that_is_wrong_is_told_at_once() -> None:
    with DAG("d", schedule="x", timezone="y") as dag:
        Job("a", "", cpus=0)
        Job("b", "true") >> "c"
    assert [problem.field for problem in dag.problems()] == [
        "schedule", "timezone", "command", "cpus", "upstream",
    ]  # fmt: skip
    with pytest.raises(DagInvalid) as caught:
        dag.version()
    assert len(caught.value.__notes__) == 4


def test_importing_what_authors_need_is_light() -> None:
    heavy = (
        "networkx",
        "sqlalchemy",
        "flask",
        "pydantic",
        "click",
        "rich",
        "watchfiles",
    )
    code = f"import sys, moroccron.loader_child; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
