"""A small world for the pages: DAGs whose runs stand in every state there is, with attempts, logs and errors.

What readers show is tested and looked at with it. Times are relative to `now`, so that "3 min ago" is true.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from moroccron.model.changes import (
    AttemptChanged,
    Change,
    DagChanged,
    DagState,
    Happened,
    JobRunChanged,
    LoadErrorsChanged,
    RunChanged,
    VersionAdded,
)
from moroccron.model.dag_version import DagVersion, JobSpec, TriggerRule
from moroccron.model.load import LoadError
from moroccron.model.resources import Resources
from moroccron.model.run import Attempt, DataInterval, JobRun, Run, run_id
from moroccron.model.schedule import Cron, Every
from moroccron.model.states import AttemptState, JobRunState, RunKind, RunState
from moroccron.ports import LogChunk, Stream

Placing = Mapping[str, JobRunState]
_S = JobRunState
_RAN = {
    _S.SUCCEEDED: AttemptState.SUCCEEDED,
    _S.FAILED: AttemptState.FAILED,
    _S.RETRYING: AttemptState.FAILED,
    _S.KILLED: AttemptState.KILLED,
    _S.LOST: AttemptState.LOST,
    _S.RUNNING: AttemptState.RUNNING,
    _S.UNREACHABLE: AttemptState.UNREACHABLE,
    _S.LAUNCHING: AttemptState.LAUNCHING,
    _S.QUEUED: AttemptState.QUEUED,
}


class TextLogs:
    """Logs that hold what a function says; the same door as the agents' logs."""

    def __init__(self, text: Callable[[Attempt, Stream], bytes]) -> None:
        self._text = text

    def read(self, attempt: Attempt, stream: Stream, offset: int, length: int) -> LogChunk:
        whole = self._text(attempt, stream)
        start = max(0, len(whole) + offset) if offset < 0 else min(offset, len(whole))
        return LogChunk(whole[start : start + length], start, len(whole))


def a_nightly_dag() -> DagVersion:
    """Eleven jobs in five layers, with two rules beside all_success."""
    fetch = [_job(f"fetch-{name}", retries=2) for name in ("orders", "stock", "prices", "web-log")]
    jobs = [
        _job("prepare"),
        *(replace(job, upstream=("prepare",)) for job in fetch),
        _job("join", ("fetch-orders", "fetch-prices", "fetch-stock"), mem=2048),
        _job("sessions", ("fetch-web-log",)),
        _job("report", ("join", "sessions"), retries=1),
        _job("mail", ("report",)),
        _job("alarm", ("report",), rule=TriggerRule.ONE_FAILED),
        _job("tidy-up", ("alarm", "mail"), rule=TriggerRule.ALL_DONE),
    ]
    return DagVersion(
        dag_id="nightly-report",
        jobs=tuple(jobs),
        schedule=Cron("30 2 * * *"),
        timezone="Europe/Berlin",
        owners=("data",),
        tags=("reports",),
        doc="Yesterday's orders, stock and visits, joined and mailed before breakfast.",
        params={"day": "yesterday", "limit": 1000},
    ).with_id()


def a_layered_dag(jobs: int = 1000, layers: int = 10, seed: int = 7) -> DagVersion:
    """A big one: each job waits for up to three of the layer before."""
    chance = random.Random(seed)
    width = jobs // layers
    specs = []
    for layer in range(layers):
        for place in range(width):
            above = [
                f"layer{layer - 1}-{n:03d}" for n in chance.sample(range(width), min(3, width))
            ]
            specs.append(_job(f"layer{layer}-{place:03d}", tuple(above) if layer else ()))
    return DagVersion(dag_id="big-layers", jobs=tuple(specs), schedule=Every(3600)).with_id()


def a_run_at(version: DagVersion, due: datetime, state: RunState, seconds: float) -> Run:
    """A run that was due then, and that took so long if it is over."""
    interval = DataInterval(due - timedelta(days=1), due)
    started = None if state is RunState.QUEUED else due + timedelta(milliseconds=84)
    ended = due + timedelta(seconds=seconds) if state.is_terminal else None
    return Run(
        id=run_id(version.dag_id, interval.start),
        dag_id=version.dag_id,
        version_id=version.id,
        kind=RunKind.SCHEDULED,
        state=state,
        interval=interval,
        due=due,
        created=due + timedelta(milliseconds=20),
        started=started,
        ended=ended,
    )


def placed(version: DagVersion, run: Run, states: Placing, otherwise: JobRunState) -> list[Change]:
    """The run with its jobs in these states, their attempts, and the history of it."""
    changes: list[Change] = [RunChanged(run)]
    chance = random.Random(run.id)
    at = run.started or run.created
    for position, spec in enumerate(version.jobs):
        state = states.get(spec.id, otherwise)
        ready = at + timedelta(seconds=0.4 * position % 97)
        attempts = list(_attempts(run, spec, state, ready, chance))
        last = attempts[-1] if attempts else None
        over = state.is_terminal and last is not None
        cause = spec.upstream[0] if state in (_S.UPSTREAM_FAILED, _S.SKIPPED) else None
        job = JobRun(
            run_id=run.id,
            job_id=spec.id,
            state=state,
            position=position,
            attempts=len(attempts),
            failures=sum(attempt.state is AttemptState.FAILED for attempt in attempts),
            ready=ready if attempts else None,
            started=attempts[0].started if attempts else None,
            ended=last.ended if over and last else None,
            cause=cause,
        )
        changes.append(JobRunChanged(job))
        changes.extend(AttemptChanged(attempt) for attempt in attempts)
        changes.append(moved(run, spec.id, state, ready))
    return changes


def moved(run: Run, job_id: str, state: JobRunState, at: datetime) -> Happened:
    """The line of history that says that a job has come into a state."""
    return Happened(
        at=at,
        subject="job_run",
        cause="made up",
        dag_id=run.dag_id,
        run_id=run.id,
        job_id=job_id,
        from_state=_S.WAITING.value,
        to_state=state.value,
    )


def a_world(now: datetime | None = None) -> list[Change]:
    """All of it, as changes to be committed."""
    now = now or datetime.now(UTC)
    changes: list[Change] = []
    for version, due in _dags(now):
        changes.append(VersionAdded(version, f"{version.dag_id}.py", now - timedelta(days=9)))
        changes.append(DagChanged(_dag_state(version, due)))
    changes.extend(_nightly_runs(a_nightly_dag(), now))
    changes.extend(_quarter_hours(now))
    error = LoadError(
        file="billing.py",
        message="cycle: charge -> invoice -> charge",
        remedy="Remove one of these edges: charge >> invoice, invoice >> charge.",
        line=14,
        dag_id="billing",
        field="upstream",
    )
    changes.append(LoadErrorsChanged("billing.py", (error,), now - timedelta(minutes=12)))
    return changes


def big_run(now: datetime, jobs: int = 1000) -> list[Change]:
    """A layered DAG half way through a run of it."""
    version = a_layered_dag(jobs)
    run = a_run_at(version, now - timedelta(minutes=4), RunState.RUNNING, 0)
    chance = random.Random(3)
    states: dict[str, JobRunState] = {}
    for place, job in enumerate(version.jobs):
        share = place / len(version.jobs)
        done = share < 0.55 or (share < 0.65 and chance.random() < 0.5)
        states[job.id] = _S.SUCCEEDED if done else _S.WAITING
        if not done and share < 0.7:
            states[job.id] = chance.choice([_S.RUNNING, _S.QUEUED, _S.LAUNCHING, _S.RETRYING])
        if chance.random() < 0.004:
            states[job.id] = _S.FAILED
    changes: list[Change] = [
        VersionAdded(version, "big.py", run.created),
        DagChanged(_dag_state(version, now + timedelta(minutes=56), "big.py")),
    ]
    return changes + placed(version, run, states, _S.WAITING)


def _nightly_runs(version: DagVersion, now: datetime) -> list[Change]:
    changes: list[Change] = []
    failed: Placing = {
        "report": _S.FAILED,
        "mail": _S.UPSTREAM_FAILED,
    }
    for days in range(12, 1, -1):
        bad = days == 7
        state = RunState.FAILED if bad else RunState.SUCCEEDED
        run = a_run_at(version, now - timedelta(days=days), state, 40 + days * 3)
        changes += placed(version, run, failed if bad else {"alarm": _S.SKIPPED}, _S.SUCCEEDED)
    run = a_run_at(version, now - timedelta(days=1), RunState.FAILED, 95)
    changes += placed(version, run, failed, _S.SUCCEEDED)
    states: Placing = {
        "prepare": _S.SUCCEEDED,
        "fetch-orders": _S.SUCCEEDED,
        "fetch-stock": _S.RUNNING,
        "fetch-prices": _S.RETRYING,
        "fetch-web-log": _S.SUCCEEDED,
        "sessions": _S.QUEUED,
    }
    run = a_run_at(version, now - timedelta(seconds=95), RunState.RUNNING, 0)
    return changes + placed(version, run, states, _S.WAITING)


def _quarter_hours(now: datetime) -> list[Change]:
    version = _small("stock-sync")
    changes: list[Change] = []
    for quarters in range(14, 0, -1):
        due = now - timedelta(minutes=15 * quarters - 6)
        run = a_run_at(version, due, RunState.SUCCEEDED, 3 + quarters % 4)
        changes += placed(version, run, {}, _S.SUCCEEDED)
    return changes


def _dags(now: datetime) -> Iterator[tuple[DagVersion, datetime | None]]:
    yield a_nightly_dag(), now + timedelta(hours=23)
    yield _small("stock-sync"), now + timedelta(minutes=9)
    yield (
        replace(_small("backup"), schedule=Cron("@weekly"), id="").with_id(),
        now + timedelta(days=3),
    )
    yield replace(_small("on-demand"), schedule=None, id="").with_id(), None


def _small(dag_id: str) -> DagVersion:
    jobs = (_job("read"), _job("check", ("read",)), _job("write", ("check",)))
    return DagVersion(dag_id, jobs, Cron("*/15 * * * *"), owners=("ops",)).with_id()


def _dag_state(version: DagVersion, due: datetime | None, file: str | None = None) -> DagState:
    return DagState(
        dag_id=version.dag_id,
        version_id=version.id,
        file=file or f"{version.dag_id}.py",
        paused=version.dag_id == "backup",
        next_due=due,
    )


def _job(
    id: str,
    upstream: Sequence[str] = (),
    *,
    rule: TriggerRule = TriggerRule.ALL_SUCCESS,
    mem: int = 256,
    retries: int = 0,
) -> JobSpec:
    return JobSpec(
        id=id,
        command=f"python -m jobs.{id.replace('-', '_')} --day $DAY",
        resources=Resources(cpus=500, mem=mem),
        upstream=tuple(sorted(upstream)),
        trigger_rule=rule,
        retries=retries,
        retry_delay=30.0,
    )


def _attempts(
    run: Run, spec: JobSpec, state: JobRunState, ready: datetime, chance: random.Random
) -> Iterator[Attempt]:
    end = _RAN.get(state)
    if end is None:
        return
    tries = 2 if state in (_S.FAILED, _S.RETRYING) and spec.retries else 1
    for number in range(1, tries + 1):
        seconds = chance.uniform(0.8, 14.0)
        yield _attempt(run, spec, number, end, ready, seconds)
        ready += timedelta(seconds=seconds + spec.retry_delay)


def _attempt(
    run: Run, spec: JobSpec, number: int, state: AttemptState, ready: datetime, seconds: float
) -> Attempt:
    first = Attempt(
        run_id=run.id,
        job_id=spec.id,
        number=number,
        state=state,
        ready=ready,
        due=run.due if number == 1 and not spec.upstream else None,
    )
    if state is AttemptState.QUEUED:
        return first
    launched = ready + timedelta(milliseconds=22)
    placed_there = replace(
        first,
        launched=launched,
        task_id=f"{run.id}@{spec.id}@{number}.1",
        agent_id="agent-1",
        hostname=f"agent-{1 + len(spec.id) % 4}.example",
        sandbox=f"/var/lib/moroccron/{spec.id}/{number}",
    )
    if state is AttemptState.LAUNCHING:
        return placed_there
    started = launched + timedelta(milliseconds=31)
    began = replace(placed_there, started=started)
    if not state.is_terminal:
        return began
    ended = replace(began, ended=started + timedelta(seconds=seconds))
    if state is AttemptState.FAILED:
        said = "KeyError: 'price' in jobs/report.py, line 88"
        return replace(ended, exit_code=1, reason="command_failed", message=said)
    return replace(ended, exit_code=0 if state is AttemptState.SUCCEEDED else None)
