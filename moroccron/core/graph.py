"""A DAG version's jobs as numbers: positions, neighbours and shapes, worked out once per version."""

from moroccron.model.constraint import GROUP_OPERATORS, Constraint
from moroccron.model.dag_version import DagVersion, JobSpec
from moroccron.model.packing import Shape


class JobGraph:
    """Immutable after construction. A job's position is its place in the version's topological order."""

    __slots__ = ("_scoped", "_shapes", "downstream", "position", "specs", "upstream", "version")

    def __init__(self, version: DagVersion, roles: tuple[str, ...] = ()) -> None:
        """`roles` are those that we are subscribed with: see `Policy.roles`."""
        self.version = version
        self.specs: tuple[JobSpec, ...] = version.jobs
        self.position = {spec.id: i for i, spec in enumerate(self.specs)}
        self.upstream = [tuple(self.position[up] for up in spec.upstream) for spec in self.specs]
        downstream: list[list[int]] = [[] for _ in self.specs]
        for position, parents in enumerate(self.upstream):
            for parent in parents:
                downstream[parent].append(position)
        self.downstream = [tuple(children) for children in downstream]
        self._scoped = [any(looks_around(c) for c in spec.constraints) for spec in self.specs]
        self._shapes = [
            Shape(spec.resources, spec.constraints, role=role_of(spec, roles))
            for spec in self.specs
        ]

    def shape(self, position: int, run_id: str) -> Shape:
        """What the packer knows of a job: its run matters only to constraints that look at the group."""
        shape = self._shapes[position]
        if not self._scoped[position]:
            return shape
        return Shape(shape.resources, shape.constraints, run_id, shape.role)

    def is_scoped(self, position: int) -> bool:
        """Whether a constraint of the job looks at where the rest of its group is."""
        return self._scoped[position]


def role_of(spec: JobSpec, roles: tuple[str, ...]) -> str | None:
    """Whose offers a job needs: of the role that it names, else of our first; None where there are no roles."""
    return (spec.role or roles[0]) if roles else None


def looks_around(constraint: Constraint) -> bool:
    """Whether a constraint's verdict depends on its group. CLUSTER with a value is as good as IS."""
    return constraint.operator in GROUP_OPERATORS and not (
        constraint.operator == "CLUSTER" and constraint.value
    )
