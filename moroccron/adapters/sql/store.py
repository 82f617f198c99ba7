"""The leader's side of the database: terms, commits, and what a new leader needs to know.

Fencing: every commit begins by counting itself in the leader's row, on condition that the row still holds
its term. That takes the row's lock (in SQLite the file's), so that a commit and a `begin_term` elsewhere
happen one after the other and never beside each other. A leader that is frozen in the middle of a commit would keep
that lock: in PostgreSQL `begin_term` ends its session first.

Repetition: the count says whether a commit whose connection broke at the last moment was made after all,
so that repeating it does not double its history.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, Text, cast, select

from moroccron.adapters.sql.backfills import read_failed_runs, read_run_states, recalled_backfill
from moroccron.adapters.sql.batch import Batch
from moroccron.adapters.sql.flavour import Cursor
from moroccron.adapters.sql.reading import Reader
from moroccron.adapters.sql.rows import Row, command_of, load_error_row, storable
from moroccron.adapters.sql.snapshot import read_previous, read_recalled, read_snapshot
from moroccron.adapters.sql.statements import THE_ROW, Statements
from moroccron.adapters.sql.tables import command, command_is_unanswered, framework
from moroccron.adapters.sql.utc_time import Moments
from moroccron.adapters.sql.writer import Writer
from moroccron.model.backfill import Backfill
from moroccron.model.changes import Change, LoadErrorsChanged
from moroccron.model.command import Command
from moroccron.model.errors import Fenced
from moroccron.model.events import RunRecalled
from moroccron.model.run import PreviousRun
from moroccron.model.snapshot import Snapshot
from moroccron.model.states import RunState
from moroccron.ports import idle

PATIENCE = 60.0  #: seconds for which an unreachable database is tried again


def utc_now() -> datetime:
    return datetime.now(UTC)


class SqlStore:
    """Fulfils `ports.Store`. Keeps one connection open for writing.

    What writes (`begin_term`, `commit`, `close`) is for one thread at a time. What reads (`load`, `recall`,
    `previous`, `unanswered_commands`) takes a connection of its own from the engine, and may be called from any
    thread meanwhile: the feed polls for commands while the loop commits. All are patient but `unanswered_commands`,
    which its caller repeats anyway.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        patience: float = PATIENCE,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._writer = Writer(engine, patience)
        self._reader = Reader(engine, patience)
        self._hasty = Reader(engine)
        self._statements = Statements(engine)
        self._time = self._writer.flavour.time
        self._now = now

    def begin_term(self, holder: str, waiting: Callable[[], None] = idle) -> int:
        """The seconds since 1970, or one more than the last term, whichever is greater.

        Counting alone would give a term twice, and with it task ids and the right to commit, after the database
        was restored from a backup.
        """
        now = self._now()
        row = (THE_ROW, int(now.timestamp()), holder, self._time(now), 0)

        def work(cursor: Cursor) -> int:
            self._writer.flavour.depose(cursor)
            cursor.execute(self._statements.begin_term, row)
            return int(cursor.fetchone()[0])

        return self._writer.transact(work, waiting)

    def load(self, waiting: Callable[[], None] = idle) -> Snapshot:
        return self._reader.read(read_snapshot, waiting)

    def recall(self, run_id: str) -> RunRecalled | None:
        return self._reader.read(lambda connection: read_recalled(connection, run_id))

    def run_states(self, run_ids: Sequence[str]) -> Mapping[str, RunState]:
        return self._reader.read(lambda connection: read_run_states(connection, run_ids))

    def recall_backfill(self, backfill_id: int) -> Backfill | None:
        return self._reader.read(lambda connection: recalled_backfill(connection, backfill_id))

    def failed_runs(self, backfill_id: int, before: datetime, limit: int) -> Sequence[str]:
        return self._reader.read(lambda c: read_failed_runs(c, backfill_id, before, limit))

    def previous(self, dag_id: str, before: datetime) -> PreviousRun | None:
        return self._reader.read(lambda connection: read_previous(connection, dag_id, before))

    def commit(
        self, term: int, changes: Sequence[Change], waiting: Callable[[], None] = idle
    ) -> None:
        batch = Batch.of(changes)
        rows = batch.rows(self._statements, Moments(self._time).__getitem__)
        count: int | None = None  # the number that an earlier try of this commit gave itself

        def work(cursor: Cursor) -> None:
            nonlocal count
            number = self._claim(cursor, term)
            if count is not None and number > count:
                return  # that try was made: its connection broke after the fact
            count = number
            self._write(cursor, batch, rows)

        self._writer.transact(work, waiting)

    def _claim(self, cursor: Cursor, term: int) -> int:
        cursor.execute(self._statements.claim, (THE_ROW, term))
        row = cursor.fetchone()
        if row is None:
            raise Fenced(f"term {term} may not write: it is not the newest")
        return int(row[0])

    def _write(self, cursor: Cursor, batch: Batch, rows: list[tuple[str, Sequence[Row]]]) -> None:
        for change in batch.load_errors:
            self._write_load_errors(cursor, change)
        with self._writer.flavour.together(cursor.connection):
            for statement, values in rows:
                if len(values) == 1:
                    cursor.execute(statement, values[0])
                else:
                    cursor.executemany(statement, values)

    def _write_load_errors(self, cursor: Cursor, change: LoadErrorsChanged) -> None:
        """Replace a file's errors. One that was there before, if on another line, keeps its age."""
        file = storable(change.file)
        cursor.execute(self._statements.load_errors_of, (file,))
        since = {_alike(row): row[-1] for row in cursor.fetchall()}
        cursor.execute(self._statements.remove_load_errors, (file,))
        fresh = self._time(change.at)
        for position, error in enumerate(change.errors):
            row = load_error_row(error, change.file, position, fresh)
            row = (*row[:-1], since.get(_alike(row), fresh))
            cursor.execute(self._statements.add_load_error, row)

    def unanswered_commands(self, after: int, limit: int) -> Sequence[Command]:
        waiting = (
            select(
                command.c.id,
                command.c.kind,
                cast(command.c.payload, Text),
                command.c.requested_by,
                command.c.requested_at,
            )
            .where(command_is_unanswered, command.c.id > after)
            .order_by(command.c.id)
            .limit(limit)
        )
        return self._hasty.read(lambda c: [command_of(row) for row in c.execute(waiting)])

    def framework_id(self) -> str | None:
        """Under which id the cluster knows us; None: under none yet."""
        return self._reader.read(lambda c: c.scalar(select(framework.c.framework_id)))

    def forget_framework(self, term: int) -> None:
        """Have the next leader begin under a new id. Raises `Fenced` as a commit does."""

        def work(cursor: Cursor) -> None:
            self._claim(cursor, term)
            cursor.execute(f"DELETE FROM {framework.name}")

        self._writer.transact(work)

    def close(self) -> None:
        """Let go of the connection."""
        self._writer.close()


def _alike(row: Sequence[Any]) -> tuple[Any, ...]:
    """What makes two load errors of a file the same one: all but the line and the place in the list."""
    _, _, message, remedy, _, dag_id, job_id, field, _ = row
    return (message, remedy, dag_id, job_id, field)
