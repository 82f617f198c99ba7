"""The leader's door, on every store: terms, commits, loading, commands."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from moroccron.model.changes import (
    AttemptChanged,
    CommandAnswered,
    DagChanged,
    FrameworkChanged,
    Happened,
    JobRunChanged,
    LoadErrorsChanged,
    PoolChanged,
    PoolRemoved,
    RunChanged,
    ShareChanged,
    ShareRemoved,
    VersionAdded,
)
from moroccron.model.command import (
    Answer,
    KillRun,
    MarkJob,
    Outcome,
    PauseDag,
    RetryJob,
    TriggerRun,
    UnpauseDag,
)
from moroccron.model.errors import Fenced, StoreUnavailable
from moroccron.model.events import RunRecalled
from moroccron.model.failure import FailureClass
from moroccron.model.load import LoadError
from moroccron.model.pool import Pool
from moroccron.model.run import PreviousRun, Run
from moroccron.model.share import Share
from moroccron.model.snapshot import Snapshot
from moroccron.model.states import AttemptState, JobRunState, KillReason, RunKind, RunState
from moroccron.model.trigger import Cause
from moroccron.ports import Commands, Queries, Store
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
from tests.contract.conftest import Doors

VERSION = a_version("d", jobs={"a": [], "b": ["a"]})
RUN = a_run(VERSION)


@pytest.fixture
def begun(store: Store, term: int) -> int:
    """The term, with a run of two jobs in the store."""
    store.commit(term, a_run_of(VERSION, RUN))
    return term


def line(text: str, run_id: str | None = None) -> Happened:
    return Happened(EPOCH, "run", text, run_id=run_id)


class TestTerms:
    def test_grow_and_name_their_holder(self, doors: Doors) -> None:
        assert doors.queries.leader() is None
        first = doors.store.begin_term("first")
        doors.clock.advance(60)
        second = doors.open_store().begin_term("second")
        assert second > first
        leader = doors.queries.leader()
        assert leader is not None
        assert (leader.term, leader.holder) == (second, "second")
        assert leader.since == EPOCH + timedelta(seconds=60)

    def test_grow_with_time_too_so_that_a_restored_backup_repeats_none(self, doors: Doors) -> None:
        first = doors.store.begin_term("first")
        doors.clock.advance(60)
        assert doors.open_store().begin_term("second") >= first + 60

    def test_grow_when_the_clock_does_not(self, doors: Doors) -> None:
        terms = [doors.open_store().begin_term(name) for name in "abc"]
        doors.clock.set_now(EPOCH - timedelta(hours=1))
        terms.append(doors.open_store().begin_term("d"))
        assert terms == sorted(set(terms))

    def test_newer_one_fences_the_older(self, doors: Doors, begun: int) -> None:
        newer = doors.open_store()
        second = newer.begin_term("second")
        with pytest.raises(Fenced):
            doors.store.commit(begun, [RunChanged(replace(RUN, state=RunState.FAILED)), line("x")])
        assert doors.queries.run(RUN.id) == RUN
        assert doors.queries.last_history_id() == 0
        newer.commit(second, [line("the newer one writes on")])
        with pytest.raises(Fenced):
            doors.store.commit(begun, [])

    def test_that_never_began_may_not_write(self, store: Store) -> None:
        with pytest.raises(Fenced):
            store.commit(1, [])


class TestCommit:
    def test_is_whole_or_nothing(self, store: Store, queries: Queries, begun: int) -> None:
        orphan = a_job_run("no-such-run")
        with pytest.raises(StoreUnavailable):
            store.commit(
                begun,
                [RunChanged(replace(RUN, state=RunState.FAILED)), line("x"), JobRunChanged(orphan)],
            )
        assert queries.run(RUN.id) == RUN
        assert queries.last_history_id() == 0
        store.commit(begun, [line("the store takes more")])

    def test_takes_parents_and_children_in_any_order(self, store: Store, term: int) -> None:
        changes = [*a_run_of(VERSION, RUN), AttemptChanged(an_attempt(RUN.id))]
        store.commit(term, list(reversed(changes)))
        assert store.load().runs == (RUN,)

    def test_keeps_the_last_of_a_row(self, store: Store, queries: Queries, begun: int) -> None:
        states = (AttemptState.QUEUED, AttemptState.LAUNCHING, AttemptState.RUNNING)
        changes = [AttemptChanged(an_attempt(RUN.id, state=state)) for state in states]
        store.commit(begun, [*changes, RunChanged(replace(RUN, state=RunState.QUEUED))])
        store.commit(begun, [RunChanged(replace(RUN, state=RunState.KILLED)), RunChanged(RUN)])
        assert [attempt.state for attempt in queries.attempts(RUN.id)] == [AttemptState.RUNNING]
        assert queries.run(RUN.id) == RUN

    def test_repeated_leaves_the_same_rows(self, store: Store, begun: int) -> None:
        changes = [
            *a_run_of(VERSION, replace(RUN, state=RunState.QUEUED)),
            AttemptChanged(an_attempt(RUN.id)),
            FrameworkChanged("f"),
            LoadErrorsChanged("x.py", (LoadError("x.py", "no", "do"),), EPOCH),
        ]
        store.commit(begun, changes)
        before = store.load()
        store.commit(begun, changes)
        assert store.load() == before

    def test_appends_history_in_order(self, store: Store, queries: Queries, begun: int) -> None:
        store.commit(begun, [line("1"), line("2"), RunChanged(RUN), line("3")])
        store.commit(begun, [line(str(n)) for n in range(4, 200)])
        found = queries.history(limit=1000)
        assert [row.line.cause for row in found] == [str(n) for n in range(1, 200)]
        assert [row.id for row in found] == sorted({row.id for row in found})
        assert queries.last_history_id() == found[-1].id

    def test_keeps_every_field(self, store: Store, queries: Queries, term: int) -> None:
        moment = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
        run = a_run(
            VERSION,
            id="d@manual-7",
            kind=RunKind.MANUAL,
            state=RunState.KILLED,
            ended=moment,
            params={"n": 1, "deep": {"list": [1.5, None, "ü"]}},
            kill=KillReason.REQUESTED,
            requested_by="José",
            expires=moment,
        )
        job_run = a_job_run(
            run.id,
            state=JobRunState.UPSTREAM_FAILED,
            position=3,
            attempts=2,
            failures=1,
            losses=1,
            ready=moment,
            started=moment,
            ended=moment,
            cause="b",
            mark=JobRunState.SKIPPED,
            marked_by="José",
            followed=("c",),
        )
        attempt = an_attempt(
            run.id,
            number=2,
            state=AttemptState.FAILED,
            due=EPOCH,
            task_id="t",
            agent_id="S0",
            hostname="h",
            agent_url="http://h:1",
            sandbox="/s",
            ports=(31000, 31001),
            location=(("rack", "r1"), ("hostname", "h")),
            kill=KillReason.TIMEOUT,
            launched=moment,
            started=moment,
            ended=moment,
            exit_code=137,
            reason="command_failed",
            message="naïve – 日本語",
            failure=FailureClass.OUT_OF_MEMORY,
            mem=4096,
            avoid=("S0", "S1"),
            output='{"text":"\\u0000"}',
        )
        dag = a_dag(
            VERSION,
            paused=True,
            active=False,
            scheduled_until=EPOCH,
            next_due=moment,
            file="é.py",
            failed_runs=2,
        )
        told = Happened(
            moment, "attempt", "status update", "d", run.id, "a", 2, "running", "failed", "exit 137"
        )
        store.commit(term, a_run_of(VERSION, run))
        store.commit(term, [DagChanged(dag), JobRunChanged(job_run), AttemptChanged(attempt), told])
        assert queries.run(run.id) == run
        assert job_run in queries.job_runs(run.id)
        assert queries.attempts(run.id) == [attempt]
        assert queries.dag("d").state == dag
        assert [row.line for row in queries.history()] == [told]

    def test_times_come_back_in_utc(self, store: Store, queries: Queries, term: int) -> None:
        abroad = EPOCH.astimezone(timezone(timedelta(hours=-5)))
        run = replace(RUN, started=abroad, ended=EPOCH.replace(microsecond=7))
        store.commit(term, a_run_of(VERSION, run))
        found = queries.run(RUN.id)
        assert found.started == EPOCH
        assert found.ended == run.ended
        for moment in (found.due, found.created, found.ended):
            assert moment is not None
            assert moment.utcoffset() == timedelta(0)

    def test_takes_any_text_from_outside(self, store: Store, queries: Queries, begun: int) -> None:
        nasty = "before\0after \udcff end"
        attempt = an_attempt(RUN.id, message=nasty, reason=nasty, sandbox=nasty)
        store.commit(
            begun,
            [
                AttemptChanged(attempt),
                line(nasty, RUN.id),
                Happened(EPOCH, "dag", "c", dag_id=nasty, run_id=nasty, job_id=nasty),
                LoadErrorsChanged("x.py", (LoadError("x.py", nasty, nasty),), EPOCH),
            ],
        )
        message = queries.attempts(RUN.id)[0].message
        assert message is not None
        assert message.startswith("before")
        assert message.endswith("end")

    def test_keeps_pools_until_they_are_removed(
        self, store: Store, queries: Queries, term: int
    ) -> None:
        store.commit(term, [PoolChanged(Pool("db", 3)), PoolChanged(Pool("gpu", 0))])
        store.commit(term, [PoolChanged(Pool("db", 5)), PoolRemoved("gpu"), PoolRemoved("none")])
        assert store.load().pools == (Pool("db", 5),)
        store.commit(term, [PoolRemoved("db"), PoolChanged(Pool("db", 1))])
        assert [use.pool for use in queries.pools()] == [Pool("db", 1)]

    def test_keeps_shares_until_they_are_removed(
        self, store: Store, queries: Queries, term: int
    ) -> None:
        ada, bob = Share("ada", 3, cpus=1500, jobs=7), Share("bob", mem=64)
        store.commit(term, [ShareChanged(ada), ShareChanged(bob), ShareRemoved("nobody")])
        assert store.load().shares == (ada, bob)
        store.commit(term, [ShareChanged(Share("ada")), ShareRemoved("bob")])
        assert [use.share for use in queries.shares()] == [Share("ada")]

    def test_keeps_the_first_of_a_version(self, store: Store, queries: Queries, begun: int) -> None:
        store.commit(begun, [VersionAdded(VERSION, "elsewhere.py", EPOCH)])
        assert queries.version(VERSION.id) == VERSION

    def test_of_very_many_changes(self, store: Store, queries: Queries, term: int) -> None:
        version = a_version("wide", jobs=[f"j{n}" for n in range(700)])
        run = a_run(version)
        attempts = [AttemptChanged(an_attempt(run.id, job.id)) for job in version.jobs]
        store.commit(term, [*a_run_of(version, run), *attempts])
        assert [job.job_id for job in queries.job_runs(run.id)] == [j.id for j in version.jobs]
        assert len(store.load().attempts) == 700


class TestLoadErrors:
    def test_of_a_file_are_replaced_and_cleared(
        self, store: Store, queries: Queries, term: int
    ) -> None:
        one = LoadError("x.py", "bad cron", "write five fields", 3, "d", "j", "schedule")
        two = LoadError("x.py", "cycle", "break it")
        other = LoadError("y.py", "no such job", "name it")
        later = EPOCH + timedelta(hours=1)
        store.commit(
            term,
            [LoadErrorsChanged("y.py", (other,), EPOCH), LoadErrorsChanged("x.py", (one,), EPOCH)],
        )
        moved = replace(one, line=9)
        store.commit(term, [LoadErrorsChanged("x.py", (two, moved), later)])
        rows = queries.load_errors()
        assert [(row.error, row.since) for row in rows] == [
            (two, later),
            (moved, EPOCH),
            (other, EPOCH),
        ]
        assert store.load().load_errors == (two, moved, other)
        store.commit(term, [LoadErrorsChanged("x.py", (), later)])
        assert [row.error for row in queries.load_errors()] == [other]

    def test_of_a_file_whose_name_is_no_text(
        self, store: Store, queries: Queries, term: int
    ) -> None:
        file = "caf\udce9.py"
        error = LoadError(file, "bad", "mend it")
        store.commit(term, [LoadErrorsChanged(file, (error,), EPOCH)])
        store.commit(term, [LoadErrorsChanged(file, (error,), EPOCH + timedelta(hours=1))])
        assert [row.since for row in queries.load_errors()] == [EPOCH]
        store.commit(term, [LoadErrorsChanged(file, (), EPOCH)])
        assert queries.load_errors() == []


class TestLoad:
    def test_of_nothing(self, store: Store) -> None:
        assert store.load() == Snapshot(None, (), (), (), (), ())

    def test_gives_what_is_not_over(self, store: Store, term: int) -> None:
        old, new = a_version(jobs=["old"]), a_version(jobs=["a", "b"])
        over = a_run(old, 0, state=RunState.SUCCEEDED)
        pinned = a_run(a_version(jobs=["pinned"]), 1)
        queued = a_run(new, 2, state=RunState.QUEUED)
        for version, run in ((old, over), (a_version(jobs=["pinned"]), pinned), (new, queued)):
            store.commit(term, a_run_of(version, run))
        store.commit(term, [FrameworkChanged("framework-1")])
        found = store.load()
        assert found.framework_id == "framework-1"
        assert found.dags == (a_dag(new),)
        assert {version.id for version in found.versions} == {pinned.version_id, new.id}
        assert a_version(jobs=["pinned"]) in found.versions
        assert found.runs == (pinned, queued)
        assert [job.job_id for job in found.job_runs] == ["pinned", "a", "b"]
        assert found.attempts == ()

    def test_gives_newest_and_unfinished_attempts(self, store: Store, begun: int) -> None:
        over = a_run(VERSION, 1, state=RunState.KILLED)
        first = an_attempt(RUN.id, "a", 1, state=AttemptState.FAILED)
        second = an_attempt(RUN.id, "a", 2, state=AttemptState.SUCCEEDED)
        stray = an_attempt(RUN.id, "b", 1, state=AttemptState.UNREACHABLE)
        newer = an_attempt(RUN.id, "b", 2, state=AttemptState.RUNNING)
        ended = an_attempt(over.id, "a", 1, state=AttemptState.KILLED)
        dying = an_attempt(over.id, "b", 1, state=AttemptState.RUNNING)
        store.commit(begun, a_run_of(VERSION, over))
        store.commit(
            begun,
            [
                JobRunChanged(a_job_run(RUN.id, "a", attempts=2, position=0)),
                JobRunChanged(a_job_run(RUN.id, "b", attempts=2, position=1)),
                JobRunChanged(a_job_run(over.id, "a", attempts=1)),
                JobRunChanged(a_job_run(over.id, "b", attempts=1)),
                *map(AttemptChanged, (first, second, stray, newer, ended, dying)),
            ],
        )
        assert store.load().attempts == (second, stray, newer, dying)


class TestRecall:
    def test_of_an_unknown_run(self, store: Store) -> None:
        assert store.recall("nope") is None

    def test_gives_an_ended_run_with_its_newest_attempts(self, store: Store, begun: int) -> None:
        over = a_run(VERSION, 1, state=RunState.FAILED)
        jobs = (
            a_job_run(over.id, "a", attempts=2, state=JobRunState.FAILED),
            a_job_run(over.id, "b", position=1, state=JobRunState.UPSTREAM_FAILED),
        )
        first = an_attempt(over.id, "a", 1, state=AttemptState.FAILED)
        second = an_attempt(over.id, "a", 2, state=AttemptState.FAILED)
        store.commit(begun, a_run_of(VERSION, over))
        store.commit(begun, [*map(JobRunChanged, jobs), *map(AttemptChanged, (first, second))])
        assert store.recall(over.id) == RunRecalled(over, VERSION, jobs, (second,))


class TestPrevious:
    """The run before another, by logical date."""

    def test_there_is_none_before_the_first(self, store: Store, begun: int) -> None:
        assert store.previous("d", RUN.logical_date) is None
        assert store.previous("other", EPOCH + timedelta(days=9)) is None

    def test_it_is_the_latest_before_that_date(self, store: Store, begun: int) -> None:
        later = a_run(VERSION, 2, state=RunState.QUEUED, started=None, created=EPOCH)
        store.commit(begun, a_run_of(VERSION, later))
        assert store.previous("d", EPOCH + timedelta(days=1)) == PreviousRun(RUN.id, RUN.state)
        assert store.previous("d", later.logical_date) == PreviousRun(RUN.id, RUN.state)
        found = store.previous("d", EPOCH + timedelta(days=3))
        assert found == PreviousRun(later.id, RunState.QUEUED)

    def test_of_one_date_it_is_the_one_created_last(self, store: Store, begun: int) -> None:
        again = replace(RUN, id="d@manual-1", created=RUN.created + timedelta(hours=1))
        before = replace(RUN, id="d@manual-0", created=RUN.created - timedelta(hours=1))
        store.commit(begun, [*a_run_of(VERSION, again), *a_run_of(VERSION, before)])
        found = store.previous("d", EPOCH + timedelta(days=1))
        assert found is not None
        assert found.id == again.id

    def test_what_ended_before_it_began_is_passed_over(self, store: Store, begun: int) -> None:
        never = a_run(VERSION, 1, state=RunState.KILLED, started=None)
        store.commit(begun, a_run_of(VERSION, never))
        found = store.previous("d", EPOCH + timedelta(days=2))
        assert found is not None
        assert found.id == RUN.id

    def test_an_ended_one_comes_with_its_failures(self, store: Store, begun: int) -> None:
        over, jobs = self.ended(store, begun)
        expected = PreviousRun(over.id, RunState.FAILED, jobs)
        assert store.previous("d", EPOCH + timedelta(days=2)) == expected

    def test_a_new_leader_loads_it_with_those_that_wait_for_it(
        self, store: Store, begun: int
    ) -> None:
        over, jobs = self.ended(store, begun)
        waits = {"state": RunState.QUEUED, "started": None, "message": "waits for it"}
        after = a_run(VERSION, 2, previous=over.id, **waits)
        first = a_run(VERSION, 3, previous="", **waits)
        beside = a_run(VERSION, 4, previous=RUN.id, **waits)
        store.commit(begun, [RunChanged(after), RunChanged(first), RunChanged(beside)])
        store.commit(begun, [JobRunChanged(a_job_run(after.id, message="so does it"))])
        loaded = store.load()
        assert loaded.previous == (PreviousRun(over.id, RunState.FAILED, jobs),)
        assert [run for run in (after, first, beside) if run not in loaded.runs] == []
        assert "so does it" in {job.message for job in loaded.job_runs}

    def test_a_recalled_run_comes_with_the_one_before_it(self, store: Store, begun: int) -> None:
        over, jobs = self.ended(store, begun)
        after = a_run(VERSION, 2, previous=over.id, state=RunState.FAILED)
        store.commit(begun, [RunChanged(after)])
        recalled = store.recall(after.id)
        assert recalled is not None
        assert recalled.previous == PreviousRun(over.id, RunState.FAILED, jobs)

    def ended(self, store: Store, term: int) -> tuple[Run, tuple[tuple[str, JobRunState], ...]]:
        over = a_run(VERSION, 1, state=RunState.FAILED)
        store.commit(term, a_run_of(VERSION, over))
        jobs = (("a", JobRunState.FAILED), ("b", JobRunState.UPSTREAM_FAILED))
        rows = [
            a_job_run(over.id, job, position=place, state=state)
            for place, (job, state) in enumerate(jobs)
        ]
        store.commit(term, [*map(JobRunChanged, rows)])
        return over, jobs


def test_a_triggered_run_keeps_its_cause(store: Store, begun: int) -> None:
    job = Cause("up@1", "load", 2, "succeeded")
    one = a_run(VERSION, 1, kind=RunKind.TRIGGERED, cause=job)
    other = a_run(VERSION, 2, kind=RunKind.TRIGGERED, cause=Cause("up@1", state="failed"))
    store.commit(begun, [RunChanged(one), RunChanged(other)])
    assert [run.cause for run in store.load().runs] == [None, one.cause, other.cause]


class TestCommands:
    def test_reach_the_leader_oldest_first(
        self, doors: Doors, store: Store, commands: Commands
    ) -> None:
        intents = [
            TriggerRun("d", {"n": [1, "ü"]}, datetime(2026, 5, 1, tzinfo=UTC)),
            TriggerRun("d"),
            KillRun("d@1"),
            RetryJob("d@1", "a"),
            MarkJob("d@1", "a", JobRunState.SKIPPED),
            PauseDag("d"),
            UnpauseDag("d"),
        ]
        ids = [commands.submit(intent, "ann") for intent in intents]
        found = store.unanswered_commands(0, 100)
        assert [command.id for command in found] == ids == sorted(ids)
        assert [command.intent for command in found] == intents
        assert {command.requested_by for command in found} == {"ann"}
        assert {command.requested_at for command in found} == {doors.clock.now()}

    def test_come_in_portions(self, store: Store, commands: Commands) -> None:
        ids = [commands.submit(PauseDag(f"d{n}"), "ann") for n in range(5)]
        assert [c.id for c in store.unanswered_commands(0, 2)] == ids[:2]
        assert [c.id for c in store.unanswered_commands(ids[1], 2)] == ids[2:4]
        assert store.unanswered_commands(ids[-1], 2) == []

    def test_answered_do_not_come_again(
        self, store: Store, queries: Queries, commands: Commands, term: int
    ) -> None:
        first, second = (commands.submit(PauseDag(id), "ann") for id in "de")
        assert queries.answer(first) is None
        answer = Answer(first, Outcome.REFUSED, "no DAG d", EPOCH)
        store.commit(term, [CommandAnswered(answer)])
        assert queries.answer(first) == answer
        assert [command.id for command in store.unanswered_commands(0, 10)] == [second]


def test_definitions_survive_whole(store: Store, queries: Queries, term: int) -> None:
    version = a_version(
        jobs=[a_job("a", command=("echo", "x y"), env=(("A", "ü"),)), a_job("b", ["a"], retries=2)],
        tags=("t",),
        params={"p": {"q": None}},
        start=EPOCH,
    )
    store.commit(term, a_run_of(version))
    assert queries.version(version.id) == version
    assert queries.version(version.id).with_id().id == version.id
    assert store.load().versions == (version,)
