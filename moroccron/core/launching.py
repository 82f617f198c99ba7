"""From a placement to a launch: everything the agent has to know to start an attempt."""

import json

from moroccron.model.dag_version import JobSpec
from moroccron.model.evolve import evolve
from moroccron.model.offer import Launch
from moroccron.model.run import Attempt, Run

Environment = tuple[tuple[str, str], ...]


def launch_of(
    spec: JobSpec, attempt: Attempt, run_environment: Environment, framework_id: str
) -> Launch:
    """The task of an attempt that has its agent, task id and ports."""
    assert attempt.task_id is not None and attempt.agent_id is not None, attempt.key
    own = (
        ("MOROCCRON_JOB", attempt.job_id),
        ("MOROCCRON_ATTEMPT", str(attempt.number)),
        ("MOROCCRON_TASK_ID", attempt.task_id),
        ("MOROCCRON_FRAMEWORK_ID", framework_id),
    )
    resources = spec.resources
    if attempt.mem is not None:
        resources = evolve(resources, mem=attempt.mem)
    return Launch(
        task_id=attempt.task_id,
        key=attempt.key,
        agent_id=attempt.agent_id,
        command=spec.command,
        resources=resources,
        ports=attempt.ports,
        env=(*spec.env, *run_environment, *own),
        uris=spec.uris,
        image=spec.image,
        user=spec.user,
        timeout=spec.timeout,
        kill_grace=spec.kill_grace,
        volumes=spec.volumes,
        pull=spec.pull,
        containerizer=spec.containerizer,
        output=spec.output is not None,
    )


def environment(run: Run) -> Environment:
    """What every job of a run finds in its environment. Names that begin with MOROCCRON_ are ours."""
    return (
        ("MOROCCRON_DAG", run.dag_id),
        ("MOROCCRON_RUN", run.id),
        ("MOROCCRON_LOGICAL_DATE", run.interval.start.isoformat()),
        ("MOROCCRON_INTERVAL_START", run.interval.start.isoformat()),
        ("MOROCCRON_INTERVAL_END", run.interval.end.isoformat()),
        ("MOROCCRON_PARAMS", json.dumps(dict(run.params), sort_keys=True)),
    )
