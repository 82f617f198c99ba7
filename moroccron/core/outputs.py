"""Outputs: the end of a job that has one counts only once the output is read.

Until then the update that tells of the end is not acknowledged, so that whoever leads next hears of it again. What
has finished stays finished meanwhile, whatever else is said of its task. Reading is the driver's side's to do
(`ReadOutput`), and its answer an event.
"""

from datetime import timedelta

from moroccron.core.branching import followed
from moroccron.core.draft import Draft
from moroccron.core.ephemera import AlarmSet, OutputAwaited
from moroccron.core.moves import move_attempt
from moroccron.core.reported import reported
from moroccron.model.attempt import AttemptInput
from moroccron.model.effects import Acknowledge, ReadOutput
from moroccron.model.events import OutputRead, StatusReceived
from moroccron.model.evolve import evolve
from moroccron.model.failure import FailureClass
from moroccron.model.outputs import BadOutput, Keeps, parse, text_of
from moroccron.model.run import Attempt
from moroccron.model.states import ReportedState

OUTPUTS = "outputs"  #: the alarm at which what could not be read is tried again
PATIENCE = timedelta(minutes=5)  #: for which an agent is asked that does not answer
_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(seconds=30)


def await_output(draft: Draft, attempt: Attempt, update: StatusReceived) -> bool:
    """Whether what is said of a task has to wait for its output: then nothing else is done about it now."""
    view = draft.view
    awaited = view.awaited.get(update.task_id)
    if awaited is not None:
        if update.uuid is not None and update.state is ReportedState.FINISHED:
            draft.note(evolve(awaited, update=update))  # the word that is to be acknowledged
        return True
    if update.state is not ReportedState.FINISHED or view.spec(attempt.key).output is None:
        return False
    draft.note(OutputAwaited(update.task_id, update, draft.now))
    _ask(draft, attempt, update)
    return True


def ask_for_outputs(draft: Draft) -> None:
    """Try again what could not be read."""
    if not draft.view.timers.rings(OUTPUTS):
        return
    for awaited in list(draft.view.awaited.values()):
        if awaited.again is not None and awaited.again <= draft.now:
            draft.note(evolve(awaited, again=None))
            attempt = draft.view.attempt(draft.view.live[awaited.task_id])
            assert attempt is not None, awaited
            _ask(draft, attempt, awaited.update)
    _set_alarm(draft)


def take_output(draft: Draft, read: OutputRead) -> None:
    """The output was read, or could not be: end the attempt by it, and acknowledge its end."""
    awaited = draft.view.awaited.get(read.task_id)
    key = draft.view.live.get(read.task_id)
    attempt = draft.view.attempt(key) if key is not None else None
    if awaited is None or attempt is None:
        return
    if read.trouble is not None and draft.now < awaited.since + PATIENCE:
        pause = min(_FIRST_PAUSE * 2**awaited.tries, _LONGEST_PAUSE)
        draft.note(evolve(awaited, tries=awaited.tries + 1, again=draft.now + pause))
        _set_alarm(draft)
        return
    update = awaited.update
    _end(draft, attempt, update, read)
    if update.uuid is not None and update.agent_id is not None:
        draft.do(Acknowledge(update.task_id, update.agent_id, update.uuid))


def _end(draft: Draft, attempt: Attempt, update: StatusReceived, read: OutputRead) -> None:
    view = draft.view
    run = view.runs[attempt.run_id]
    position = run.graph.position[attempt.job_id]
    spec = run.graph.specs[position]
    _, fields = reported(spec, attempt, update, draft.now)
    given, cause = AttemptInput.FINISHED, "reported finished"
    if read.data is not None:
        try:
            value = parse(read.data)
            fields["followed"] = followed(run.graph, position, value)
            fields["output"] = text_of(value)
        except BadOutput as error:
            given, cause = AttemptInput.FAILED, "bad output"
            fields |= {"reason": "output", "message": str(error), "failure": FailureClass.JOB}
    elif read.trouble is not None and spec.output is Keeps.REQUIRED:
        given, cause = AttemptInput.GONE, "its output cannot be read"
        message = f"It finished, but its output cannot be read: {read.trouble}"
        fields |= {"reason": "output_unreadable", "message": message, "failure": FailureClass.AGENT}
    elif spec.output is Keeps.REQUIRED:
        given, cause = AttemptInput.FAILED, "no output"
        message = "It ended well, but wrote nothing to $MOROCCRON_OUTPUT, and its output is needed"
        fields |= {"reason": "output", "message": message, "failure": FailureClass.JOB}
    elif read.trouble is not None:
        fields["message"] = f"Its output, if there was one, could not be read: {read.trouble}"
    move_attempt(draft, attempt, given, cause, **fields)


def _ask(draft: Draft, attempt: Attempt, update: StatusReceived) -> None:
    draft.do(ReadOutput(evolve(attempt, sandbox=update.sandbox or attempt.sandbox)))


def _set_alarm(draft: Draft) -> None:
    moments = (awaited.again for awaited in draft.view.awaited.values())
    draft.note(AlarmSet(OUTPUTS, min((m for m in moments if m is not None), default=None)))
