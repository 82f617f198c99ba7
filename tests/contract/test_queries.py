"""The readers' door, on every store: lists, pages, what is not there."""

import pytest

from moroccron.model.changes import (
    AttemptChanged,
    Change,
    DagChanged,
    Happened,
    JobRunChanged,
    PoolChanged,
    RunChanged,
    ShareChanged,
)
from moroccron.model.errors import NotFound
from moroccron.model.pool import Pool, PoolUse
from moroccron.model.share import Share, ShareUse
from moroccron.model.states import AttemptState, RunState
from moroccron.ports import Queries, RunBrief, Store
from moroccron.testing import (
    EPOCH,
    a_dag,
    a_job,
    a_job_run,
    a_run,
    a_run_of,
    a_version,
    an_attempt,
)

VERSION = a_version("d", jobs={"a": [], "b": ["a"]})


def days(store: Store, term: int, count: int, dag_id: str = "d", **fields: object) -> list[str]:
    """Runs of successive days; their ids, newest first."""
    version = a_version(dag_id)
    runs = [a_run(version, day, **fields) for day in range(count)]
    changes: list[Change] = a_run_of(version, runs[0])
    store.commit(term, [*changes, *map(RunChanged, runs)])
    return [run.id for run in reversed(runs)]


class TestDags:
    def test_active_first_then_by_id(self, store: Store, queries: Queries, term: int) -> None:
        for dag_id, active in (("z", True), ("B", True), ("a", False), ("b", True)):
            store.commit(term, a_run_of(a_version(dag_id), active=active))
        assert [dag.state.dag_id for dag in queries.dags()] == ["B", "b", "z", "a"]

    def test_with_version_newest_runs_and_count(
        self, store: Store, queries: Queries, term: int
    ) -> None:
        many = days(store, term, 5, "many")
        days(store, term, 3, "over", state=RunState.SUCCEEDED)
        bare = a_version("none")
        store.commit(term, [*a_run_of(bare)[:1], DagChanged(a_dag(bare))])
        found = {dag.state.dag_id: dag for dag in queries.dags(recent=2)}
        assert [run.id for run in found["many"].recent] == many[:2]
        assert {id: dag.active_runs for id, dag in found.items()} == {
            "many": 5,
            "over": 0,
            "none": 0,
        }
        assert found["none"].recent == ()
        assert found["none"].version == bare
        newest = queries.run(many[0])
        assert found["many"].recent[0] == RunBrief(
            newest.id, newest.state, newest.due, newest.started, newest.ended
        )
        assert queries.dag("many", recent=2) == found["many"]

    def test_show_the_newest_version(self, store: Store, queries: Queries, term: int) -> None:
        older, newer = a_version(jobs=["a"]), a_version(jobs=["a", "b"])
        store.commit(term, a_run_of(older))
        assert queries.dag("d").version == older
        store.commit(term, a_run_of(newer, a_run(newer, 1)))
        assert queries.dag("d").version == newer
        assert queries.version(older.id) == older


class TestRuns:
    def test_newest_first_in_pages(self, store: Store, queries: Queries, term: int) -> None:
        ids = days(store, term, 7)
        pages, before = [], None
        while page := queries.runs(before=before, limit=3):
            pages.append([run.id for run in page])
            before = page[-1].id
        assert pages == [ids[:3], ids[3:6], ids[6:]]

    def test_created_together_fall_on_no_page_twice(
        self, store: Store, queries: Queries, term: int
    ) -> None:
        ids = days(store, term, 5, created=EPOCH)
        first = queries.runs(limit=2)
        rest = queries.runs(before=first[-1].id)
        assert [run.id for run in (*first, *rest)] == ids

    def test_of_a_dag_in_some_states(self, store: Store, queries: Queries, term: int) -> None:
        running = days(store, term, 2, "d")
        days(store, term, 2, "e")
        failed = a_run(a_version("d"), 10, state=RunState.FAILED)
        store.commit(term, [RunChanged(failed)])
        assert [run.id for run in queries.runs(dag_id="d")] == [failed.id, *running]
        found = queries.runs(dag_id="d", states=[RunState.RUNNING, RunState.QUEUED])
        assert [run.id for run in found] == running
        assert [run.id for run in queries.runs(states=[RunState.FAILED])] == [failed.id]
        assert queries.runs(dag_id="nobody") == []


class TestJobs:
    def test_and_attempts_in_topological_order(
        self, store: Store, queries: Queries, term: int
    ) -> None:
        version = a_version(jobs={"z": [], "a": ["z"]})
        run = a_run(version)
        attempts = [an_attempt(run.id, job, number) for job in "za" for number in (1, 2, 10)]
        store.commit(term, [*a_run_of(version, run), *map(AttemptChanged, reversed(attempts))])
        assert [job.job_id for job in queries.job_runs(run.id)] == ["z", "a"]
        assert queries.attempts(run.id) == attempts
        assert queries.attempts(run.id, "a") == attempts[3:]

    def test_without_attempts_have_an_empty_list(
        self, store: Store, queries: Queries, term: int
    ) -> None:
        (id,) = days(store, term, 1)
        assert queries.attempts(id) == []
        assert queries.attempts(id, "a") == []

    def test_count_by_state(self, store: Store, queries: Queries, term: int) -> None:
        run = a_run(VERSION)
        store.commit(
            term,
            [
                *a_run_of(VERSION, run),
                AttemptChanged(an_attempt(run.id, "a", 1, state=AttemptState.LOST)),
                AttemptChanged(an_attempt(run.id, "a", 2, state=AttemptState.RUNNING)),
                AttemptChanged(an_attempt(run.id, "b", 1, state=AttemptState.RUNNING)),
            ],
        )
        counts = queries.attempt_count_by_state()
        assert set(counts) == {state.value for state in AttemptState}
        assert {state: count for state, count in counts.items() if count} == {
            "lost": 1,
            "running": 2,
        }


class TestHistory:
    def test_resumes_after_a_line(self, store: Store, queries: Queries, term: int) -> None:
        assert queries.last_history_id() == 0
        store.commit(
            term,
            [
                Happened(EPOCH, "run", str(n), run_id="even" if n % 2 == 0 else "odd")
                for n in range(8)
            ],
        )
        first = queries.history(limit=3)
        assert [row.line.cause for row in first] == ["0", "1", "2"]
        rest = queries.history(after=first[-1].id)
        assert [row.line.cause for row in rest] == ["3", "4", "5", "6", "7"]
        odd = queries.history(run_id="odd", after=first[-1].id, limit=2)
        assert [row.line.cause for row in odd] == ["3", "5"]
        assert queries.history(after=queries.last_history_id()) == []


def test_what_is_not_there_is_said_to_be_missing(store: Store, queries: Queries, term: int) -> None:
    (known,) = days(store, term, 1)
    questions = {
        "no DAG nobody": lambda: queries.dag("nobody"),
        "no DAG version x": lambda: queries.version("x"),
        "no run x": lambda: queries.run("x"),
        "no run y": lambda: queries.job_runs("y"),
        "no run z": lambda: queries.attempts("z"),
        "no run w": lambda: queries.runs(before="w"),
        f"no job q in run {known}": lambda: queries.attempts(known, "q"),
        "no command 999": lambda: queries.answer(999),
    }
    for message, ask in questions.items():
        with pytest.raises(NotFound, match=message):
            ask()


def test_pools_with_what_is_taken_and_what_waits(store: Store, queries: Queries, term: int) -> None:
    version = a_version(
        jobs=[a_job("a", pool="db", slots=2), a_job("b", pool="db"), a_job("c", pool="none")]
    )
    run = a_run(version)
    states = (("a", AttemptState.RUNNING), ("b", AttemptState.QUEUED), ("c", AttemptState.QUEUED))
    attempts = [AttemptChanged(an_attempt(run.id, job, state=state)) for job, state in states]
    over = AttemptChanged(an_attempt(run.id, "b", 2, state=AttemptState.FAILED))
    made = [PoolChanged(Pool("db", 5)), PoolChanged(Pool("idle", 1))]
    store.commit(term, [*a_run_of(version, run), *attempts, over, *made])
    assert list(queries.pools()) == [
        PoolUse(Pool("db", 5), taken=2, queued=1),
        PoolUse(Pool("idle", 1)),
        PoolUse(Pool("none", 0), queued=1, made=False),
    ]


def test_shares_with_what_is_held_and_what_waits(store: Store, queries: Queries, term: int) -> None:
    jobs = [a_job("a", owners=("ada",)), a_job("b"), a_job("c")]
    version = a_version(jobs=jobs, owners=("bob", "eve"))
    run = a_run(version)
    states = (
        ("a", AttemptState.RUNNING),
        ("b", AttemptState.QUEUED),
        ("c", AttemptState.UNREACHABLE),
    )
    attempts = [AttemptChanged(an_attempt(run.id, job, state=state)) for job, state in states]
    over = AttemptChanged(an_attempt(run.id, "b", 2, state=AttemptState.FAILED))
    given = [ShareChanged(Share("ada", 2)), ShareChanged(Share("zoe", jobs=0))]
    store.commit(term, [*a_run_of(version, run), *attempts, over, *given])
    assert list(queries.shares()) == [
        ShareUse(Share("ada", 2), cpus=100, mem=32, jobs=1),
        ShareUse(Share("bob"), cpus=100, mem=32, jobs=1, queued=1, set=False),
        ShareUse(Share("zoe", jobs=0)),
    ]


def test_reader_never_sees_half_a_commit(store: Store, queries: Queries, term: int) -> None:
    """Both jobs of a run move in one commit; no answer may show them apart."""
    run = a_run(VERSION)
    store.commit(term, a_run_of(VERSION, run))
    for number in range(1, 30):
        store.commit(
            term,
            [
                JobRunChanged(a_job_run(run.id, "a", position=0, attempts=number)),
                JobRunChanged(a_job_run(run.id, "b", position=1, attempts=number)),
            ],
        )
        a, b = queries.job_runs(run.id)
        assert a.attempts == b.attempts == number
