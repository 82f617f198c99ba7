"""What the end of a run, or of a job, begins elsewhere: runs of the DAGs that listen to it.

A run is created in the batch in which its cause ended, so that both are committed or neither.
"""

from datetime import datetime

from moroccron.core.draft import Draft
from moroccron.core.runs import create_run
from moroccron.model.run import Run, triggered_run_id
from moroccron.model.states import JobRunState, RunKind, RunState
from moroccron.model.trigger import Cause


def after_run(draft: Draft, ended: Run) -> None:
    """A run has ended."""
    assert ended.ended is not None, ended
    _tell(draft, ended, ended.state, ended.ended, Cause(ended.id, state=ended.state.value))


def after_jobs(draft: Draft) -> None:
    """Jobs have ended to which somebody listens."""
    over, draft.view.just_over = draft.view.just_over, []
    for run, job_run in over:
        cause = Cause(run.id, job_run.job_id, job_run.attempts or None, job_run.state.value)
        _tell(draft, run, job_run.state, job_run.ended or draft.now, cause)


def _tell(
    draft: Draft, run: Run, state: RunState | JobRunState, at: datetime, cause: Cause
) -> None:
    for dag_id in draft.view.listeners.of_dag(run.dag_id):
        dag = draft.view.dags[dag_id]
        version = draft.view.versions[dag.version_id]
        heard = (t for t in version.triggers if t.dag == run.dag_id)
        if not any(trigger.matches(cause.job_id, state) for trigger in heard):
            continue
        if dag.paused:
            message = f"not begun because the DAG is paused: {cause}"
            draft.tell("dag", "trigger passed over", dag_id=dag_id, message=message)
            continue
        identity = triggered_run_id(dag_id, run.interval, cause, at)
        if identity not in draft.view.runs:
            create_run(
                draft,
                dag,
                identity,
                RunKind.TRIGGERED,
                run.interval,
                params=version.params,
                cause=f"triggered: {cause}",
                trigger=cause,
            )
