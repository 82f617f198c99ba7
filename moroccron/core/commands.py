"""What people ask for, carried out or refused with a reason; answered in the same commit."""

from datetime import UTC

from moroccron.core.amending import amend
from moroccron.core.backfilling import take_backfill_intent
from moroccron.core.draft import Draft
from moroccron.core.ephemera import RunAdopted
from moroccron.core.killing import kill_run
from moroccron.core.loading import with_next_due
from moroccron.core.params import checked_params
from moroccron.core.pools import remove_pool, set_pool
from moroccron.core.refused import Refused
from moroccron.core.rerunning import rerun
from moroccron.core.runs import create_run
from moroccron.core.shares import remove_share, set_share
from moroccron.core.view import View
from moroccron.model.backfill import (
    CancelBackfill,
    CreateBackfill,
    PauseBackfill,
    ResumeBackfill,
    RetryBackfill,
)
from moroccron.model.changes import CommandAnswered, DagChanged
from moroccron.model.command import (
    Answer,
    Command,
    KillRun,
    MarkJob,
    Outcome,
    PauseDag,
    RemovePool,
    RemoveShare,
    RetryJob,
    RetryRun,
    SetPool,
    SetShare,
    TriggerRun,
    Unknown,
    UnpauseDag,
)
from moroccron.model.events import RunRecalled
from moroccron.model.evolve import evolve
from moroccron.model.run import DataInterval, manual_run_id
from moroccron.model.schedule import CatchUp
from moroccron.model.states import RunKind


def take_command(draft: Draft, command: Command) -> None:
    """Carry out a command and answer it."""
    try:
        detail = _carry_out(draft, command)
        outcome = Outcome.DONE
    except Refused as refusal:
        detail, outcome = str(refusal), Outcome.REFUSED
    draft.change(CommandAnswered(Answer(command.id, outcome, detail, draft.now)))
    kind = type(command.intent).__name__
    draft.tell("command", f"{kind} by {command.requested_by}: {outcome}", message=detail)


def _carry_out(draft: Draft, command: Command) -> str:
    match command.intent:
        case TriggerRun() as trigger:
            return _trigger(draft, command, trigger)
        case KillRun(run_id):
            run = draft.view.runs.get(run_id)
            if run is None or run.run.state.is_terminal:
                raise Refused(f"run {run_id} is over, or there is no such run")
            kill_run(draft, run, f"killed by {command.requested_by}")
            return run_id
        case RetryJob(run_id, job_id) | MarkJob(run_id, job_id):
            amend(draft, command.intent, command.requested_by)
            return f"{run_id} {job_id}"
        case RetryRun() as retry:
            return _retry(draft, retry, command.requested_by)
        case PauseDag(dag_id):
            _set_paused(draft, dag_id, paused=True)
            return dag_id
        case UnpauseDag(dag_id):
            _set_paused(draft, dag_id, paused=False)
            return dag_id
        case SetPool() | RemovePool() | SetShare() | RemoveShare():
            return _set_limit(draft, command.intent, command.requested_by)
        case (
            CreateBackfill()
            | PauseBackfill()
            | ResumeBackfill()
            | CancelBackfill()
            | RetryBackfill()
        ):
            return take_backfill_intent(draft, command, command.intent)
        case Unknown(kind):
            raise Refused(f"this version knows no command {kind!r}")


def _set_limit(draft: Draft, intent: SetPool | RemovePool | SetShare | RemoveShare, by: str) -> str:
    match intent:
        case SetPool(name, slots):
            return set_pool(draft, name, slots, by)
        case RemovePool(name):
            return remove_pool(draft, name, by)
        case SetShare():
            return set_share(draft, intent, by)
        case RemoveShare(owner):
            return remove_share(draft, owner, by)


def _trigger(draft: Draft, command: Command, trigger: TriggerRun) -> str:
    dag = draft.view.dags.get(trigger.dag_id)
    if dag is None:
        raise Refused(f"there is no DAG {trigger.dag_id}")
    if not dag.active:
        raise Refused(f"no file declares DAG {trigger.dag_id} any more ({dag.file} did)")
    version = draft.view.versions[dag.version_id]
    params = checked_params(version, trigger.params)
    try:
        moment = (trigger.logical_date or command.requested_at).astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise Refused(f"the logical date {trigger.logical_date} is no moment in UTC") from error
    identity = manual_run_id(trigger.dag_id, command.id)
    create_run(
        draft,
        dag,
        identity,
        RunKind.MANUAL,
        DataInterval(moment, moment),
        params=params,
        requested_by=command.requested_by,
        cause=f"triggered by {command.requested_by}",
    )
    return identity


def _retry(draft: Draft, wish: RetryRun, by: str) -> str:
    run = draft.view.runs.get(wish.run_id)
    if run is None:
        raise Refused(f"there is no run {wish.run_id}")
    rerun(draft, run, wish, by)
    return wish.run_id


def _set_paused(draft: Draft, dag_id: str, *, paused: bool) -> None:
    dag = draft.view.dags.get(dag_id)
    if dag is None:
        raise Refused(f"there is no DAG {dag_id}")
    if dag.paused == paused:
        return
    dag = evolve(dag, paused=paused, failed_runs=0)
    if not paused and draft.view.versions[dag.version_id].catchup is not CatchUp.ALL:
        # What fell due while it was paused was not wanted.
        dag = evolve(dag, scheduled_until=max(draft.now, dag.scheduled_until or draft.now))
    draft.change(DagChanged(with_next_due(draft, dag)))
    draft.tell("dag", "paused" if paused else "unpaused", dag_id=dag_id)


def wanted_run(view: View, command: Command) -> str | None:
    """The id of the ended run that must be recalled before the command can be taken, if any."""
    intent = command.intent
    if isinstance(intent, RetryRun | RetryJob | MarkJob) and intent.run_id not in view.runs:
        return intent.run_id
    return None


def adopt_run(draft: Draft, recalled: RunRecalled) -> None:
    """Take an ended run into memory. It ends again at once unless a command re-opens it in the same batch."""
    if recalled.run.id not in draft.view.runs:
        draft.note(RunAdopted(recalled))
