"""What a DAG file is written in: `DAG`, `Job`, `>>`, `<<` and `chain`.

    from moroccron import DAG, Job

    with DAG("report", schedule="30 2 * * *", timezone="Europe/Berlin", owners=["ada"]):
        fetch = Job("fetch", "curl -fsS https://example.org/data -o /tmp/data")
        count = Job("count", ["wc", "-l", "/tmp/data"], cpus=0.5, mem=128)
        fetch >> count

A mistake in a value does not stop the file: it is noted with its line, and `DAG.problems` tells all of them
at once. Only what leaves nothing to go on with is raised at its place. This module reads no file, knows no
database, and is all that an author's import costs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextvars import ContextVar
from functools import lru_cache
from itertools import pairwise
from types import TracebackType
from typing import Any, Self, Unpack, overload

from moroccron.model import amounts, edges, graph, scheduling, validation, when
from moroccron.model.dag_version import DagVersion, JobSpec
from moroccron.model.errors import DagInvalid
from moroccron.model.fields import DAG_CHECKS, DEFAULT_CHECKS, JOB_CHECKS, DagFields, JobFields
from moroccron.model.origin import announce, author_docstring, author_line
from moroccron.model.outputs import OutputRef
from moroccron.model.param_fields import take_params
from moroccron.model.problems import REFUSED, Problems
from moroccron.model.resources import Resources
from moroccron.model.timetable import never_fires

_open: ContextVar["DAG | None"] = ContextVar("the DAG whose `with` block runs", default=None)


class DAG:
    """Jobs and the order among them, when to run them and whose they are. Fields: see `DagFields`."""

    def __init__(self, id: str, **fields: Unpack[DagFields]) -> None:
        self.id = str(id)
        self.line = author_line()
        self._problems = Problems(self.id, self.line)
        self._jobs: dict[str, Job] = {}
        self._edges: dict[tuple[str, str], int] = {}  #: (upstream, downstream): first line
        self._outer: DAG | None = None
        self._problems.check("id", validation.identifier, id)
        self._values = self._problems.check_all(fields, DAG_CHECKS)
        if "doc" not in fields:
            self._values["doc"] = author_docstring()
        self._defaults = self._take_defaults()
        self._take_times()
        take_params(self._problems, self._values)
        self._take_order()
        announce(self)

    def _take_defaults(self) -> dict[str, Any]:
        given = self._values.pop("defaults", {})
        if isinstance(given, Mapping):
            return self._problems.check_all(given, DEFAULT_CHECKS, within="defaults.")
        message = f"must be a dict of job fields, not {validation.kind_of(given)}"
        self._problems.note(message, "write defaults={...} or dict(...)", field="defaults")
        return {}

    def _take_times(self) -> None:
        """Give what was said of time its meaning in the DAG's zone."""
        values, zone = self._values, self._values.get("timezone", "UTC")
        for name in ("start", "end"):
            self._mean(name, lambda value: when.moment(value, zone))
        start, end = values.get("start"), values.get("end")
        self._mean("schedule", lambda parts: scheduling.resolved(parts, zone, start))
        self._mean(
            "blackouts", lambda given: tuple(scheduling.blackout(one, zone) for one in given)
        )
        if start is not None and end is not None and end <= start:
            message = f"the end ({end:%F %T} UTC) is not after the start ({start:%F %T} UTC)"
            self._problems.note(message, "put the end later, or leave it out", field="end")
        if never_fires(self._version(())):
            message = "the DAG never fires: every fire is on a holiday or in a blackout window"
            self._problems.note(message, "leave it room to fire", field="blackouts")

    def _take_order(self) -> None:
        """One run after the other is one at a time."""
        if not self._values.get("sequential"):
            return
        if self._values.setdefault("max_active_runs", 1) > 1:
            message = (
                f"a sequential DAG has one run at a time, not {self._values['max_active_runs']}"
            )
            self._problems.note(message, "leave max_active_runs out", field="max_active_runs")

    def _mean(self, name: str, meaning: Callable[[Any], Any]) -> None:
        given = self._values.pop(name, None)
        if given is not None:
            meant = self._problems.check(name, meaning, given)
            if meant is not REFUSED:
                self._values[name] = meant

    def __enter__(self) -> Self:
        self._outer = _open.get()
        _open.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _open.set(self._outer)

    def __repr__(self) -> str:
        return f"DAG({self.id!r}, {len(self._jobs)} jobs)"

    @property
    def jobs(self) -> tuple["Job", ...]:
        """The jobs, by declaration."""
        return tuple(self._jobs.values())

    def version(self, most: Resources = amounts.SANE) -> DagVersion:
        """The DAG as a version with its id; raises its first problem, which carries the others as notes.

        `most` is what a single job may ask for.
        """
        upstream = self._upstream()
        order = graph.topological_order(self._waits(upstream))
        specs = {job.id: job._spec(upstream[job.id]) for job in self._jobs.values()}
        problems = self._judge(upstream, order, specs, most)
        if problems:
            first, *rest = problems
            for other in rest:
                first.add_note(f"line {other.line}: {other.message}; {other.remedy}")
            raise first
        jobs = tuple(specs[id] for id in order)
        return self._version(jobs).with_id()

    def problems(self, most: Resources = amounts.SANE) -> list[DagInvalid]:
        """All that is wrong, by line; nothing when `version` will give one."""
        upstream = self._upstream()
        specs = {job.id: job._spec(upstream[job.id]) for job in self._jobs.values()}
        order = graph.topological_order(self._waits(upstream))
        return self._judge(upstream, order, specs, most)

    # ------------------------------------------------------------------ for Job, Group and chain

    def _add(self, job: "Job") -> None:
        earlier = self._jobs.setdefault(job.id, job)
        if earlier is not job:
            self._problems.note(
                f"job id {job.id!r} is taken by the job in line {earlier.line}",
                "give each job of a DAG an id of its own",
                field="id",
                job_id=job.id,
                line=job.line,
            )

    def _link(self, up: object, down: object) -> None:
        """`up >> down`, where either may be a list; noted when it cannot be."""
        line = author_line()
        downs = self._ids(down, line)
        for first in self._ids(up, line):
            for second in downs:
                if first == second:
                    message = f"job {first!r} waits for itself: {graph.written([first])}"
                    remedy = "remove that dependency"
                    self._problems.note(message, remedy, field="upstream", job_id=first, line=line)
                else:
                    self._edges.setdefault((first, second), line)

    def _ids(self, operand: object, line: int) -> list[str]:
        if isinstance(operand, Job):
            if operand.dag is self:
                return [operand.id]
            self._problems.note(
                f"job {operand.id!r} is of DAG {operand.dag.id!r}: jobs of two DAGs cannot be joined",
                "join jobs of one DAG only",
                field="upstream",
                job_id=operand.id,
                line=line,
            )
            return []
        if isinstance(operand, str):
            return [operand]
        if isinstance(operand, list | tuple):
            return [id for item in operand for id in self._ids(item, line)]
        self._problems.note(
            f"{validation.kind_of(operand)} is no job",
            "put a job, a job's id, or a list of them on either side of >>",
            field="upstream",
            line=line,
        )
        return []

    # ------------------------------------------------------------------ judging the whole

    def _version(self, jobs: tuple[JobSpec, ...]) -> DagVersion:
        return DagVersion(dag_id=self.id, jobs=jobs, **self._values)

    def _upstream(self) -> dict[str, set[str]]:
        upstream: dict[str, set[str]] = {id: set() for id in self._jobs}
        for up, down in self._edges:
            if up in upstream and down in upstream:
                upstream[down].add(up)
        edges.wire_teardowns(upstream, self._teardowns())
        return upstream

    def _teardowns(self) -> dict[str, tuple[str, ...]]:
        values = {job.id: job._values.get("teardown_of", ()) for job in self._jobs.values()}
        return {job: setups for job, setups in values.items() if setups}

    def _waits(self, upstream: Mapping[str, set[str]]) -> Mapping[str, Set[str]]:
        return edges.waits(upstream, self._teardowns())

    def _judge(
        self,
        upstream: Mapping[str, set[str]],
        order: Sequence[str],
        specs: Mapping[str, JobSpec],
        most: Resources,
    ) -> list[DagInvalid]:
        found = list(self._problems.noted)
        if not self._jobs and not found:
            remedy = 'add one: Job("id", "command") inside `with DAG(...)`'
            found.append(self._problems.make("the DAG has no job", remedy))
        found += self._unknown_ids()
        found += self._misfits(upstream)
        if len(order) < len(upstream):
            found += self._cycles(self._waits(upstream))
        for spec in specs.values():
            if not spec.resources.fits_in(most):
                found.append(self._beyond(spec, most))
            if spec.memory_on_oom is not None and spec.memory_on_oom <= spec.resources.mem:
                found.append(self._pointless(spec))
        return sorted(found, key=lambda problem: problem.line or 0)

    def _unknown_ids(self) -> Iterator[DagInvalid]:
        seen = set()
        for edge, line in self._edges.items():
            for id in edge:
                if id not in self._jobs and id not in seen:
                    seen.add(id)
                    otherwise = "declare it, or remove the dependency"
                    remedy = validation.suggestion(id, self._jobs, otherwise)
                    message = f"no job has the id {id!r}"
                    known = next((other for other in edge if other in self._jobs), None)
                    yield self._problems.make(
                        message, remedy, field="upstream", job_id=known, line=line
                    )

    def _misfits(self, upstream: Mapping[str, set[str]]) -> Iterator[DagInvalid]:
        for job in self._jobs.values():
            for found in edges.misfits(job._values, upstream[job.id], self._jobs):
                yield self._problems.make(
                    found.message, found.remedy, field=found.field, job_id=job.id, line=job.line
                )

    def _cycles(self, upstream: Mapping[str, Set[str]]) -> Iterator[DagInvalid]:
        for cycle in graph.cycles(upstream):
            steps = pairwise([*cycle, cycle[0]])
            yield self._problems.make(
                f"jobs wait for one another in a cycle: {graph.written(cycle)}",
                "remove one of these dependencies",
                field="upstream",
                job_id=cycle[0],
                line=max(self._line_of(*step) for step in steps),
            )

    def _line_of(self, up: str, down: str) -> int:
        """Where a dependency is written; that of a teardown on its scope is in the line of the teardown."""
        return self._edges.get((up, down), self._jobs[down].line)

    def _pointless(self, spec: JobSpec) -> DagInvalid:
        return self._problems.make(
            f"memory_on_oom allows {spec.memory_on_oom} MiB, and the job has {spec.resources.mem} already",
            "allow more than mem, or leave it out",
            field="memory_on_oom",
            job_id=spec.id,
            line=self._jobs[spec.id].line,
        )

    def _beyond(self, spec: JobSpec, most: Resources) -> DagInvalid:
        kind, asked, bound = amounts.beyond(spec.resources, most)
        return self._problems.make(
            f"asks for {asked} of {kind}; more than {bound} is taken for a mistake",
            f"ask for {bound} or less",
            field=kind,
            job_id=spec.id,
            line=self._jobs[spec.id].line,
        )


class Job:
    """A command that is a node of a DAG. Fields: see `JobFields`.

    The command is text for `/bin/sh -c`, or a list of arguments that no shell touches.
    """

    def __init__(
        self,
        id: str,
        command: str | Sequence[str],
        *,
        dag: DAG | None = None,
        **fields: Unpack[JobFields],
    ) -> None:
        self.id = str(id)
        self.line = author_line()
        self.dag = self._owner(dag)
        problems = self.dag._problems
        problems.check("id", validation.identifier, id, self.id, self.line)
        self._command = problems.check("command", validation.command, command, self.id, self.line)
        self._values = problems.check_all(fields, JOB_CHECKS, self.id, self.line)
        self.dag._add(self)

    def _owner(self, given: DAG | None) -> DAG:
        dag = _open.get() if given is None else given
        if isinstance(dag, DAG):
            return dag
        raise DagInvalid(
            f"job {self.id!r} belongs to no DAG",
            remedy="write it inside `with DAG(...)`, or give it dag=",
            field="dag",
            job_id=self.id,
            line=self.line,
        )

    def __repr__(self) -> str:
        return f"Job({self.id!r} of {self.dag.id!r})"

    @property
    def output(self) -> OutputRef:
        """What it will hand on, to be looked into: `fetch.output["files"]`."""
        return OutputRef(self.id)

    @overload
    def __rshift__(self, other: "Job") -> "Job": ...
    @overload
    def __rshift__(self, other: str) -> str: ...
    @overload
    def __rshift__(self, other: "JobList") -> "Group": ...
    def __rshift__(self, other: Any) -> Any:
        self.dag._link(self, other)
        return _grouped(other, self.dag)

    @overload
    def __lshift__(self, other: "Job") -> "Job": ...
    @overload
    def __lshift__(self, other: str) -> str: ...
    @overload
    def __lshift__(self, other: "JobList") -> "Group": ...
    def __lshift__(self, other: Any) -> Any:
        self.dag._link(other, self)
        return _grouped(other, self.dag)

    def __rrshift__(self, other: "str | JobList") -> "Job":
        self.dag._link(other, self)
        return self

    def __rlshift__(self, other: "str | JobList") -> "Job":
        self.dag._link(self, other)
        return self

    def _spec(self, upstream: set[str]) -> JobSpec:
        """Its values over the DAG's defaults; env alone is joined, name by name."""
        values = edges.one_rule(self._values, self.dag._defaults)
        values = edges.with_output(values)
        if "teardown_of" in values:
            values.setdefault("fails_run", False)
        if "env" in self._values and "env" in self.dag._defaults:
            joined = {**dict(self.dag._defaults["env"]), **dict(self._values["env"])}
            values["env"] = tuple(sorted(joined.items()))
        resources = _resources(
            values.pop("cpus", amounts.DEFAULT_CPUS),
            values.pop("mem", amounts.DEFAULT_MEM),
            values.pop("disk", 0),
            values.pop("gpus", 0),
            values.pop("ports", 0),
        )
        return JobSpec(self.id, self._command, resources, tuple(sorted(upstream)), **values)


@lru_cache(maxsize=1024)
def _resources(cpus: int, mem: int, disk: int, gpus: int, ports: int) -> Resources:
    """Jobs of one shape share one value."""
    return Resources(cpus, mem, disk, gpus, ports)


class Group(tuple["Job | str", ...]):
    """The jobs of a list that stood beside `>>`, so that it may go on: `a >> [b, c] >> [d, e]`.

    Between two lists every job on the left comes before every job on the right.
    """

    dag: DAG

    def __rshift__(self, other: Any) -> Any:
        self.dag._link(self, other)
        return _grouped(other, self.dag)

    def __lshift__(self, other: Any) -> Any:
        self.dag._link(other, self)
        return _grouped(other, self.dag)


JobList = list[Job] | list[str] | list[Job | str] | tuple[Job | str, ...]


def _grouped(operand: Any, dag: DAG) -> Any:
    if not isinstance(operand, list | tuple):
        return operand
    group = Group(operand)
    group.dag = dag
    return group


def chain(*steps: "Job | str | JobList") -> None:
    """Join each step with the next: `chain(a, [b, c], d)` is `a >> [b, c] >> d`.

    Two lists in a row are joined pairwise and must be of one length: `chain([a, b], [c, d])` is `a >> c` and
    `b >> d`.
    """
    dag = _dag_of(steps)
    for left, right in pairwise(steps):
        if not isinstance(left, list | tuple) or not isinstance(right, list | tuple):
            dag._link(left, right)
        elif len(left) == len(right):
            for up, down in zip(left, right, strict=True):
                dag._link(up, down)
        else:
            dag._problems.note(
                f"a list of {len(left)} is followed by one of {len(right)}: no pairs can be made",
                "give both lists one length, or use >> to join each with each",
                field="upstream",
                line=author_line(),
            )


def _dag_of(steps: Sequence[object]) -> DAG:
    for step in steps:
        for item in step if isinstance(step, list | tuple) else (step,):
            if isinstance(item, Job):
                return item.dag
    raise DagInvalid(
        "chain was given no job", remedy="give it jobs, or lists of jobs", line=author_line()
    )
