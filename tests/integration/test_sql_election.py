"""A lease in the database: whose clock counts, what silence does, and that a crowd elects one."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text, update

from moroccron.adapters.sql.election import SqlElection
from moroccron.adapters.sql.engine import open_engine, writers
from moroccron.adapters.sql.lease import LeaseRow
from moroccron.adapters.sql.tables import lease
from moroccron.candidacy import boot_clock
from moroccron.model.errors import ElectionRefused
from tests.waiting import PATIENCE, until

LENGTH = 1.2


class Candidate:
    """An election with a thread that waits for it."""

    def __init__(self, election: SqlElection) -> None:
        self.election = election
        self.losses: list[str] = []
        self.refusal: Exception | None = None
        self.returned = threading.Event()
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        try:
            self.election.wait(self.losses.append)
        except ElectionRefused as error:
            self.refusal = error
        self.returned.set()

    def elected(self) -> "Candidate":
        until(self.election.trusted, "elected")
        return self


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    engine = open_engine(database, answer_within=LENGTH)
    yield engine
    engine.dispose()


@pytest.fixture
def stand(engine: Engine) -> Iterator[Callable[..., Candidate]]:
    with ExitStack() as stack:

        def begin(length: float = LENGTH, clock: Callable[[], float] = boot_clock) -> Candidate:
            candidate = Candidate(SqlElection(engine, "me", length=length, clock=clock))
            stack.callback(candidate.election.resign)
            return candidate

        yield begin


def set_end(engine: Engine, seconds: float) -> None:
    """As if the database's clock had been set: the lease's end is now so far from it."""
    with writers(engine).begin() as connection:
        connection.execute(
            update(lease).values(expires=datetime.now(UTC) + timedelta(seconds=seconds))
        )


def test_trust_ends_by_our_own_clock_before_the_lease_does(engine: Engine) -> None:
    """Nobody need wake up for it: here no renewal comes in an hour."""
    now = 1000.0
    election = SqlElection(engine, "me", length=3600.0, clock=lambda: now)
    election.wait(lambda why: None)
    assert election.trusted()
    now += 0.7 * 3600
    assert election.trusted()
    now += 0.1 * 3600
    assert not election.trusted()
    election.resign()


def test_the_end_is_the_databases_clock_plus_the_length(engine: Engine) -> None:
    row = LeaseRow(engine, 60.0)
    nothing, before = row.look()
    assert nothing is None
    assert row.take("me", None) == 1
    held, after = row.look()
    assert held is not None
    assert held.holder == "me"
    # SQLite tells the time to the millisecond
    assert before <= held.expires - timedelta(seconds=60) <= after
    assert abs((after - datetime.now(UTC)).total_seconds()) < 60


def test_one_of_two_who_saw_the_same_takes_it(engine: Engine) -> None:
    row = LeaseRow(engine, 60.0)
    assert row.take("a", None) == 1
    assert row.take("b", None) is None
    seen, _ = row.look()
    assert row.take("b", seen) == 2
    assert row.take("c", seen) is None
    assert not row.renew(1)
    assert row.renew(2)


def test_a_lease_that_was_freed_by_its_last_holder_stays_with_the_new_one(engine: Engine) -> None:
    row = LeaseRow(engine, 60.0)
    row.take("a", None)
    seen, _ = row.look()
    row.take("b", seen)
    row.free(1)
    held, now = row.look()
    assert held is not None
    assert held.expires > now


def test_a_lease_whose_end_moved_away_is_taken_after_its_length(
    engine: Engine, stand: Callable[..., Candidate]
) -> None:
    """The database's clock went back by an hour, and the holder is dead."""
    LeaseRow(engine, LENGTH).take("dead", None)
    set_end(engine, 3600)
    began = boot_clock()
    stand().elected()
    assert boot_clock() - began >= LENGTH


def test_a_lease_whose_end_moves_away_stays_with_its_living_holder(
    engine: Engine, stand: Callable[..., Candidate]
) -> None:
    leader = stand().elected()
    other = stand()
    set_end(engine, 3600)
    since = boot_clock()
    until(lambda: boot_clock() - since > 2 * LENGTH, "two lengths have passed")
    assert leader.election.trusted()
    assert not other.returned.is_set()


def test_a_database_that_takes_no_writes_for_a_while_costs_trust_and_not_the_lead(
    engine: Engine, stand: Callable[..., Candidate]
) -> None:
    leader = stand().elected()
    with writers(engine).begin() as connection:
        connection.execute(update(lease).values(holder=lease.c.holder))  # and keep its lock
        until(lambda: not leader.election.trusted(), "in doubt")
    until(leader.election.trusted, "sure again")
    assert leader.losses == []


def test_a_leader_whose_lease_was_taken_has_lost(
    engine: Engine, stand: Callable[..., Candidate]
) -> None:
    leader = stand().elected()
    row = LeaseRow(engine, 60.0)

    def taken() -> int | None:
        seen, _ = row.look()
        return row.take("other", seen)

    until(taken, "taken behind its back")
    until(lambda: leader.losses, "told")
    assert not leader.election.trusted()
    leader.election.resign()
    held, now = row.look()
    assert held is not None
    assert held.expires > now, "resigning freed what was another's"
    assert len(leader.losses) == 1


def test_a_database_without_the_table_refuses(
    engine: Engine, stand: Callable[..., Candidate]
) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE lease"))
    candidate = stand()
    assert candidate.returned.wait(PATIENCE)
    assert "moroccron db check" in str(candidate.refusal)


def test_a_leader_is_told_when_the_table_goes(
    engine: Engine, stand: Callable[..., Candidate]
) -> None:
    leader = stand().elected()
    with writers(engine).begin() as connection:
        connection.execute(text("DROP TABLE lease"))
    until(lambda: leader.losses, "told")
    assert not leader.election.trusted()


def test_one_that_has_resigned_does_not_wait(engine: Engine) -> None:
    election = SqlElection(engine, "me")
    election.resign()
    election.wait(lambda why: None)
    assert not election.trusted()


def test_a_crowd_elects_one_after_the_other(
    engine: Engine, stand: Callable[..., Candidate]
) -> None:
    crowd = [stand(length=20.0) for _ in range(12)]
    for _ in range(len(crowd)):
        until(lambda: any(c.election.trusted() for c in crowd), "somebody leads")
        (leader,) = [candidate for candidate in crowd if candidate.election.trusted()]
        leader.election.resign()
        crowd.remove(leader)
        assert leader.losses == []
