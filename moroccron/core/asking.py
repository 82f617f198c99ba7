"""When to ask the outside what it knows: explicit reconciliation in batches and rounds, implicit in between.

A master answers each task with a message of its own, and a framework is not its only one: so five hundred tasks
a second, and after each round a longer wait for those not heard of. Silence is normal (an agent that has not
come back after a master's failover gives no answer for ten minutes) and never a reason to retry anything.
Source: Mesos' documentation of reconciliation.
"""

from collections.abc import Iterable
from datetime import timedelta

from moroccron.core.draft import Draft
from moroccron.core.ephemera import (
    AlarmSet,
    BatchAsked,
    InquiryBegun,
    RoundBegun,
    SilenceAccepted,
    SurveyWanted,
    Wondered,
)
from moroccron.core.inquiry import Asked
from moroccron.model.effects import Reconcile

BATCH = 500  #: tasks in one call at most, and in one second
ROUNDS = 10  #: of asking, until silence is accepted till the next full reconciliation
LONGEST_WAIT = 60.0  #: seconds between two rounds at most

ASK = "ask"  #: the alarm at which the next batch may go out
ROUND = "round"  #: the alarm at which the unheard are asked about again
RECONCILE = "reconcile"  #: the alarm at which all that lives is asked about
SURVEY = "survey"  #: the alarm at which we ask for all that the outside knows


def ask_all(draft: Draft, *, survey: bool = False) -> None:
    """Begin to ask about everything that we believe live; `survey`: then for what the outside believes live."""
    live = draft.view.live_attempts()
    known = tuple((a.task_id, a.agent_id) for a in live if a.task_id and a.agent_id)
    draft.note(InquiryBegun(known, survey))


def ask_about(draft: Draft, tasks: Iterable[Asked]) -> None:
    """Ask about these soon, with their agents' ids, and again until they are heard of."""
    asked = tuple(tasks)
    if asked and draft.view.book.connected:
        draft.note(Wondered(asked))
        draft.note(AlarmSet(ROUND, None))  # the wait for the next round begins when these are out


def begin_asking(draft: Draft) -> None:
    """There is a new connection: ask about all, and from now on regularly."""
    every = timedelta(seconds=draft.view.policy.reconcile_interval)
    ask_all(draft, survey=True)
    draft.note(AlarmSet(RECONCILE, draft.now + every))
    draft.note(AlarmSet(SURVEY, draft.now + every / 2))


def end_asking(draft: Draft) -> None:
    """Nobody is there to be asked."""
    for name in (ASK, ROUND, RECONCILE, SURVEY):
        draft.note(AlarmSet(name, None))


def ask_on(draft: Draft) -> None:
    """Send what may be sent now, and set the alarms for what may not."""
    view = draft.view
    if not view.book.connected:
        return
    every = timedelta(seconds=view.policy.reconcile_interval)
    if view.timers.rings(RECONCILE):
        ask_all(draft)
        draft.note(AlarmSet(RECONCILE, draft.now + every))
    if view.timers.rings(SURVEY):
        draft.note(SurveyWanted(wanted=True))
        draft.note(AlarmSet(SURVEY, draft.now + every))
    if view.timers.rings(ROUND):
        _next_round(draft)
    _send(draft)
    _keep_rounds(draft)


def _send(draft: Draft) -> None:
    inquiry = draft.view.inquiry
    if inquiry.pending and (inquiry.free_at is None or inquiry.free_at <= draft.now):
        batch = inquiry.batch(BATCH)
        draft.do(Reconcile(batch))
        draft.note(BatchAsked(batch, draft.now + timedelta(seconds=len(batch) / BATCH)))
    if inquiry.pending:
        if ASK not in draft.view.timers.alarms:
            draft.note(AlarmSet(ASK, inquiry.free_at))
    elif inquiry.survey:
        draft.do(Reconcile())
        draft.note(SurveyWanted(wanted=False))


def _keep_rounds(draft: Draft) -> None:
    """The wait for the next round begins when the last batch of this one is out, and ends when all are heard."""
    inquiry, alarms = draft.view.inquiry, draft.view.timers.alarms
    if not inquiry.unheard:
        if ROUND in alarms:
            draft.note(AlarmSet(ROUND, None))
    elif not inquiry.pending and ROUND not in alarms:
        wait = min(2.0**inquiry.rounds, LONGEST_WAIT)
        draft.note(AlarmSet(ROUND, draft.now + timedelta(seconds=wait)))


def _next_round(draft: Draft) -> None:
    inquiry = draft.view.inquiry
    if inquiry.rounds < ROUNDS:
        draft.note(RoundBegun())
        return
    count = len(inquiry.unheard)
    some = ", ".join(sorted(inquiry.unheard)[:3]) + (", ..." if count > 3 else "")
    draft.tell("framework", f"no word about {count} tasks, asked {ROUNDS} times", message=some)
    draft.note(SilenceAccepted())
