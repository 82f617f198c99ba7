"""A DAG version: one serialised content of a DAG, addressed by the hash of that content.

The engine, the API and the pages read versions and never an author's file. A version is immutable; a run is
pinned to the version it began with. Durations are whole seconds unless their field says otherwise.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any, Literal

from moroccron.model.constraint import Constraint, Operator
from moroccron.model.files import Containerizer, Uri, Volume
from moroccron.model.outputs import Keeps
from moroccron.model.param import Param, decode_param, type_of
from moroccron.model.resources import Resources
from moroccron.model.schedule import (
    Blackout,
    BlackoutEvery,
    CatchUp,
    Overlap,
    Schedule,
    decode_blackout,
    decode_schedule,
    encode_blackout,
    encode_schedule,
)
from moroccron.model.trigger import Trigger, decode_trigger, encode_trigger


class TriggerRule(StrEnum):
    """When a job with upstream jobs may start, by Airflow's names. The verdicts are in `core.rules`."""

    ALL_SUCCESS = "all_success"
    ALL_FAILED = "all_failed"
    ALL_DONE = "all_done"
    ALL_DONE_MIN_ONE_SUCCESS = "all_done_min_one_success"
    ALL_SKIPPED = "all_skipped"
    ONE_SUCCESS = "one_success"
    ONE_FAILED = "one_failed"
    ONE_DONE = "one_done"
    NONE_FAILED = "none_failed"
    NONE_FAILED_MIN_ONE_SUCCESS = "none_failed_min_one_success"
    NONE_SKIPPED = "none_skipped"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A job as a version holds it: complete, validated, with every default filled in."""

    id: str
    #: text for /bin/sh -c, or an argument list that no shell touches
    command: str | tuple[str, ...]
    resources: Resources
    upstream: tuple[str, ...] = ()  #: ids of the jobs it waits for, sorted
    trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS
    image: str | None = None
    env: tuple[tuple[str, str], ...] = ()  #: sorted by name
    uris: tuple[Uri, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    role: str | None = None
    user: str | None = None
    retries: int = 0
    retry_delay: float = 0.0  #: seconds between the end of an attempt and the next one's readiness
    timeout: float | None = None  #: seconds an attempt may run; None: no limit
    kill_grace: float = 5.0  #: seconds between TERM and KILL
    #: seconds that its agent may be cut off before another attempt is made; None: as the installation says
    replace_after: float | Literal["never"] | None = None
    pool: str | None = None
    slots: int = 1
    priority: int = 0  #: higher goes first, with all that it waits for
    owners: tuple[str, ...] = ()
    doc: str = ""
    volumes: tuple[Volume, ...] = ()
    pull: bool = False  #: whether the registry is asked for an image that the agent has
    containerizer: Containerizer | None = None  #: None: as the scheduler is set
    #: instead of a trigger rule: how many upstream jobs must succeed, or (a float) which share of them
    min_success: int | float | None = None
    run_if: str | None = None  #: instead of a trigger rule: a condition, see `model.condition`
    #: upstream jobs whose failure counts as success here, sorted
    allow_failure: tuple[str, ...] = ()
    teardown_of: tuple[str, ...] = ()  #: instead of a trigger rule: what it cleans up after, sorted
    fails_run: bool = True  #: whether its failure is the run's
    retry_backoff: float = 1.0  #: factor by which each delay is longer than the one before
    retry_delay_max: float = 86400.0  #: no delay is longer
    retry_jitter: float = 0.0  #: share of a delay that is left out by the attempt's own chance
    #: (exit code or failure class, attempts that may follow), in place of `retries` and our own bounds
    retry_on: tuple[tuple[int | str, int], ...] = ()
    mutex: tuple[str, ...] = ()  #: names; of all jobs with one of them a single one runs at a time
    start_within: float | None = None  #: seconds an attempt may wait for a place
    job_timeout: float | None = (
        None  #: seconds from its rule's verdict to its end, retries included
    )
    #: when it should have ended: seconds after the run is due, or a time of day in the DAG's zone
    deadline: float | str | None = None
    memory_on_oom: int | None = None  #: MiB up to which memory is doubled when it ran out
    #: jobs of the previous run that must be over, and not have failed, before it starts; sorted
    after_previous: tuple[str, ...] = ()
    output: Keeps | None = None  #: whether what it hands on is kept; None: it hands nothing on
    branch: bool = False  #: its output names the jobs directly downstream that are followed
    short_circuit: bool = False  #: where its output is false or empty, none of them is
    skip_exit_code: int | None = None  #: by which it says that there was nothing to do

    @property
    def rule(self) -> str:
        """When it may start, in a few words: the name of its rule or what stands in its place."""
        if self.teardown_of:
            return f"teardown of {', '.join(self.teardown_of)}"
        if self.run_if is not None:
            return self.run_if
        if self.min_success is not None:
            return f"min_success={self.min_success:g}"
        return self.trigger_rule.value


@dataclass(frozen=True, slots=True)
class DagVersion:
    """All that a DAG file said about one DAG. `id` is the content's address: equal content, equal id."""

    dag_id: str
    jobs: tuple[JobSpec, ...]  #: in topological order, ties by order of declaration
    schedule: Schedule | None = None
    timezone: str = "UTC"  #: IANA name
    start: datetime | None = None  #: aware; no interval begins before it
    end: datetime | None = None  #: aware; no interval begins at or after it
    holidays: tuple[date, ...] = ()  #: days of the zone on which nothing fires, in order
    blackouts: tuple[Blackout | BlackoutEvery, ...] = ()  #: windows in which nothing fires
    catchup: CatchUp = CatchUp.LAST  #: which missed fires are made up for
    catchup_within: float | None = (
        None  #: seconds after which a missed fire is given up; None: never
    )
    max_active_runs: int = 16
    overlap: Overlap = Overlap.QUEUE  #: what becomes of a fire when so many are active
    max_active_jobs: int | None = None  #: jobs of all its runs that are launched at a time
    max_active_jobs_per_run: int | None = None  #: jobs of one run
    run_timeout: float | None = None  #: seconds from a run's begin to its end; None: no limit
    deadline: float | str | None = None  #: when a run should have ended: as that of a job
    pause_after: int | None = None  #: failed scheduled runs in a row that pause the DAG
    sequential: bool = False  #: whether a run begins only when the one before it has succeeded
    triggers: tuple[Trigger, ...] = ()  #: what begins a run of it beside its schedule
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    doc: str = ""
    #: names with their defaults; JSON values
    params: Mapping[str, Any] = field(default_factory=dict)
    #: those of them of which more was said than a default
    declared: Mapping[str, Param] = field(default_factory=dict)
    id: str = ""  #: filled by `with_id`; the first 32 hex digits of the content's SHA-256

    def to_json(self) -> str:
        """The canonical text of the content: sorted keys, defaults left out, without the id."""
        return json.dumps(_encode_dag(self), sort_keys=True, separators=(",", ":"))

    def with_id(self) -> "DagVersion":
        """The same content carrying its address."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values["id"] = hashlib.sha256(self.to_json().encode()).hexdigest()[:32]
        return DagVersion(**values)

    def param(self, name: str) -> Param:
        """What is known of a param that it has."""
        default = self.params[name]
        return self.declared.get(name) or Param(type_of(default), default)

    @property
    def looks_back(self) -> bool:
        """Whether something in a run waits for the run before it."""
        return self.sequential or any(job.after_previous for job in self.jobs)

    @classmethod
    def from_json(cls, text: str, version_id: str) -> "DagVersion":
        """The version whose `to_json` gave `text`. The caller vouches for the id (it is the row's key)."""
        return _decode_dag(json.loads(text), version_id)


_RESOURCES = tuple(f.name for f in fields(Resources))  #: in the order of `as_tuple`
_JOB_DEFAULTS = {
    f.name: f.default for f in fields(JobSpec) if f.name not in ("id", "command", "resources")
}
_FILES: dict[str, type[Uri] | type[Volume]] = {"uris": Uri, "volumes": Volume}
_job_values = attrgetter(*_JOB_DEFAULTS)
_DAG_DEFAULTS: dict[str, Any] = {
    f.name: ({} if f.name in ("params", "declared") else f.default)
    for f in fields(DagVersion)
    if f.name not in ("dag_id", "jobs", "id")
}


#: how the values of a field are written that JSON does not know, and read back
_CODECS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "schedule": (encode_schedule, decode_schedule),
    "start": (datetime.isoformat, datetime.fromisoformat),
    "end": (datetime.isoformat, datetime.fromisoformat),
    "holidays": (
        lambda days: [day.isoformat() for day in days],
        lambda texts: tuple(date.fromisoformat(text) for text in texts),
    ),
    "blackouts": (
        lambda found: [encode_blackout(one) for one in found],
        lambda found: tuple(decode_blackout(one) for one in found),
    ),
    # written as a flag while it was one; what is stored must keep its text
    "catchup": (
        lambda value: True if value is CatchUp.ALL else value,
        lambda value: CatchUp.ALL if value is True else CatchUp(value),
    ),
    "overlap": (str, Overlap),
    "triggers": (
        lambda found: [encode_trigger(one) for one in found],
        lambda found: tuple(decode_trigger(one) for one in found),
    ),
    "declared": (
        lambda found: {name: param.to_json() for name, param in found.items()},
        lambda found: found,  # its defaults are in `params`
    ),
    "owners": (list, tuple),
    "tags": (list, tuple),
}


def _encode_dag(dag: DagVersion) -> dict[str, Any]:
    out: dict[str, Any] = {"dag_id": dag.dag_id, "jobs": [_encode_job(job) for job in dag.jobs]}
    for name, default in _DAG_DEFAULTS.items():
        value = getattr(dag, name)
        if value != default:
            out[name] = _CODECS[name][0](value) if name in _CODECS else value
    return out


def _encode_job(job: JobSpec) -> dict[str, Any]:
    out: dict[str, Any] = {"id": job.id, "command": job.command}
    amounts = zip(_RESOURCES, job.resources.as_tuple(), strict=True)
    out["resources"] = {name: amount for name, amount in amounts if amount}
    for (name, default), value in zip(_JOB_DEFAULTS.items(), _job_values(job), strict=True):
        if value == default:
            continue
        if name == "constraints":
            value = [[c.attribute, c.operator.value, c.value] for c in value]
        elif name in _FILES:
            value = [item.to_json() for item in value]
        out[name] = value
    return out


def _decode_dag(data: dict[str, Any], version_id: str) -> DagVersion:
    values = dict(data)
    values["jobs"] = tuple(_decode_job(job) for job in data["jobs"])
    for name, (_, decode) in _CODECS.items():
        if values.get(name) is not None:
            values[name] = decode(values[name])
    if "declared" in values:
        params = values["params"]
        values["declared"] = {
            name: decode_param(one, params[name]) for name, one in values["declared"].items()
        }
    return DagVersion(id=version_id, **values)


def _decode_job(data: dict[str, Any]) -> JobSpec:
    values = dict(data)
    if isinstance(values["command"], list):
        values["command"] = tuple(values["command"])
    values["resources"] = Resources(**values["resources"])
    if "trigger_rule" in values:
        values["trigger_rule"] = TriggerRule(values["trigger_rule"])
    for name in ("env", "retry_on"):
        if name in values:
            values[name] = tuple((key, value) for key, value in values[name])
    if "constraints" in values:
        values["constraints"] = tuple(
            Constraint(a, Operator(o), v) for a, o, v in values["constraints"]
        )
    for name, kind in _FILES.items():
        if name in values:
            values[name] = tuple(kind.from_json(item) for item in values[name])
    if "containerizer" in values:
        values["containerizer"] = Containerizer(values["containerizer"])
    if "output" in values:
        values["output"] = Keeps(values["output"])
    for name in ("upstream", "owners", "allow_failure", "teardown_of", "mutex", "after_previous"):
        if name in values:
            values[name] = tuple(values[name])
    return JobSpec(**values)
