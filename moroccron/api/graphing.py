"""A version's jobs and a run's states as arrays by index: small to send, quick to draw."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from moroccron.api.schemas import StatesOut, StructureOut
from moroccron.model.dag_version import DagVersion, TriggerRule
from moroccron.model.run import Attempt, AttemptKey, JobRun
from moroccron.model.states import JobRunState
from moroccron.ports import Queries

WORDS = [state.value for state in JobRunState]
_INDEX = {state: index for index, state in enumerate(JobRunState)}
_TROUBLED = frozenset(
    {JobRunState.FAILED, JobRunState.LOST, JobRunState.KILLED, JobRunState.RETRYING}
)
_ASKED_ONE_BY_ONE = 5  #: with more troubled jobs, one query for the whole run is cheaper
_WHY_LENGTH = 160


class Whys:
    """Why jobs are in trouble, remembered: what an ended attempt said never changes."""

    def __init__(self, held: int = 20_000) -> None:
        self._held = held
        self._said: dict[AttemptKey, str] = {}

    def of(self, queries: Queries, jobs: Sequence[JobRun]) -> dict[int, str]:
        """The first line of the error by the job's position, for those of one run that have one."""
        troubled = [job for job in jobs if job.attempts and job.state in _TROUBLED]
        new = [job for job in troubled if _key(job) not in self._said]
        if new:
            self._learn(newest_attempts(queries, new[0].run_id, new))
        said = ((job.position, self._said.get(_key(job))) for job in troubled)
        return {position: text for position, text in said if text}

    def _learn(self, found: Mapping[str, Attempt]) -> None:
        if len(self._said) > self._held:
            self._said = {}
        self._said |= {
            attempt.key: first_line(attempt)
            for attempt in found.values()
            if attempt.state.is_terminal
        }


def structure(version: DagVersion) -> StructureOut:
    """Jobs and edges."""
    index = {job.id: i for i, job in enumerate(version.jobs)}
    rules = {
        i: job.rule for i, job in enumerate(version.jobs) if job.rule != TriggerRule.ALL_SUCCESS
    }
    return StructureOut.model_construct(  # ours: nothing to validate
        version=version.id,
        jobs=list(index),
        upstream=[[index[name] for name in job.upstream] for job in version.jobs],
        rules=rules,
    )


def states(queries: Queries, whys: Whys, run_id: str) -> StatesOut:
    """Where the jobs stand. The history's end is read first: what comes after it will be told again."""
    last = queries.last_history_id()
    run = queries.run(run_id)
    places = len(queries.version(run.version_id).jobs)
    jobs = [job for job in queries.job_runs(run_id) if job.position < places]  # others are gone
    base = _millis(run.created)
    return StatesOut.model_construct(  # ours: nothing to validate
        dag=run.dag_id,
        run=run.id,
        run_state=run.state,
        version=run.version_id,
        last=last,
        base=base,
        words=WORDS,
        state=[_INDEX[job.state] for job in jobs],
        attempts=[job.attempts for job in jobs],
        ready=[_after(base, job.ready) for job in jobs],
        started=[_after(base, job.started) for job in jobs],
        ended=[_after(base, job.ended) for job in jobs],
        why=whys.of(queries, jobs),
    )


def first_line(attempt: Attempt) -> str:
    """Why an attempt ended as it did, in a line."""
    lines = (attempt.message or "").strip().splitlines()
    said = lines[0] if lines else (attempt.reason or "").replace("_", " ")
    if not said and attempt.kill is not None:
        said = f"killed: {attempt.kill.value}"
    if attempt.exit_code and "exit" not in said:
        said = f"exit code {attempt.exit_code}" + (f": {said}" if said else "")
    return said[:_WHY_LENGTH]


def newest_attempts(queries: Queries, run_id: str, jobs: Sequence[JobRun]) -> dict[str, Attempt]:
    """The newest attempt of each of the jobs that had one."""
    tried = [job for job in jobs if job.attempts]
    if len(tried) <= _ASKED_ONE_BY_ONE:
        lists = [queries.attempts(run_id, job.job_id) for job in tried]
        return {found[-1].job_id: found[-1] for found in lists if found}
    return {attempt.job_id: attempt for attempt in queries.attempts(run_id)}


def _key(job: JobRun) -> AttemptKey:
    return AttemptKey(job.run_id, job.job_id, job.attempts)


def _millis(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _after(base: int, moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000) - base
