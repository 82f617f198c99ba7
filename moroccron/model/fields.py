"""The fields that an author may give to a DAG and to a job: their types, their units, and their checks.

The TypedDicts are what type checkers and editors see; the tables are what holds at run time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Literal, TypedDict

from moroccron.model import (
    amounts,
    edges,
    file_fields,
    retrying,
    scheduling,
    trigger_fields,
    validation,
    when,
)
from moroccron.model.amounts import Amount, Duration
from moroccron.model.constraint import Constraint, Operator
from moroccron.model.dag_version import TriggerRule
from moroccron.model.deadline import deadline
from moroccron.model.edges import JobRefs
from moroccron.model.files import Containerizer, Uri, Volume
from moroccron.model.outputs import Keeps
from moroccron.model.param import Param
from moroccron.model.schedule import CatchUp, Overlap, Schedule
from moroccron.model.trigger import Trigger
from moroccron.model.when import Moment

ConstraintLike = (
    Constraint | str | tuple[str, Operator | str] | tuple[str, Operator | str, str | int]
)


class JobFields(TypedDict, total=False):
    """What a job may say of itself, and a DAG's `defaults` for all its jobs."""

    image: str | None  #: container image; None: straight on the agent
    pull: bool  #: ask the registry for the image even when the agent has it
    containerizer: Containerizer | str | None  #: who makes its container; None: as usual
    env: Mapping[str, str]  #: joined with the defaults' env, name by name
    uris: Sequence[str | Uri]  #: fetched into the sandbox before the command starts
    volumes: Sequence[str | Volume]  #: mounted into its container: `"/data/in:/in:ro"`
    cpus: Amount  #: cpus, at most three decimals; default 0.1
    mem: Amount  #: MiB, or text such as "1.5GiB"; default 64
    disk: Amount  #: MiB, or text with a unit; default 0
    gpus: int  #: whole devices
    ports: int  #: how many; which ones the job reads from its environment
    constraints: Sequence[ConstraintLike]  #: where it may run: `("rack", "LIKE", "r[1-3]")`
    role: str | None  #: whose offers it uses on Mesos; default: the scheduler's first
    user: str | None  #: whom the command runs as
    retries: int  #: how many more attempts after a failed one
    retry_delay: Duration  #: seconds between an attempt's end and the next
    retry_backoff: float  #: each delay is so many times the one before; default 1: all alike
    retry_delay_max: Duration  #: no delay is longer; default a day
    retry_jitter: float  #: from 0 to 1: the share of a delay that chance may take off
    retry_on: Mapping[int | str, int]  #: attempts that may follow an exit code or a failure class
    memory_on_oom: Amount  #: when memory runs out it is doubled, up to so much
    timeout: Duration | None  #: seconds that an attempt may run; None: no limit
    start_within: Duration | None  #: seconds that an attempt may wait for a place
    job_timeout: Duration | None  #: seconds that it may take in all, with its retries
    deadline: Duration | str | None  #: when it should have ended: seconds after due, or "07:30"
    kill_grace: Duration  #: seconds between TERM and KILL; default 5
    replace_after: Duration | Literal["never"] | None  #: seconds until it is replaced when cut off
    trigger_rule: TriggerRule | str  #: when it may start; default all_success
    min_success: (
        int | float
    )  #: in its place: how many upstream jobs must succeed, or (0.5) which share
    run_if: str  #: in its place: `"extract.succeeded and not audit.failed"`
    teardown_of: JobRefs  #: in its place: runs when these succeeded and all behind them is over
    allow_failure: JobRefs  #: upstream jobs whose failure counts as success here
    after_previous: JobRefs  #: jobs, or itself: those of the previous run must not fail or be open
    #: whether it hands on what it writes to the file named by $MOROCCRON_OUTPUT: True, "optional", False
    output: bool | Keeps | str
    branch: bool  #: its output names the jobs directly downstream that are followed
    short_circuit: bool  #: nothing downstream is followed when its output is false or empty
    skip_exit_code: int | None  #: by which it says that there was nothing to do
    fails_run: bool  #: whether its failure is the run's; default True, of a teardown False
    pool: str | None  #: whose slots it takes while it is launched; see `moroccron pools`
    slots: int  #: how many of them; default 1
    mutex: (
        Sequence[str] | str
    )  #: names; of all jobs of all DAGs with one of them, one runs at a time
    priority: int  #: higher goes first, with all that it waits for
    owners: Sequence[str] | str  #: beside the DAG's own
    doc: str  #: for people; its indentation is taken off


class DagFields(TypedDict, total=False):
    """What a DAG may say of itself."""

    #: cron text, alias, timedelta, date, own timetable, or a list of these; None: people trigger it
    schedule: Schedule | str | Any | None
    timezone: Any  #: IANA name; default UTC. The schedule, and naive start and end, are meant in it
    start: Moment | None  #: no data interval begins before it
    end: Moment | None  #: none begins at or after it
    holidays: Iterable[date | str]  #: days of the DAG's zone on which nothing fires
    #: windows in which nothing fires: "22:00-06:00", "sat 22:00-sun 06:00", or (begin, end)
    blackouts: Iterable[str | tuple[Moment, Moment]]
    catchup: CatchUp | bool | str  #: missed fires: none, last (or False; default), all (or True)
    catchup_within: Duration | None  #: seconds after which a missed fire is given up
    max_active_runs: int  #: default 16
    sequential: bool  #: a run begins only when the one before it has succeeded
    overlap: Overlap | str  #: of a fire beyond them: queue (default), skip, cancel_new, replace
    max_active_jobs: int | None  #: of all its runs; default: no limit
    max_active_jobs_per_run: int | None  #: default: no limit
    triggers: (
        Sequence[Trigger] | Trigger
    )  #: what begins a run: `After("etl")`, `After("etl", "load")`
    run_timeout: Duration | None  #: seconds that a run may take; then it has failed
    deadline: Duration | str | None  #: when a run should have ended: seconds after due, or "07:30"
    pause_after: int | None  #: failed scheduled runs in a row that pause the DAG
    owners: Sequence[str] | str
    tags: Sequence[str] | str
    doc: str  #: for people; default: the docstring of the file
    params: Mapping[str, Param | Any]  #: names with defaults, or what else is known of them
    defaults: JobFields | Mapping[str, Any]  #: for every job of the DAG


Check = Callable[[object], Any]

JOB_CHECKS: dict[str, Check] = {
    "image": validation.optional(validation.word),
    "pull": validation.flag,
    "containerizer": validation.optional(validation.choice(Containerizer)),
    "env": validation.env,
    "uris": file_fields.uris,
    "volumes": file_fields.volumes,
    "cpus": amounts.cpus,
    "mem": amounts.mem,
    "disk": amounts.disk,
    "gpus": amounts.gpus,
    "ports": amounts.ports,
    "constraints": validation.constraints,
    "role": validation.optional(validation.word),
    "user": validation.optional(validation.word),
    "retries": validation.whole(0, 1000),
    "retry_delay": amounts.delay,
    "retry_backoff": retrying.backoff,
    "retry_delay_max": amounts.limit,
    "retry_jitter": retrying.jitter,
    "retry_on": retrying.retry_on,
    "memory_on_oom": validation.optional(amounts.mem),
    "timeout": validation.optional(amounts.limit),
    "start_within": validation.optional(amounts.limit),
    "job_timeout": validation.optional(amounts.limit),
    "deadline": validation.optional(deadline),
    "kill_grace": amounts.delay,
    "replace_after": validation.optional(amounts.limit_or_never),
    "trigger_rule": validation.trigger_rule,
    "min_success": edges.min_success,
    "run_if": edges.run_if,
    "teardown_of": edges.job_ids,
    "allow_failure": edges.job_ids,
    "after_previous": edges.job_ids,
    "output": edges.keeps,
    "branch": validation.flag,
    "short_circuit": validation.flag,
    "skip_exit_code": validation.optional(validation.whole(1, 255)),
    "fails_run": validation.flag,
    "pool": validation.optional(validation.identifier),
    "slots": validation.whole(1, 10**6),
    "mutex": validation.identifiers,
    "priority": validation.whole(-(2**31), 2**31 - 1),
    "owners": validation.names,
    "doc": validation.doc,
}

#: a DAG's defaults for its jobs
DEFAULT_CHECKS = {name: check for name, check in JOB_CHECKS.items() if name not in edges.OWN}


def as_given(value: object) -> object:
    """For what only the whole DAG can judge: what needs its zone, and defaults, which are fields."""
    return value


DAG_CHECKS: dict[str, Check] = {
    "schedule": scheduling.schedule,
    "timezone": when.timezone,
    "start": as_given,
    "end": as_given,
    "holidays": scheduling.holidays,
    "blackouts": scheduling.blackouts,
    "catchup": scheduling.catchup,
    "catchup_within": validation.optional(amounts.limit),
    "max_active_runs": validation.whole(1, 10**6),
    "sequential": validation.flag,
    "triggers": trigger_fields.triggers,
    "overlap": validation.choice(Overlap),
    "max_active_jobs": validation.optional(validation.whole(1, 10**6)),
    "max_active_jobs_per_run": validation.optional(validation.whole(1, 10**6)),
    "run_timeout": validation.optional(amounts.limit),
    "deadline": validation.optional(deadline),
    "pause_after": validation.optional(validation.whole(1, 10**6)),
    "owners": validation.names,
    "tags": validation.names,
    "doc": validation.doc,
    "params": as_given,
    "defaults": as_given,
}
