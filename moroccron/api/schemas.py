"""What the JSON API says: the shapes of its answers, and how they are made from values of the model.

The OpenAPI document is generated from these. Times are ISO 8601 in UTC, durations are seconds.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from moroccron.model.backfill import (
    BackfillPlan,
    BackfillProgress,
    BackfillState,
    Deed,
    Existing,
    VersionChoice,
)
from moroccron.model.command import Answer
from moroccron.model.failure import FailureClass
from moroccron.model.fires import Fire
from moroccron.model.param import Param
from moroccron.model.pool import PoolUse
from moroccron.model.preview import Preview, RunPreview
from moroccron.model.run import Attempt, JobRun, Run
from moroccron.model.schedule import Schedule
from moroccron.model.share import ShareUse
from moroccron.model.states import AttemptState, JobRunState, KillReason, RunKind, RunState
from moroccron.ports import DagSummary, HistoryLine, LeaderRow, LoadErrorRow, RunBrief


class Out(BaseModel):
    """An answer's shape."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class RunBriefOut(Out):
    id: str
    state: RunState
    due: datetime
    started: datetime | None
    ended: datetime | None


class ParamOut(Out):
    type: str = Field(description="string, integer, number, boolean, date, datetime, list, json")
    required: bool = Field(description="A run that is asked for must give it a value")
    choices: list[Any] | None
    minimum: Any
    maximum: Any
    pattern: str | None = Field(description="An RE2 expression that the whole of a string matches")
    description: str

    @classmethod
    def of(cls, param: Param) -> "ParamOut":
        return cls(
            type=str(param.type),
            required=param.required,
            choices=None if param.choices is None else list(param.choices),
            minimum=param.minimum,
            maximum=param.maximum,
            pattern=param.pattern,
            description=param.description,
        )


class DagOut(Out):
    id: str
    version_id: str = Field(description="The newest good version")
    file: str
    active: bool = Field(description="A file declares it")
    paused: bool
    schedule: str | None = Field(
        description="A cron expression, `every N s`, or null: only on request"
    )
    timezone: str
    triggers: list[str] = Field(description="What else begins a run, in words")
    next_due: datetime | None
    owners: list[str]
    tags: list[str]
    doc: str
    params: Mapping[str, Any] = Field(description="The params it has, with their defaults")
    param_types: Mapping[str, ParamOut] = Field(description="What is known of each of them")
    jobs: int
    active_runs: int
    recent: list[RunBriefOut] = Field(description="Its newest runs, newest first")

    @classmethod
    def of(cls, dag: DagSummary) -> "DagOut":
        state, version = dag.state, dag.version
        return cls(
            id=state.dag_id,
            version_id=state.version_id,
            file=state.file,
            active=state.active,
            paused=state.paused,
            schedule=schedule_text(version.schedule),
            timezone=version.timezone,
            triggers=[str(trigger) for trigger in version.triggers],
            next_due=state.next_due,
            owners=list(version.owners),
            tags=list(version.tags),
            doc=version.doc,
            params=version.params,
            param_types={name: ParamOut.of(version.param(name)) for name in version.params},
            jobs=len(version.jobs),
            active_runs=dag.active_runs,
            recent=[brief(run) for run in dag.recent],
        )


class DagsOut(Out):
    dags: list[DagOut]


class FireOut(Out):
    due: datetime
    local: datetime = Field(description="The same moment in the DAG's zone, with its offset")
    interval_start: datetime = Field(description="Of the data interval; its end is the fire")
    clock_change: str | None = Field(
        description="What the zone's clocks do on that day: `02:00 becomes 03:00`"
    )
    second_time: bool = Field(description="The wall showed this local time before on that day")

    @classmethod
    def of(cls, fire: Fire) -> "FireOut":
        return cls(
            due=fire.interval.end,
            local=fire.local,
            interval_start=fire.interval.start,
            clock_change=fire.clocks,
            second_time=fire.second,
        )


class FiresOut(Out):
    dag_id: str
    fires: list[FireOut]


class VersionOut(Out):
    id: str
    dag_id: str
    content: dict[str, Any] = Field(
        description="The definition; fields with their default are left out"
    )


class RunOut(Out):
    id: str
    dag_id: str
    version_id: str
    kind: RunKind
    state: RunState
    logical_date: datetime = Field(description="The start of the data interval")
    interval_end: datetime
    due: datetime
    created: datetime
    started: datetime | None
    ended: datetime | None
    params: Mapping[str, Any]
    kill: KillReason | None = Field(description="Wanted dead, and why")
    requested_by: str | None
    expires: datetime | None = Field(description="When it is ended because it took too long")
    backfill_id: int | None = Field(description="The backfill that made it, or ran it again")
    previous: str | None = Field(
        description="The run before it, of a DAG whose runs wait for one another"
    )
    message: str | None = Field(description="What it waits for, where that is not room")
    cause: dict[str, Any] | None = Field(description="What triggered it: the run, the job, its end")

    @classmethod
    def of(cls, run: Run) -> "RunOut":
        return cls(
            id=run.id,
            dag_id=run.dag_id,
            version_id=run.version_id,
            kind=run.kind,
            state=run.state,
            logical_date=run.interval.start,
            interval_end=run.interval.end,
            due=run.due,
            created=run.created,
            started=run.started,
            ended=run.ended,
            params=run.params,
            kill=run.kill,
            requested_by=run.requested_by,
            expires=run.expires,
            backfill_id=run.backfill_id,
            previous=run.previous or None,
            message=run.message,
            cause=run.cause.to_json() if run.cause else None,
        )


class RunsOut(Out):
    runs: list[RunOut]
    next: str | None = Field(description="The address of the next page; null: this is the last")


class AttemptOut(Out):
    run_id: str
    job_id: str
    number: int
    state: AttemptState
    due: datetime | None
    ready: datetime
    launched: datetime | None
    started: datetime | None
    ended: datetime | None
    skew: float | None = Field(description="Seconds from due (or ready) to started")
    task_id: str | None
    agent_id: str | None
    hostname: str | None
    sandbox: str | None
    ports: list[int]
    kill: KillReason | None
    exit_code: int | None
    failure: FailureClass | None = Field(description="Whose doing it was that it did not succeed")
    reason: str | None
    message: str | None
    mem: int | None = Field(description="MiB that it asks for; null: as its job says")
    output_size: int | None = Field(description="Bytes that it hands on; null: nothing")

    @classmethod
    def of(cls, attempt: Attempt) -> "AttemptOut":
        return cls.model_validate(attempt)


class AttemptsOut(Out):
    attempts: list[AttemptOut]


class JobRunOut(Out):
    job_id: str
    state: JobRunState
    position: int
    attempts: int
    failures: int
    losses: int
    ready: datetime | None
    started: datetime | None
    ended: datetime | None
    cause: str | None = Field(description="The upstream job that decided it, if it was not run")
    mark: JobRunState | None = Field(description="What a person said it has come to")
    marked_by: str | None
    message: str | None = Field(description="What it waits for, where that is no upstream job")
    followed: list[str] | None = Field(
        description="The jobs directly downstream that its output says to follow; null: all"
    )

    @classmethod
    def of(cls, job_run: JobRun) -> "JobRunOut":
        return cls.model_validate(job_run)


class BackfillOut(Out):
    model_config = ConfigDict(populate_by_name=True, frozen=True)

    id: int
    dag_id: str
    version_id: str = Field(description="Of its intervals and of the runs that it makes")
    state: BackfillState
    begin: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    created: datetime
    ended: datetime | None
    requested_by: str
    existing: Existing
    version: VersionChoice = Field(description="Of runs that it runs again")
    jobs: str | None
    downstream: bool
    newest_first: bool
    max_active: int
    params: Mapping[str, Any]
    intervals: int
    made: int = Field(description="Runs that it made")
    rerun: int = Field(description="Runs that it ran again")
    left: int = Field(description="Intervals whose runs it left as they were")
    runs: Mapping[RunState, int] = Field(description="Its runs by state")

    @classmethod
    def of(cls, found: BackfillProgress) -> "BackfillOut":
        row = found.backfill
        return cls(
            id=row.id,
            dag_id=row.dag_id,
            version_id=row.version_id,
            state=row.state,
            begin=row.begin,
            end=row.end,
            created=row.created,
            ended=row.ended,
            requested_by=row.requested_by,
            existing=row.existing,
            version=row.version,
            jobs=row.jobs,
            downstream=row.downstream,
            newest_first=row.newest_first,
            max_active=row.max_active,
            params=row.params,
            intervals=row.total,
            made=row.made,
            rerun=row.rerun,
            left=row.left,
            runs={state: found.runs.get(state, 0) for state in RunState},
        )


class BackfillsOut(Out):
    backfills: list[BackfillOut]


class PlannedIntervalOut(Out):
    logical_date: datetime
    interval_end: datetime
    run_id: str
    found: RunState | None = Field(description="How the run stands that there is already")
    deed: Deed = Field(description="What would be done about it")


class BackfillPlanOut(Out):
    dag_id: str
    version_id: str | None
    jobs: list[str] = Field(description="Those that would run")
    intervals: list[PlannedIntervalOut] = Field(description="In the order of the work")
    counts: Mapping[Deed, int]
    refused: str | None = Field(description="Why it would not be done at all")

    @classmethod
    def of(cls, plan: BackfillPlan) -> "BackfillPlanOut":
        return cls(
            dag_id=plan.dag_id,
            version_id=plan.version_id,
            jobs=list(plan.jobs),
            intervals=[
                PlannedIntervalOut(
                    logical_date=line.interval.start,
                    interval_end=line.interval.end,
                    run_id=line.run_id,
                    found=line.found,
                    deed=line.deed,
                )
                for line in plan.intervals
            ],
            counts={deed: plan.count(deed) for deed in Deed},
            refused=plan.refused,
        )


class JobMoveOut(Out):
    job_id: str
    before: JobRunState
    after: JobRunState = Field(
        description="queued: it would run; waiting: for jobs upstream, again"
    )
    cause: str | None = Field(description="The upstream job that would close it")


class PreviewOut(Out):
    run_id: str
    job: JobMoveOut
    follows: list[JobMoveOut] = Field(description="Jobs downstream that would stand otherwise")
    ends_attempt: bool = Field(description="An attempt lives, and would be ended first")
    reopens_run: bool = Field(description="The run is over, and would run again")
    refused: str | None = Field(description="Why it would not be done at all")

    @classmethod
    def of(cls, preview: Preview) -> "PreviewOut":
        return cls.model_validate(preview)


class RunPreviewOut(Out):
    run_id: str
    own_version_id: str
    newest_version_id: str
    version_id: str = Field(description="On which it would go on")
    moves: list[JobMoveOut] = Field(description="Jobs that would stand otherwise")
    new: list[str] = Field(description="Jobs that it would have anew from that version")
    gone: list[str] = Field(description="Jobs that the version has no more: kept, of no account")
    at_work: list[str] = Field(description="Jobs that are let be since they are not over")
    reopens_run: bool = Field(description="The run is over, and would run again")
    refused: str | None = Field(description="Why it would not be done at all")

    @classmethod
    def of(cls, preview: RunPreview) -> "RunPreviewOut":
        return cls.model_validate(preview)


class JobRunsOut(Out):
    run_id: str
    jobs: list[JobRunOut] = Field(description="In topological order")


class LoadErrorOut(Out):
    file: str
    line: int | None
    dag_id: str | None
    job_id: str | None
    field: str | None
    message: str
    remedy: str
    since: datetime

    @classmethod
    def of(cls, row: LoadErrorRow) -> "LoadErrorOut":
        error = row.error
        return cls(
            file=error.file,
            line=error.line,
            dag_id=error.dag_id,
            job_id=error.job_id,
            field=error.field,
            message=error.message,
            remedy=error.remedy,
            since=row.since,
        )


class LoadErrorsOut(Out):
    load_errors: list[LoadErrorOut]


class HistoryLineOut(Out):
    id: int
    at: datetime
    subject: str
    cause: str
    dag_id: str | None
    run_id: str | None
    job_id: str | None
    number: int | None = Field(description="Of the attempt")
    from_state: str | None
    to_state: str | None
    message: str | None

    @classmethod
    def of(cls, row: HistoryLine) -> "HistoryLineOut":
        line = row.line
        return cls(
            id=row.id,
            at=line.at,
            subject=line.subject,
            cause=line.cause,
            dag_id=line.dag_id,
            run_id=line.run_id,
            job_id=line.job_id,
            number=line.number,
            from_state=line.from_state,
            to_state=line.to_state,
            message=line.message,
        )


class HistoryOut(Out):
    lines: list[HistoryLineOut] = Field(description="Oldest first")
    last: int = Field(description="Pass it as `after` to go on")


class LeaderOut(Out):
    term: int
    holder: str
    since: datetime


class PoolOut(Out):
    name: str
    made: bool = Field(description="False: jobs name it and wait for it, and nobody made it")
    slots: int
    taken: int = Field(description="Slots of attempts that may run")
    queued: int = Field(description="Attempts that wait, for slots or for agents")

    @classmethod
    def of(cls, use: PoolUse) -> "PoolOut":
        return cls(
            name=use.pool.name,
            made=use.made,
            slots=use.pool.slots,
            taken=use.taken,
            queued=use.queued,
        )


class PoolsOut(Out):
    pools: list[PoolOut]


class ShareOut(Out):
    owner: str = Field(description="Empty: jobs without an owner")
    given: bool = Field(description="False: nobody gave a share, it is weight 1 without caps")
    weight: int
    cpus: int | None = Field(description="At most so many thousandths of a cpu; null: no cap")
    mem: int | None = Field(description="At most so many MiB; null: no cap")
    jobs: int | None = Field(description="At most so many attempts; null: no cap")
    held_cpus: int = Field(description="Thousandths of a cpu of attempts that may run")
    held_mem: int = Field(description="MiB of attempts that may run")
    held_jobs: int = Field(description="Attempts that may run")
    queued: int = Field(description="Attempts that wait")

    @classmethod
    def of(cls, use: ShareUse) -> "ShareOut":
        share = use.share
        return cls(
            owner=share.owner,
            given=use.set,
            weight=share.weight,
            cpus=share.cpus,
            mem=share.mem,
            jobs=share.jobs,
            held_cpus=use.cpus,
            held_mem=use.mem,
            held_jobs=use.jobs,
            queued=use.queued,
        )


class SharesOut(Out):
    owners: list[ShareOut]


class HealthOut(Out):
    version: str
    leader: LeaderOut | None = Field(description="Who wrote last; null: nobody ever did")
    attempts: Mapping[str, int] = Field(description="Attempts by state")
    last_history_id: int

    @classmethod
    def of(
        cls, version: str, leader: LeaderRow | None, counts: Mapping[str, int], last: int
    ) -> "HealthOut":
        row = None if leader is None else LeaderOut.model_validate(leader)
        return cls(version=version, leader=row, attempts=counts, last_history_id=last)


class CommandOut(Out):
    id: int
    status: Literal["pending", "done", "refused"]
    detail: str | None = Field(description="The new run's id, or the reason for a refusal")
    answered_at: datetime | None
    url: str = Field(description="Where to ask again")

    @classmethod
    def of(cls, command_id: int, found: Answer | None) -> "CommandOut":
        url = f"/api/v1/commands/{command_id}"
        if found is None:
            return cls(id=command_id, status="pending", detail=None, answered_at=None, url=url)
        return cls(
            id=command_id,
            status=found.outcome.value,
            detail=found.detail,
            answered_at=found.answered_at,
            url=url,
        )


class StructureOut(Out):
    """What a version's graph looks like. Arrays go by the job's index. Never changes: cache it for ever."""

    version: str
    jobs: list[str]
    upstream: list[list[int]] = Field(description="Indexes of the jobs that each waits for")
    rules: dict[int, str] = Field(description="Trigger rules other than all_success, by index")


class StatesOut(Out):
    """Where a run's jobs stand. Arrays go by the job's index in the version's graph; times are milliseconds
    after `base` (itself milliseconds since 1970)."""

    dag: str
    run: str
    run_state: RunState
    version: str
    last: int = Field(description="The history line up to which this is known to hold")
    base: int
    words: list[str] = Field(description="The states; `state` holds indexes into it")
    state: list[int]
    attempts: list[int]
    ready: list[int | None]
    started: list[int | None]
    ended: list[int | None]
    why: dict[int, str] = Field(description="The first line of the error, by index")


class GraphOut(Out):
    structure: StructureOut
    states: StatesOut | None = Field(description="Null: the DAG has no run yet")


def brief(run: RunBrief) -> RunBriefOut:
    return RunBriefOut.model_validate(run)


def schedule_text(schedule: Schedule | None) -> str | None:
    """A schedule in a few characters; None: only on request."""
    return None if schedule is None else str(schedule)
