"""A DAG version: one serialised content of a DAG, addressed by the hash of that content.

The engine, the API and the pages read versions and never an author's file. A version is immutable; a run is
pinned to the version it began with. Durations are whole seconds unless their field says otherwise.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any, Literal

from moroccron.model.constraint import Constraint, Operator
from moroccron.model.files import Containerizer, Uri, Volume
from moroccron.model.resources import Resources


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
    priority: int = 0  #: higher goes first
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
class Cron:
    """A five-field cron expression or an alias such as `@daily`, in the DAG's zone."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Every:
    """A fixed cadence, counted in elapsed time from the DAG's start (or from 1970 when it has none)."""

    seconds: int

    def __str__(self) -> str:
        """`every 90 min`: in the largest unit that leaves it whole."""
        for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
            if self.seconds % size == 0:
                return f"every {self.seconds // size} {unit}"
        return f"every {self.seconds} s"


Schedule = Cron | Every


@dataclass(frozen=True, slots=True)
class DagVersion:
    """All that a DAG file said about one DAG. `id` is the content's address: equal content, equal id."""

    dag_id: str
    jobs: tuple[JobSpec, ...]  #: in topological order, ties by order of declaration
    schedule: Schedule | None = None
    timezone: str = "UTC"  #: IANA name
    start: datetime | None = None  #: aware; no interval begins before it
    end: datetime | None = None  #: aware; no interval begins at or after it
    catchup: bool = False  #: whether intervals missed are run, or only the latest
    max_active_runs: int = 16
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    doc: str = ""
    #: names with their defaults; JSON values
    params: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""  #: filled by `with_id`; the first 32 hex digits of the content's SHA-256

    def to_json(self) -> str:
        """The canonical text of the content: sorted keys, defaults left out, without the id."""
        return json.dumps(_encode_dag(self), sort_keys=True, separators=(",", ":"))

    def with_id(self) -> "DagVersion":
        """The same content carrying its address."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values["id"] = hashlib.sha256(self.to_json().encode()).hexdigest()[:32]
        return DagVersion(**values)

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
    f.name: ({} if f.name == "params" else f.default)
    for f in fields(DagVersion)
    if f.name not in ("dag_id", "jobs", "id")
}


def _encode_dag(dag: DagVersion) -> dict[str, Any]:
    out: dict[str, Any] = {"dag_id": dag.dag_id, "jobs": [_encode_job(job) for job in dag.jobs]}
    for name, default in _DAG_DEFAULTS.items():
        value = getattr(dag, name)
        if value == default:
            continue
        if isinstance(value, datetime):
            value = value.isoformat()
        elif isinstance(value, Cron):
            value = {"cron": value.text}
        elif isinstance(value, Every):
            value = {"every": value.seconds}
        out[name] = value
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
    for name in ("start", "end"):
        if name in values:
            values[name] = datetime.fromisoformat(values[name])
    if (schedule := values.get("schedule")) is not None:
        values["schedule"] = (
            Cron(schedule["cron"]) if "cron" in schedule else Every(schedule["every"])
        )
    for name in ("owners", "tags"):
        if name in values:
            values[name] = tuple(values[name])
    return DagVersion(id=version_id, **values)


def _decode_job(data: dict[str, Any]) -> JobSpec:
    values = dict(data)
    if isinstance(values["command"], list):
        values["command"] = tuple(values["command"])
    values["resources"] = Resources(**values["resources"])
    if "trigger_rule" in values:
        values["trigger_rule"] = TriggerRule(values["trigger_rule"])
    if "env" in values:
        values["env"] = tuple((name, value) for name, value in values["env"])
    if "constraints" in values:
        values["constraints"] = tuple(
            Constraint(a, Operator(o), v) for a, o, v in values["constraints"]
        )
    for name, kind in _FILES.items():
        if name in values:
            values[name] = tuple(kind.from_json(item) for item in values[name])
    if "containerizer" in values:
        values["containerizer"] = Containerizer(values["containerizer"])
    for name in ("upstream", "owners", "allow_failure", "teardown_of"):
        if name in values:
            values[name] = tuple(values[name])
    return JobSpec(**values)
