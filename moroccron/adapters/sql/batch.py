"""A commit's changes, sorted for writing: of each row only its last state, history in order.

Owns what is written and in which order of tables (parents before children); knows no connection.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field

from moroccron.adapters.sql.rows import (
    Row,
    Time,
    answer_row,
    attempt_row,
    backfill_row,
    dag_row,
    history_row,
    job_run_row,
    run_row,
    version_row,
)
from moroccron.adapters.sql.statements import THE_ROW, Statements
from moroccron.model.backfill import Backfill
from moroccron.model.changes import (
    AttemptChanged,
    BackfillChanged,
    Change,
    CommandAnswered,
    DagChanged,
    DagState,
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
from moroccron.model.command import Answer
from moroccron.model.pool import Pool
from moroccron.model.run import Attempt, JobRun, Run
from moroccron.model.share import Share


@dataclass(slots=True)
class Batch:
    """Changes by kind and key. A later one of the same row takes the place of the earlier."""

    versions: dict[str, VersionAdded] = field(default_factory=dict)
    dags: dict[str, DagState] = field(default_factory=dict)
    backfills: dict[int, Backfill] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    job_runs: dict[tuple[str, str], JobRun] = field(default_factory=dict)
    attempts: dict[tuple[str, str, int], Attempt] = field(default_factory=dict)
    answers: dict[int, Answer] = field(default_factory=dict)
    load_errors: list[LoadErrorsChanged] = field(default_factory=list)
    history: list[Happened] = field(default_factory=list)
    framework_id: str | None = None
    pools: dict[str, Pool | None] = field(default_factory=dict)  #: None: removed
    shares: dict[str, Share | None] = field(default_factory=dict)  #: None: removed

    @classmethod
    def of(cls, changes: Iterable[Change]) -> "Batch":
        batch = cls()
        for change in changes:
            batch._add(change)
        return batch

    def _add(self, change: Change) -> None:
        match change:
            case Happened():
                self.history.append(change)
            case AttemptChanged(a):
                self.attempts[a.run_id, a.job_id, a.number] = a
            case JobRunChanged(j):
                self.job_runs[j.run_id, j.job_id] = j
            case RunChanged(run):
                self.runs[run.id] = run
            case _:
                self._add_rare(change)

    def _add_rare(self, change: Change) -> None:
        match change:
            case DagChanged(dag):
                self.dags[dag.dag_id] = dag
            case VersionAdded(version):
                self.versions.setdefault(version.id, change)
            case LoadErrorsChanged():
                self.load_errors.append(change)
            case CommandAnswered(answer):
                self.answers[answer.command_id] = answer
            case FrameworkChanged(framework_id):
                self.framework_id = framework_id
            case BackfillChanged(backfill):
                self.backfills[backfill.id] = backfill
            case PoolChanged() | PoolRemoved() | ShareChanged() | ShareRemoved():
                self._add_limit(change)

    def _add_limit(self, change: PoolChanged | PoolRemoved | ShareChanged | ShareRemoved) -> None:
        match change:
            case PoolChanged(pool):
                self.pools[pool.name] = pool
            case PoolRemoved(name):
                self.pools[name] = None
            case ShareChanged(share):
                self.shares[share.owner] = share
            case ShareRemoved(owner):
                self.shares[owner] = None

    def rows(self, statements: Statements, time: Time) -> list[tuple[str, Sequence[Row]]]:
        """What to execute, in order. Load errors are left out: theirs depends on what is stored."""
        work: list[tuple[str, Sequence[Row]]] = [
            (statements.add_version, [version_row(v, time) for v in self.versions.values()]),
            (statements.put_dag, [dag_row(dag, time) for dag in self.dags.values()]),
            (statements.put_backfill, [backfill_row(b, time) for b in self.backfills.values()]),
            (statements.put_run, [run_row(run, time) for run in self.runs.values()]),
            (statements.put_job_run, [job_run_row(j, time) for j in self.job_runs.values()]),
            (statements.put_attempt, [attempt_row(a, time) for a in self.attempts.values()]),
            (statements.put_pool, [(p.name, p.slots) for p in self.pools.values() if p]),
            (statements.remove_pool, [(name,) for name, p in self.pools.items() if p is None]),
            (statements.put_share, [astuple(s) for s in self.shares.values() if s]),
            (statements.remove_share, [(who,) for who, s in self.shares.items() if s is None]),
            (statements.answer, [answer_row(answer, time) for answer in self.answers.values()]),
            (statements.add_history, [history_row(line, time) for line in self.history]),
        ]
        if self.framework_id is not None:
            work.append((statements.put_framework, [(THE_ROW, self.framework_id)]))
        return [(statement, rows) for statement, rows in work if rows]
