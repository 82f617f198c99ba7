"""A DAG version's jobs as numbers: positions, neighbours, rules and shapes, worked out once per version."""

import re
from datetime import datetime, timedelta

from moroccron.core.foresight import Foresight
from moroccron.core.policy import DEFAULT_POLICY, Policy
from moroccron.core.rules import DECIDED_BY_SUCCESS, Judge, judge_of
from moroccron.core.tally import ONE_OPEN, Bond
from moroccron.model.claim import RUN, Claims, claims_of
from moroccron.model.constraint import AGENT, GROUP_OPERATORS, Constraint, Operator
from moroccron.model.dag_version import DagVersion, JobSpec
from moroccron.model.evolve import evolve
from moroccron.model.graph import between
from moroccron.model.packing import Shape
from moroccron.model.run import Attempt, JobRun
from moroccron.model.share import payer_of

_PLAIN = Bond.PLAIN


class JobGraph:
    """Immutable after construction. A job's position is its place in the version's topological order."""

    __slots__ = (
        "_scoped",
        "_shapes",
        "after_previous",
        "bound_downstream",
        "chooses",
        "conditions",
        "downstream",
        "judges",
        "looks_at_success",
        "looks_back",
        "nothing_over",
        "payers",
        "position",
        "priority",
        "specs",
        "times_jobs",
        "upstream",
        "version",
    )

    def __init__(self, version: DagVersion, policy: Policy = DEFAULT_POLICY) -> None:
        self.version = version
        self.specs: tuple[JobSpec, ...] = version.jobs
        self.position = {spec.id: i for i, spec in enumerate(self.specs)}
        #: by position: the jobs waited for with their bonds, in topological order
        self.upstream = [self._upstream(spec) for spec in self.specs]
        #: by position: the packed tally while none of them is over
        self.nothing_over = [ONE_OPEN * len(parents) for parents in self.upstream]
        self.judges: list[Judge] = [judge_of(spec) for spec in self.specs]
        self.conditions = {
            position: Foresight(spec.run_if)
            for position, spec in enumerate(self.specs)
            if spec.run_if is not None and spec.upstream
        }
        #: whether one success among others may decide a job's rule
        self.looks_at_success = [
            spec.min_success is not None
            or spec.run_if is not None
            or (spec.trigger_rule in DECIDED_BY_SUCCESS and not spec.teardown_of)
            for spec in self.specs
        ]
        self.looks_back = version.looks_back
        self.chooses = any(spec.branch or spec.short_circuit for spec in self.specs)
        #: by position: the jobs of the previous run that it waits for
        self.after_previous = {
            position: spec.after_previous
            for position, spec in enumerate(self.specs)
            if spec.after_previous
        }
        self._link_downstream()
        self.priority = self._priorities()
        self.payers = [payer_of(version, spec) for spec in self.specs]  #: by position
        self.times_jobs = any(spec.job_timeout is not None for spec in self.specs)
        self._scoped = [any(looks_around(c) for c in spec.constraints) for spec in self.specs]
        self._shapes = [
            Shape(
                spec.resources,
                spec.constraints,
                role=role_of(spec, policy.roles),
                lasts=lasts(spec, policy),
                claims=claims_of(version, spec),
            )
            for spec in self.specs
        ]

    def _upstream(self, spec: JobSpec) -> tuple[tuple[int, Bond], ...]:
        if not spec.teardown_of and not spec.allow_failure:  # nearly all
            return tuple((up, _PLAIN) for up in sorted(self.position[job] for job in spec.upstream))
        bonds = dict.fromkeys(spec.upstream, Bond.PLAIN)
        if spec.teardown_of:
            edges = {job.id: job.upstream for job in self.specs}
            bonds = dict.fromkeys(between(edges, spec.teardown_of, spec.id), Bond.WATCHED)
            bonds |= dict.fromkeys(spec.upstream, Bond.WATCHED)
            bonds |= dict.fromkeys(spec.teardown_of, Bond.SETUP)
        else:
            bonds |= dict.fromkeys(spec.allow_failure, Bond.FORGIVEN)
        return tuple(sorted((self.position[job], bond) for job, bond in bonds.items()))

    def _link_downstream(self) -> None:
        plain: list[list[int]] = [[] for _ in self.specs]
        bound: dict[int, list[tuple[int, Bond]]] = {}
        for position, parents in enumerate(self.upstream):
            for parent, bond in parents:
                if bond is _PLAIN:
                    plain[parent].append(position)
                else:
                    bound.setdefault(parent, []).append((position, bond))
        #: by position: the jobs that wait for it and count it as it is
        self.downstream = [tuple(children) for children in plain]
        #: those that count it otherwise, with how
        self.bound_downstream = {parent: tuple(found) for parent, found in bound.items()}

    def _priorities(self) -> list[int]:
        """By position: a job is as urgent as the most urgent of all that wait for it, near or far."""
        found = [spec.priority for spec in self.specs]
        for position in reversed(range(len(found))):
            for parent, _ in self.upstream[position]:
                found[parent] = max(found[parent], found[position])
        return found

    def waiting_for(self, position: int) -> list[int]:
        """All jobs that wait for one."""
        bound = self.bound_downstream.get(position, ())
        return [*self.downstream[position], *(child for child, _ in bound)]

    def shape(self, position: int, run_id: str) -> Shape:
        """What the packer knows of a job: its run matters only to constraints that look at the group."""
        shape = self._shapes[position]
        if self._scoped[position]:
            shape = evolve(shape, scope=run_id)
        if self.version.max_active_jobs_per_run is not None:
            shape = evolve(shape, claims=self.claims(position, run_id))
        return shape

    def claims(self, position: int, run_id: str) -> Claims:
        """What a job of a run takes of the limits that it shares, while it is launched."""
        found = self._shapes[position].claims
        if self.version.max_active_jobs_per_run is None:
            return found
        return (*found, (f"{RUN}:{run_id}", 1))

    def children(self, position: int) -> list[int]:
        """All jobs directly downstream, whatever the bond."""
        bound = (child for child, _ in self.bound_downstream.get(position, ()))
        return [*self.downstream[position], *bound]

    def shape_of(self, attempt: Attempt, *, elsewhere: bool = False) -> Shape:
        """The shape of an attempt: its job's, with the memory and the agents to avoid of its own.

        `elsewhere`: those agents will not do at all.
        """
        shape = self.shape(self.position[attempt.job_id], attempt.run_id)
        if attempt.mem is not None:
            shape = evolve(shape, resources=evolve(shape.resources, mem=attempt.mem))
        if not attempt.avoid:
            return shape
        if elsewhere:
            these = "|".join(map(re.escape, attempt.avoid))
            others = Constraint(AGENT, Operator.UNLIKE, these)
            shape = evolve(shape, constraints=(*shape.constraints, others))
        return evolve(shape, avoid=attempt.avoid)

    def expiry(self, now: datetime) -> datetime | None:
        """When a run that begins now has taken too long."""
        limit = self.version.run_timeout
        return None if limit is None else now + timedelta(seconds=limit)

    def ends(self, job_run: JobRun) -> datetime | None:
        """When a job run has taken, with its retries, as long as it may; None: no limit, or not begun."""
        limit = self.specs[job_run.position].job_timeout
        if limit is None or job_run.ready is None:
            return None
        return job_run.ready + timedelta(seconds=limit)

    def is_scoped(self, position: int) -> bool:
        """Whether a constraint of the job looks at where the rest of its group is."""
        return self._scoped[position]


def role_of(spec: JobSpec, roles: tuple[str, ...]) -> str | None:
    """Whose offers a job needs: of the role that it names, else of our first; None where there are no roles."""
    return (spec.role or roles[0]) if roles else None


def lasts(spec: JobSpec, policy: Policy) -> float:
    """Seconds after which an attempt must be over: its agent sees to that. Without a timeout it is a guess."""
    if spec.timeout is None:
        return policy.assumed_runtime
    return spec.timeout + spec.kill_grace


def looks_around(constraint: Constraint) -> bool:
    """Whether a constraint's verdict depends on its group. CLUSTER with a value is as good as IS."""
    return constraint.operator in GROUP_OPERATORS and not (
        constraint.operator == "CLUSTER" and constraint.value
    )
