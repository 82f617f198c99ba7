"""What the JSON API takes: paths, queries and bodies, each bounded. Knows no store."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from moroccron.model.backfill import DEFAULT_MAX_ACTIVE, MOST_ACTIVE, Existing, VersionChoice
from moroccron.model.command import Rerun
from moroccron.model.fires import MOST_FIRES
from moroccron.model.pool import MOST_SLOTS
from moroccron.model.share import MOST, MOST_WEIGHT
from moroccron.model.states import JobRunState, RunState
from moroccron.ports import Stream

MAX_ID = 300  #: a run id is made of a DAG id of at most 100 characters and a little more
MAX_BODY = 64 * 1024
MAX_LOG = 1024 * 1024

Id = Annotated[str, Field(min_length=1, max_length=MAX_ID)]
HistoryId = Annotated[int, Field(ge=0, le=2**63 - 1)]


class Strict(BaseModel):
    """An input that takes no field it does not know."""

    model_config = ConfigDict(extra="forbid")


class DagPath(Strict):
    dag_id: Id


class FiresQuery(Strict):
    after: AwareDatetime | None = Field(None, description="Fires after this moment; default: now")
    limit: int = Field(10, ge=1, le=MOST_FIRES)


class VersionPath(DagPath):
    version_id: Annotated[str, Field(min_length=1, max_length=64)]


class PoolPath(Strict):
    name: Annotated[str, Field(min_length=1, max_length=100)]


class PoolBody(Strict):
    slots: int = Field(ge=0, le=MOST_SLOTS, description="0 closes it: nothing of it is launched")


class OwnerPath(Strict):
    owner: Annotated[str, Field(min_length=1, max_length=200)]


class ShareBody(Strict):
    weight: int = Field(
        1, ge=1, le=MOST_WEIGHT, description="With 2, twice as much as with 1 while both wait"
    )
    cpus: int | None = Field(
        None, ge=0, le=MOST, description="At most so many thousandths of a cpu"
    )
    mem: int | None = Field(None, ge=0, le=MOST, description="At most so many MiB")
    jobs: int | None = Field(None, ge=0, le=MOST, description="At most so many attempts")


class BackfillPath(Strict):
    backfill_id: Annotated[int, Field(ge=1, le=2**63 - 1)]


class BackfillsQuery(Strict):
    dag: Id | None = Field(None, description="Only backfills of this DAG")
    limit: int = Field(50, ge=1, le=500)


Moment = Annotated[str, Field(min_length=4, max_length=40)]


class BackfillBody(Strict):
    dag: Id
    begin: Moment = Field(
        alias="from",
        description="Intervals that begin then or later; ISO 8601, in the DAG's zone unless it names one",
    )
    end: Moment | None = Field(
        None, alias="to", description="Intervals that begin before; default: now"
    )
    jobs: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, description="Only jobs whose ids match this pattern, as in `load-*`"
    )
    downstream: bool = Field(False, description="With `jobs`: and all downstream of these")
    existing: Existing = Field(
        Existing.KEEP, description="What becomes of runs that there are already and that are over"
    )
    version: VersionChoice = Field(
        VersionChoice.OWN, description="On which runs that there are already run again"
    )
    newest_first: bool = False
    max_active: int = Field(DEFAULT_MAX_ACTIVE, ge=1, le=MOST_ACTIVE)
    params: dict[Annotated[str, Field(max_length=100)], Any] = Field(
        default_factory=dict, max_length=100, description="Override the DAG's defaults"
    )


class CancelBody(Strict):
    kill: bool = Field(False, description="End those of its runs too that are not over")


class RunPath(Strict):
    run_id: Id


class JobPath(RunPath):
    job_id: Id


class RerunBody(Strict):
    rerun: Rerun = Field(Rerun.FAILED, description="From where it failed, some jobs, or all of it")
    jobs: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, description="With `rerun: jobs`: those whose ids match this pattern"
    )
    downstream: bool = Field(False, description="With `jobs`: and all downstream of these")
    version: VersionChoice = Field(
        VersionChoice.OWN, description="The run's own version of the DAG, or the newest"
    )


class MarkBody(Strict):
    state: Literal["succeeded", "failed", "skipped"] = Field(description="What the job has come to")


class PreviewQuery(Strict):
    mark: Literal["succeeded", "failed", "skipped"] | None = Field(
        None, description="Preview this mark; default: a retry"
    )


class AttemptPath(JobPath):
    number: Annotated[int, Field(ge=1, le=1_000_000)]


class LogPath(AttemptPath):
    stream: Stream


class CommandPath(Strict):
    command_id: Annotated[int, Field(ge=1, le=2**63 - 1)]


class GraphQuery(Strict):
    run: Id | None = Field(None, description="The run whose states to tell; default: the newest")


class RunsQuery(Strict):
    dag: Id | None = Field(None, description="Only runs of this DAG")
    state: list[RunState] = Field([], max_length=5, description="Only runs in one of these states")
    backfill: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = Field(
        None, description="Only runs of this backfill"
    )
    before: Id | None = Field(None, description="The id of the last run of the page before")
    limit: int = Field(50, ge=1, le=500)


class JobsQuery(Strict):
    state: list[JobRunState] = Field(
        [], max_length=len(JobRunState), description="Only jobs in one of these states"
    )


class HistoryQuery(Strict):
    run: Id | None = Field(None, description="Only lines of this run")
    after: HistoryId = Field(0, description="Only lines with a greater number")
    limit: int = Field(200, ge=1, le=1000)


class StreamQuery(Strict):
    run: Id | None = Field(None, description="Only what happens to this run")
    after: HistoryId | None = Field(None, description="Begin after this line; default: now")


class LogQuery(Strict):
    offset: int = Field(0, ge=0, le=2**62, description="The first byte")
    length: int = Field(64 * 1024, ge=1, le=MAX_LOG, description="At most so many bytes")
    tail: bool = Field(False, description="The last `length` bytes instead")


class WaitQuery(Strict):
    wait: float = Field(0, ge=0, le=30, description="Wait so many seconds for the leader's answer")


class TriggerBody(Strict):
    params: dict[Annotated[str, Field(max_length=100)], Any] = Field(
        default_factory=dict, max_length=100, description="Override the DAG's defaults"
    )
    logical_date: AwareDatetime | None = Field(None, description="Default: now")
