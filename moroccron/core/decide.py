"""The engine's one function: events in, changes and effects out. No I/O, no clock, no chance.

`decide` takes the events of a batch one after the other, then settles: everything that follows from the state
and the time, whatever brought it about. That the view is moved along is its memory, not an effect: the same
view, events and time always give the same decision.
"""

from collections.abc import Sequence
from datetime import datetime

from moroccron.core.appetite import tend_offers
from moroccron.core.asking import ask_about, ask_on, begin_asking, end_asking
from moroccron.core.backfilling import go_on, tend_backfills
from moroccron.core.commands import adopt_run, take_command
from moroccron.core.draft import Decision, Draft
from moroccron.core.ephemera import (
    AppetiteChanged,
    BackfillAdopted,
    ConnectionChanged,
    InverseOfferHeld,
    InverseOffersGone,
    OfferHeld,
    OffersGone,
    TrustNoted,
)
from moroccron.core.firing import schedule
from moroccron.core.limits import end_job, end_run, end_wait
from moroccron.core.loading import take_files
from moroccron.core.maintenance import answer_inverse_offers
from moroccron.core.moves import end_choice, requeue
from moroccron.core.outputs import ask_for_outputs, take_output
from moroccron.core.placing import place, tell_strangers
from moroccron.core.previous import take_previous
from moroccron.core.resolver import resolve
from moroccron.core.run_view import RunView
from moroccron.core.runs import begin_if_room, end_if_over
from moroccron.core.timers import RunExpiry
from moroccron.core.triggering import after_jobs, after_run
from moroccron.core.updates import ask_doubtful, take_update
from moroccron.core.view import View
from moroccron.core.watching import end_patience, keep_watch, watch
from moroccron.model.changes import FrameworkChanged
from moroccron.model.events import (
    AgentLost,
    BackfillRecalled,
    CommandReceived,
    Disconnected,
    Event,
    FilesLoaded,
    IntervalsSeen,
    InverseOfferRescinded,
    InverseOffersReceived,
    OfferRescinded,
    OffersReceived,
    OutputRead,
    PreviousFound,
    RunRecalled,
    StatusReceived,
    Subscribed,
    TimePassed,
    TrustChanged,
)
from moroccron.model.run import AttemptKey, JobRunKey
from moroccron.model.states import RunState


def decide(view: View, events: Sequence[Event], now: datetime) -> Decision:
    """What a batch of events changes, and what is to be done about it once that is committed."""
    draft = Draft(view, now)
    for event in events:
        _take(draft, event)
    _settle(draft)
    return draft.decision()


def _take(draft: Draft, event: Event) -> None:
    match event:
        case StatusReceived():
            take_update(draft, event)
        case (
            OffersReceived() | OfferRescinded() | InverseOffersReceived() | InverseOfferRescinded()
        ):
            _take_offers(draft, event)
        case CommandReceived(command):
            take_command(draft, command)
        case FilesLoaded():
            take_files(draft, event)
        case RunRecalled() | BackfillRecalled() | IntervalsSeen() | PreviousFound():
            _take_found(draft, event)
        case Subscribed():
            _subscribed(draft, event)
        case Disconnected():
            draft.note(ConnectionChanged(connected=False, at=draft.now))
            end_asking(draft)
        case OutputRead():
            take_output(draft, event)
        case AgentLost(agent_id):
            _agent_lost(draft, agent_id)
        case TrustChanged(trusted):
            draft.note(TrustNoted(trusted))
        case TimePassed():
            pass


def _take_found(
    draft: Draft, event: RunRecalled | BackfillRecalled | IntervalsSeen | PreviousFound
) -> None:
    """What the store was asked for."""
    match event:
        case RunRecalled():
            adopt_run(draft, event)
        case BackfillRecalled(backfill):
            if backfill.id not in draft.view.backfills:
                draft.note(BackfillAdopted(backfill))
        case IntervalsSeen():
            go_on(draft, event)
        case PreviousFound():
            take_previous(draft, event)


def _take_offers(
    draft: Draft,
    event: OffersReceived | OfferRescinded | InverseOffersReceived | InverseOfferRescinded,
) -> None:
    match event:
        case OffersReceived(offers):
            for offer in offers:
                draft.note(OfferHeld(offer, draft.now))
        case OfferRescinded(offer_id):
            draft.note(OffersGone((offer_id,)))
        case InverseOffersReceived(questions):
            for question in questions:
                draft.note(InverseOfferHeld(question))
        case InverseOfferRescinded(offer_id):
            draft.note(InverseOffersGone((offer_id,)))


def _subscribed(draft: Draft, event: Subscribed) -> None:
    framework_id = event.framework_id
    draft.note(ConnectionChanged(connected=True, at=draft.now))
    for role in sorted(event.suppressed):
        draft.note(AppetiteChanged(role, suppressed=True, refused=True))
    if draft.view.framework_id != framework_id:
        draft.change(FrameworkChanged(framework_id))
        draft.tell("framework", "subscribed under a new id", message=framework_id)
    begin_asking(draft)


def _agent_lost(draft: Draft, agent_id: str) -> None:
    """A hint only: its offers are worthless, its tasks are asked about early."""
    draft.note(OffersGone(draft.view.book.of_agent(agent_id)))
    ask_about(draft, ((task, agent_id) for task in sorted(draft.view.live_on.get(agent_id, ()))))


def _settle(draft: Draft) -> None:
    draft.view.timers.ring(draft.now)
    _fire_timers(draft)
    watch(draft)
    ask_doubtful(draft)
    ask_for_outputs(draft)
    ask_on(draft)
    while draft.view.touched or draft.view.just_over:
        _settle_runs(draft)
        _fire_timers(draft)
        after_jobs(draft)
    tend_backfills(draft)
    tell_strangers(draft)
    place(draft)
    tend_offers(draft)
    answer_inverse_offers(draft)
    keep_watch(draft)


def _fire_timers(draft: Draft) -> None:
    for subject in draft.view.timers.due(draft.now):
        match subject:
            case str():
                schedule(draft, subject)
            case AttemptKey():
                requeue(draft, subject)
                end_patience(draft, subject)
                end_choice(draft, subject)
                end_wait(draft, subject)
            case JobRunKey():
                end_job(draft, subject)
            case RunExpiry(run_id):
                end_run(draft, run_id)


def _settle_runs(draft: Draft) -> None:
    """Begin, resolve and end the runs in which something changed."""
    view = draft.view
    touched, view.touched = view.touched, set()
    for run in sorted((view.runs[run_id] for run_id in touched), key=_by_age):
        if run.run.state is RunState.QUEUED:
            begin_if_room(draft, run)
        if run.run.state is RunState.RUNNING and run.dirty:
            resolve(draft, run)
        if run.run.state is not RunState.QUEUED:
            ended = end_if_over(draft, run)
            if ended is not None:
                after_run(draft, ended)


def _by_age(run: RunView) -> tuple[datetime, datetime, str]:
    """In order of creation; what was created together by logical date."""
    return run.run.created, run.run.logical_date, run.run.id
