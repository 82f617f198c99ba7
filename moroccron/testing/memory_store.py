"""The store over dicts: Store, Queries and Commands in one, passing the same contract suite as SQL.

Owns rows while a process lives. Real in all that the ports promise (fencing, whole batches or
nothing, parents before children); knows nothing of durability. A lock makes it fit for a server's
threads.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from moroccron.model.backfill import Backfill, BackfillProgress
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
from moroccron.model.command import Answer, Command, Intent, Unknown
from moroccron.model.dag_version import DagVersion
from moroccron.model.errors import Fenced, NotFound, StoreUnavailable
from moroccron.model.events import RunRecalled
from moroccron.model.pool import Pool, PoolUse, pool_uses
from moroccron.model.run import Attempt, AttemptKey, JobRun, PreviousRun, Run
from moroccron.model.share import Share, ShareUse, share_uses
from moroccron.model.snapshot import Snapshot
from moroccron.model.states import AttemptState, RunKind, RunState
from moroccron.ports import DagSummary, HistoryLine, LeaderRow, LoadErrorRow, RunBrief, idle


def _utc_now() -> datetime:
    return datetime.now(UTC)


class MemoryStore:
    """Fulfils `ports.Store`, `ports.Queries` and `ports.Commands`."""

    def __init__(self, now: Callable[[], datetime] = _utc_now) -> None:
        self._now = now
        self._lock = threading.RLock()
        self._leader: LeaderRow | None = None
        self._framework_id: str | None = None
        self._versions: dict[str, DagVersion] = {}
        self._dags: dict[str, DagState] = {}
        self._runs: dict[str, Run] = {}
        self._job_runs: dict[str, dict[str, JobRun]] = {}  # by run, then by job
        self._attempts: dict[str, dict[AttemptKey, Attempt]] = {}  # by run
        self._history: list[HistoryLine] = []
        self._load_errors: dict[str, list[LoadErrorRow]] = {}
        self._pools: dict[str, Pool] = {}
        self._shares: dict[str, Share] = {}
        self._backfills: dict[int, Backfill] = {}
        self._commands: dict[int, Command] = {}
        self._answers: dict[int, Answer] = {}

    # ---------------------------------------------------------------------- Store

    def begin_term(self, holder: str, waiting: Callable[[], None] = idle) -> int:
        with self._lock:
            seconds = int(self._now().timestamp())
            term = max(seconds, self._leader.term + 1) if self._leader else seconds
            self._leader = LeaderRow(term, holder, self._now())
            return term

    def load(self, waiting: Callable[[], None] = idle) -> Snapshot:
        with self._lock:
            runs = [run for run in self._by_creation() if not run.state.is_terminal]
            pinned = {dag.version_id for dag in self._dags.values()}
            pinned.update(run.version_id for run in runs)
            backfills = [b for _, b in sorted(self._backfills.items()) if not b.state.is_over]
            pinned.update(backfill.version_id for backfill in backfills)
            return Snapshot(
                framework_id=self._framework_id,
                dags=tuple(dag for _, dag in sorted(self._dags.items())),
                versions=tuple(self._versions[id] for id in sorted(pinned)),
                runs=tuple(runs),
                job_runs=tuple(
                    job_run for id in sorted(r.id for r in runs) for job_run in self._jobs_of(id)
                ),
                attempts=tuple(self._attempts_to_load({run.id for run in runs})),
                load_errors=tuple(row.error for row in self.load_errors()),
                shares=tuple(share for _, share in sorted(self._shares.items())),
                pools=tuple(pool for _, pool in sorted(self._pools.items())),
                backfills=tuple(backfills),
                ahead=tuple(sorted(self._ahead())),
                previous=tuple(
                    found
                    for id in sorted({run.previous for run in runs if run.previous})
                    if (found := self._ended(id)) is not None
                ),
            )

    def _ahead(self) -> Iterator[tuple[str, datetime]]:
        for run in self._runs.values():
            until = self._dags[run.dag_id].scheduled_until
            if run.kind is RunKind.BACKFILL and (until is None or run.interval.end > until):
                yield run.dag_id, run.interval.end

    def _attempts_to_load(self, active: set[str]) -> Iterator[Attempt]:
        for run_id, attempts in sorted(self._attempts.items()):
            for key, attempt in sorted(attempts.items()):
                newest = self._job_runs[run_id][key.job_id].attempts == key.number
                if (newest and run_id in active) or not attempt.state.is_terminal:
                    yield attempt

    def recall(self, run_id: str) -> RunRecalled | None:
        with self._lock:
            run = self._runs.get(run_id)
            if run is None:
                return None
            attempts = self._attempts.get(run_id, {})
            job_runs = self._jobs_of(run_id)
            newest = [attempts.get(AttemptKey(run_id, j.job_id, j.attempts)) for j in job_runs]
            return RunRecalled(
                run,
                self._versions[run.version_id],
                tuple(job_runs),
                tuple(attempt for attempt in newest if attempt is not None),
                self._ended(run.previous),
            )

    def run_states(self, run_ids: Sequence[str]) -> Mapping[str, RunState]:
        with self._lock:
            return {id: self._runs[id].state for id in run_ids if id in self._runs}

    def recall_backfill(self, backfill_id: int) -> Backfill | None:
        with self._lock:
            return self._backfills.get(backfill_id)

    def failed_runs(self, backfill_id: int, before: datetime, limit: int) -> Sequence[str]:
        with self._lock:
            found = [
                run
                for run in self._runs.values()
                if run.backfill_id == backfill_id
                and run.state in (RunState.FAILED, RunState.KILLED)
                and run.ended is not None
                and run.ended < before
            ]
            return [run.id for run in sorted(found, key=lambda run: run.interval.end)][:limit]

    def previous(self, dag_id: str, before: datetime) -> PreviousRun | None:
        with self._lock:
            found = [
                run
                for run in self._by_creation()
                if run.dag_id == dag_id
                and run.logical_date < before
                and (run.started is not None or not run.state.is_terminal)
            ]
            if not found:
                return None
            return self._as_previous(max(reversed(found), key=lambda run: run.logical_date).id)

    def _ended(self, run_id: str | None) -> PreviousRun | None:
        run = self._runs.get(run_id or "")
        return self._as_previous(run.id) if run is not None and run.state.is_terminal else None

    def _as_previous(self, run_id: str) -> PreviousRun:
        jobs = ((j.job_id, j.state) for j in self._jobs_of(run_id) if j.state.is_failure)
        return PreviousRun(run_id, self._runs[run_id].state, tuple(jobs))

    def commit(
        self, term: int, changes: Sequence[Change], waiting: Callable[[], None] = idle
    ) -> None:
        with self._lock:
            if self._leader is None or self._leader.term != term:
                newest = self._leader.term if self._leader else 0
                raise Fenced(f"term {term} may not write: the newest term is {newest}")
            self._check_parents(changes)
            for change in changes:
                self._apply(change)

    def _check_parents(self, changes: Sequence[Change]) -> None:
        """Every row's parent is stored or comes along: what foreign keys hold in SQL."""
        versions = {c.version.id for c in changes if isinstance(c, VersionAdded)}
        dags = {c.dag.dag_id for c in changes if isinstance(c, DagChanged)}
        runs = {c.run.id for c in changes if isinstance(c, RunChanged)}
        job_runs = {c.job_run.key for c in changes if isinstance(c, JobRunChanged)}

        def demand(known: bool, what: str) -> None:
            if not known:
                raise StoreUnavailable(f"the store has no {what}")

        for change in changes:
            if isinstance(change, VersionAdded | Happened):
                continue
            if isinstance(change, DagChanged):
                id = change.dag.version_id
                demand(id in versions or id in self._versions, f"version {id}")
            elif isinstance(change, RunChanged):
                run = change.run
                id = run.version_id
                demand(id in versions or id in self._versions, f"version {id}")
                demand(run.dag_id in dags or run.dag_id in self._dags, f"DAG {run.dag_id}")
            elif isinstance(change, BackfillChanged):
                id = change.backfill.dag_id
                demand(id in dags or id in self._dags, f"DAG {id}")
            elif isinstance(change, JobRunChanged):
                id = change.job_run.run_id
                demand(id in runs or id in self._runs, f"run {id}")
            elif isinstance(change, AttemptChanged):
                key = change.attempt.key.job_run
                known = key in job_runs or key.job_id in self._job_runs.get(key.run_id, {})
                demand(known, f"job {key.job_id} of run {key.run_id}")

    def _apply(self, change: Change) -> None:
        match change:
            case VersionAdded(version):
                self._versions.setdefault(version.id, version)
            case DagChanged(dag):
                self._dags[dag.dag_id] = dag
            case RunChanged(run):
                self._runs[run.id] = run
            case JobRunChanged(job_run):
                self._job_runs.setdefault(job_run.run_id, {})[job_run.job_id] = job_run
            case AttemptChanged(attempt):
                self._attempts.setdefault(attempt.run_id, {})[attempt.key] = attempt
            case _:
                self._apply_rare(change)

    def _apply_rare(self, change: Change) -> None:
        match change:
            case Happened():
                self._history.append(HistoryLine(len(self._history) + 1, change))
            case LoadErrorsChanged():
                self._apply_load_errors(change)
            case CommandAnswered(answer):
                self._answers[answer.command_id] = answer
            case FrameworkChanged(framework_id):
                self._framework_id = framework_id
            case PoolChanged() | PoolRemoved() | ShareChanged() | ShareRemoved():
                self._apply_limit(change)
            case BackfillChanged(backfill):
                self._backfills[backfill.id] = backfill

    def _apply_limit(self, change: PoolChanged | PoolRemoved | ShareChanged | ShareRemoved) -> None:
        match change:
            case PoolChanged(pool):
                self._pools[pool.name] = pool
            case PoolRemoved(name):
                self._pools.pop(name, None)
            case ShareChanged(share):
                self._shares[share.owner] = share
            case ShareRemoved(owner):
                self._shares.pop(owner, None)

    def _apply_load_errors(self, change: LoadErrorsChanged) -> None:
        old = self._load_errors.pop(change.file, [])
        since = {replace(row.error, line=None): row.since for row in old}
        if change.errors:
            self._load_errors[change.file] = [
                LoadErrorRow(error, since.get(replace(error, line=None), change.at))
                for error in change.errors
            ]

    def unanswered_commands(self, after: int, limit: int) -> Sequence[Command]:
        with self._lock:
            waiting = (
                c for id, c in self._commands.items() if id > after and id not in self._answers
            )
            return list(islice(waiting, limit))

    # ---------------------------------------------------------------------- Commands

    def submit(self, intent: Intent | Unknown, requested_by: str) -> int:
        """`Unknown` stands for the row of a newer version, which is no more than that once it was read."""
        with self._lock:
            id = len(self._commands) + 1
            self._commands[id] = Command(id, intent, requested_by, self._now())
            return id

    # ---------------------------------------------------------------------- Queries

    def pools(self) -> Sequence[PoolUse]:
        with self._lock:
            return pool_uses(self._pools.values(), self._versions, self._counts())

    def shares(self) -> Sequence[ShareUse]:
        with self._lock:
            return share_uses(self._shares.values(), self._versions, self._counts())

    def _counts(self) -> dict[tuple[str, str, AttemptState], int]:
        """How many attempts of which version's job are not over, by state."""
        counts: dict[tuple[str, str, AttemptState], int] = {}
        for run_id, attempts in self._attempts.items():
            for found in attempts.values():
                if not found.state.is_terminal:
                    key = (self._runs[run_id].version_id, found.job_id, found.state)
                    counts[key] = counts.get(key, 0) + 1
        return counts

    def dags(self, recent: int = 10) -> Sequence[DagSummary]:
        with self._lock:
            dags = sorted(self._dags.values(), key=lambda dag: (not dag.active, dag.dag_id))
            return [self.dag(dag.dag_id, recent) for dag in dags]

    def dag(self, dag_id: str, recent: int = 25) -> DagSummary:
        with self._lock:
            if dag_id not in self._dags:
                raise NotFound(f"no DAG {dag_id}; `moroccron dags list` shows all")
            state = self._dags[dag_id]
            runs = [run for run in reversed(self._by_creation()) if run.dag_id == dag_id]
            briefs = [RunBrief(r.id, r.state, r.due, r.started, r.ended) for r in runs[:recent]]
            active = sum(not run.state.is_terminal for run in runs)
            return DagSummary(state, self._versions[state.version_id], tuple(briefs), active)

    def version(self, version_id: str) -> DagVersion:
        with self._lock:
            if version_id not in self._versions:
                raise NotFound(
                    f"no DAG version {version_id}; `moroccron dags show` names a DAG's own"
                )
            return self._versions[version_id]

    def load_errors(self) -> Sequence[LoadErrorRow]:
        with self._lock:
            return [row for _, rows in sorted(self._load_errors.items()) for row in rows]

    def runs(
        self,
        *,
        dag_id: str | None = None,
        states: Sequence[RunState] = (),
        backfill_id: int | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[Run]:
        with self._lock:
            newest_first = list(reversed(self._by_creation()))
            if before is not None:
                newest_first = newest_first[newest_first.index(self.run(before)) + 1 :]
            found = (
                run
                for run in newest_first
                if dag_id in (None, run.dag_id)
                and backfill_id in (None, run.backfill_id)
                and (not states or run.state in states)
            )
            return list(islice(found, limit))

    def run(self, run_id: str) -> Run:
        with self._lock:
            if run_id not in self._runs:
                raise NotFound(f"no run {run_id}; `moroccron runs list` shows the newest")
            return self._runs[run_id]

    def job_runs(self, run_id: str) -> Sequence[JobRun]:
        with self._lock:
            self.run(run_id)
            return self._jobs_of(run_id)

    def attempts(self, run_id: str, job_id: str | None = None) -> Sequence[Attempt]:
        with self._lock:
            self.run(run_id)
            jobs = self._job_runs.get(run_id, {})
            if job_id is not None and job_id not in jobs:
                raise NotFound(
                    f"no job {job_id} in run {run_id}; `moroccron jobs list` shows its jobs"
                )
            found = [
                attempt
                for attempt in self._attempts.get(run_id, {}).values()
                if job_id in (None, attempt.job_id)
            ]
            return sorted(found, key=lambda a: (jobs[a.job_id].position, a.number))

    def attempt_count_by_state(self) -> Mapping[str, int]:
        with self._lock:
            found = Counter(a.state for of_run in self._attempts.values() for a in of_run.values())
            return {state.value: found[state] for state in AttemptState}

    def history(
        self, *, run_id: str | None = None, after: int = 0, limit: int = 500
    ) -> Sequence[HistoryLine]:
        with self._lock:
            lines = (row for row in self._history[after:] if run_id in (None, row.line.run_id))
            return list(islice(lines, limit))

    def last_history_id(self) -> int:
        return len(self._history)

    def backfills(
        self, *, dag_id: str | None = None, limit: int = 50
    ) -> Sequence[BackfillProgress]:
        with self._lock:
            newest_first = sorted(self._backfills.values(), key=lambda b: -b.id)
            found = [b for b in newest_first if dag_id in (None, b.dag_id)]
            return [self.backfill(one.id) for one in found[:limit]]

    def backfill(self, backfill_id: int) -> BackfillProgress:
        with self._lock:
            if backfill_id not in self._backfills:
                raise NotFound(f"no backfill {backfill_id}; `moroccron backfill list` shows them")
            runs = (run for run in self._runs.values() if run.backfill_id == backfill_id)
            return BackfillProgress(
                self._backfills[backfill_id], dict(Counter(run.state for run in runs))
            )

    def answer(self, command_id: int) -> Answer | None:
        with self._lock:
            if command_id not in self._commands:
                raise NotFound(f"no command {command_id}")
            return self._answers.get(command_id)

    def leader(self) -> LeaderRow | None:
        return self._leader

    # ---------------------------------------------------------------------- helpers

    def _by_creation(self) -> list[Run]:
        return sorted(self._runs.values(), key=lambda run: (run.created, run.id))

    def _jobs_of(self, run_id: str) -> list[JobRun]:
        return sorted(self._job_runs.get(run_id, {}).values(), key=lambda job: job.position)
