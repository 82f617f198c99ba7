"""What a job says of the jobs that it waits for: its condition, its quorum, whose failure it bears, its setups.

The checks of single values are those of `JOB_CHECKS`; `misfits` judges a job among its upstream jobs, once all
edges are known. Knows neither DAG nor file: who calls adds them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from moroccron.model import condition
from moroccron.model.graph import between, inverted, reach
from moroccron.model.outputs import Keeps
from moroccron.model.validation import kind_of, refuse, suggestion, text

#: the fields that say when a job may start; a job has one of them
RULES = ("trigger_rule", "min_success", "run_if", "teardown_of")
#: what only a job can say of itself, not a DAG's defaults of all jobs
OWN = frozenset(
    {"run_if", "allow_failure", "teardown_of", "after_previous", "branch", "short_circuit"}
)


@runtime_checkable
class HasId(Protocol):
    """A job, as far as a field that names one is concerned."""

    id: str


JobRef = HasId | str
JobRefs = JobRef | Sequence[JobRef]


def job_ids(value: object) -> tuple[str, ...]:
    """The ids of a job or of several, each given itself or as its id; sorted, each once."""
    if isinstance(value, str | HasId):
        value = (value,)
    if not isinstance(value, list | tuple | set | frozenset):
        raise refuse(f"{kind_of(value)} is no job", "name a job, its id, or a list of them")
    return tuple(sorted({_job_id(item) for item in value}))


def _job_id(value: object) -> str:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, HasId) and isinstance(value.id, str):
        return value.id
    raise refuse(f"{kind_of(value)} is no job", "name a job or its id")


def run_if(value: object) -> str:
    """A condition over upstream jobs, parsed; see `model.condition`."""
    checked = text(value)
    condition.parse(checked)
    return checked


def min_success(value: object) -> int | float:
    """How many upstream jobs must succeed, or as a float which share of them."""
    remedy = "use a whole number from 1, or a share above 0.0 and up to 1.0"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refuse(f"must be a number, not {kind_of(value)}", remedy)
    if not (1 <= value <= 10**6 if isinstance(value, int) else 0 < value <= 1):
        raise refuse(f"{value} is out of bounds", remedy)
    return value


def keeps(value: object) -> Keeps | None:
    """Whether an output is kept: True for one that is needed, "optional", False for none."""
    if value is None or isinstance(value, bool):
        return Keeps.REQUIRED if value else None
    if isinstance(value, str) and value in tuple(Keeps):
        return Keeps(value)
    raise refuse(f"{value!r} says nothing of an output", 'write True, "optional" or False')


def with_output(values: Mapping[str, Any]) -> dict[str, Any]:
    """A job's values, where one that chooses by its output needs one."""
    chooses = values.get("branch") or values.get("short_circuit")
    return {**values, "output": Keeps.REQUIRED} if chooses else dict(values)


def one_rule(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """A job's values over its DAG's defaults, where its own way to say when it starts replaces any other."""
    if any(name in values for name in RULES):
        defaults = {name: value for name, value in defaults.items() if name not in RULES}
    return {**defaults, **values}


@dataclass(frozen=True, slots=True)
class Misfit:
    """A field that does not fit the job's edges."""

    field: str
    message: str
    remedy: str


def misfits(
    values: Mapping[str, Any], upstream: Set[str], jobs: Collection[str]
) -> Iterator[Misfit]:
    """What a job's own values say that its upstream jobs, among all jobs of the DAG, do not bear."""
    said = [name for name in RULES if name in values]
    if len(said) > 1:
        message = f"{' and '.join(said)} each say when the job may start"
        yield Misfit(said[-1], message, f"keep one of them; {said[0]}, for example")
    if "run_if" in values:
        yield from _condition_misfits(values["run_if"], upstream, jobs)
        if "allow_failure" in values:
            message = "allow_failure has no say where there is a run_if"
            yield Misfit(
                "allow_failure", message, "say it in the condition: JOB.succeeded or JOB.failed"
            )
    if "teardown_of" in values and "allow_failure" in values:
        message = "a teardown runs whatever failed: allow_failure says nothing more"
        yield Misfit("allow_failure", message, "remove it")
    for name, near in (("allow_failure", upstream), ("after_previous", jobs)):
        yield from (
            _stranger(name, job, near, jobs) for job in values.get(name, ()) if job not in near
        )
    for job in values.get("teardown_of", ()):
        if job not in jobs:
            yield _stranger("teardown_of", job, jobs, jobs)
        elif job not in upstream:
            remedy = "name the job that it cleans up after"
            yield Misfit("teardown_of", "the job is to clean up after itself", remedy)
    if values.get("branch") and values.get("short_circuit"):
        message = "branch and short_circuit both say what its output means"
        yield Misfit("short_circuit", message, "keep one of them")
    chooser = next((name for name in ("branch", "short_circuit") if values.get(name)), None)
    if chooser and values.get("output", Keeps.REQUIRED) is not Keeps.REQUIRED:
        message = f"a job with {chooser} needs its output"
        yield Misfit("output", message, "remove output=, or say output=True")
    wanted = values.get("min_success", 0)
    if isinstance(wanted, int) and 0 < len(upstream) < wanted:
        message = f"{wanted} successes are wanted of {len(upstream)} upstream jobs"
        yield Misfit("min_success", message, f"use {len(upstream)} at most, or a share such as 0.5")


def _condition_misfits(given: str, upstream: Set[str], jobs: Collection[str]) -> Iterator[Misfit]:
    parts = list(condition.atoms(condition.parse(given)))
    for part in parts:
        if part.job not in upstream:
            found = _stranger("run_if", part.job, upstream, jobs)
            yield Misfit(found.field, f"column {part.column}: {found.message}", found.remedy)
    for job in sorted(upstream - {part.job for part in parts}):
        message = f"the condition says nothing of {job!r}, which the job waits for"
        yield Misfit("run_if", message, f"add `and {job}.done`, or remove the dependency")


def _stranger(field: str, job: str, near: Collection[str], jobs: Collection[str]) -> Misfit:
    if job in jobs:
        return Misfit(
            field,
            f"{job!r} is not upstream of the job",
            f"write {job} >> this job, or do not name it",
        )
    remedy = suggestion(job, near, "declare it, or do not name it")
    return Misfit(field, f"no job has the id {job!r}", remedy)


def wire_teardowns(upstream: dict[str, set[str]], teardowns: Mapping[str, Sequence[str]]) -> None:
    """Make each teardown wait for its setups, and one that was given no place for all that its setups began.

    It has no place when nothing else is upstream of it. Then it comes last: after every job downstream of a
    setup, other teardowns of the same setup and what is downstream of itself excepted.
    """
    if not teardowns:
        return
    placed = {job: bool(upstream[job] - set(setups)) for job, setups in teardowns.items()}
    for job, setups in teardowns.items():
        upstream[job] |= {setup for setup in setups if setup in upstream and setup != job}
    downstream = inverted(upstream)
    for job, setups in teardowns.items():
        if placed[job]:
            continue
        siblings = {other for other, theirs in teardowns.items() if set(setups) & set(theirs)}
        apart = reach(downstream, siblings) | set(setups)
        scope = reach(downstream, set(setups) & upstream.keys()) - apart
        upstream[job] |= {one for one in scope if scope.isdisjoint(downstream[one])}


def waits(
    upstream: Mapping[str, Set[str]], teardowns: Mapping[str, Sequence[str]]
) -> Mapping[str, Set[str]]:
    """All that each job waits for: its upstream jobs, and for a teardown the whole scope of its setups."""
    if not teardowns:
        return upstream
    found = {job: set(ups) for job, ups in upstream.items()}
    for job, setups in teardowns.items():
        found[job] |= between(upstream, [setup for setup in setups if setup in upstream], job)
    return found
