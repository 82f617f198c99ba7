"""What each change does to the view: one entry of a table for each kind, and `apply`, which looks it up.

The only way in which a view is changed once it is built. What a row moves within the view is the view's own matter;
what only memory holds (offers, doubts, questions) is set here.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from moroccron.core.ephemera import (
    AlarmSet,
    AppetiteChanged,
    BackfillAdopted,
    BatchAsked,
    ConnectionChanged,
    CutOff,
    Doubted,
    DoubtGone,
    Elsewhere,
    Ephemeral,
    Forsaken,
    Heard,
    InquiryBegun,
    InverseOfferHeld,
    InverseOffersGone,
    OfferHeld,
    OffersGone,
    OutputAwaited,
    PreviousNoted,
    Revived,
    RoundBegun,
    RunAdopted,
    SilenceAccepted,
    StrayGone,
    StraySeen,
    SurveyWanted,
    Swept,
    TrustNoted,
    Undemanding,
    VetoNoted,
    Wondered,
)
from moroccron.core.inquiry import Inquiry
from moroccron.core.offer_book import Appetite
from moroccron.core.view import View
from moroccron.model.changes import (
    AttemptChanged,
    BackfillChanged,
    Change,
    CommandAnswered,
    DagChanged,
    FrameworkChanged,
    Happened,
    JobRunChanged,
    LoadErrorsChanged,
    PoolChanged,
    PoolRemoved,
    RunChanged,
    ShareChanged,
    ShareRemoved,
    VersionAdded,
)


def apply(view: View, change: Change | Ephemeral, now: datetime) -> None:
    """Take in one change. Applying the same row twice is harmless."""
    _APPLY[type(change)](view, change, now)


def _pool_gone(view: View, change: PoolRemoved, _now: datetime) -> None:
    view.pools.pop(change.name, None)


def _load_errors(view: View, change: LoadErrorsChanged, _now: datetime) -> None:
    if change.errors:
        view.load_errors[change.file] = change.errors
    else:
        view.load_errors.pop(change.file, None)


def _connection(view: View, change: ConnectionChanged, _now: datetime) -> None:
    view.book.reset(change.connected)
    if change.connected:
        view.queue.grown |= view.queue.roles
    view.inverse.clear()
    view.doubts.clear()
    view.cut_off_told.clear()
    view.inquiry = Inquiry()
    view.subscribed_at = change.at if change.connected else None


def _inverse_gone(view: View, change: InverseOffersGone, _now: datetime) -> None:
    for offer_id in change.offer_ids:
        view.inverse.pop(offer_id, None)


def _appetite(view: View, change: AppetiteChanged, _now: datetime) -> None:
    revived = view.book.appetite(change.role).revived
    view.book.set_appetite(change.role, Appetite(change.suppressed, change.refused, revived))


def _revived(view: View, change: Revived, _now: datetime) -> None:
    view.book.set_appetite(change.role, Appetite(revived=change.at))


def _trust(view: View, change: TrustNoted, _now: datetime) -> None:
    """What was refused in the meantime may fit what is queued."""
    view.book.trusted = change.trusted
    if change.trusted:
        view.queue.grown |= view.queue.roles


def _adopted(view: View, change: RunAdopted, now: datetime) -> None:
    recalled = change.recalled
    view.versions.setdefault(recalled.version.id, recalled.version)
    view.set_run(recalled.run, now, adopt=True)
    if recalled.previous is not None:
        view.note_previous(recalled.previous)
    for job_run in recalled.job_runs:
        view.runs[recalled.run.id].set_job_run(job_run)
    for attempt in recalled.attempts:
        view.set_attempt(attempt, now)


def _backfill_adopted(view: View, change: BackfillAdopted, _now: datetime) -> None:
    view.backfills[change.backfill.id] = change.backfill


def _version(view: View, change: VersionAdded, _now: datetime) -> None:
    view.versions[change.version.id] = change.version


def _framework(view: View, change: FrameworkChanged, _now: datetime) -> None:
    view.framework_id = change.framework_id


def _veto(view: View, change: VetoNoted, _now: datetime) -> None:
    view.reasons[change.run_id, change.job_id] = change.reason


def _doubt(view: View, change: Doubted, _now: datetime) -> None:
    view.doubts[change.task_id] = change


def _doubt_gone(view: View, change: DoubtGone, _now: datetime) -> None:
    view.doubts.pop(change.task_id, None)


def _cut_off(view: View, change: CutOff, _now: datetime) -> None:
    """Patience counts from the first word, but ends only after a word on the connection that there is."""
    since = view.cut_off.setdefault(change.task_id, change.at)
    if change.task_id in view.cut_off_told:
        return
    view.cut_off_told.add(change.task_id)
    key = view.live[change.task_id]
    patience = view.policy.patience(view.spec(key))
    if patience is not None:
        view.timers.add(since + timedelta(seconds=patience), key)


def _stray_gone(view: View, change: StrayGone, _now: datetime) -> None:
    view.strays.pop(change.task_id, None)
    if change.may_return:
        view.forsake(change.task_id)
    else:
        view.forsaken.pop(change.task_id, None)


def _swept(view: View, change: Swept, _now: datetime) -> None:
    view.swept = change.at


def _survey(view: View, change: SurveyWanted, _now: datetime) -> None:
    view.inquiry.survey = change.wanted


def _nothing(_view: View, _change: object, _now: datetime) -> None:
    """History and answers are written, never read back."""


#: a table rather than a match statement: this is the hottest path of the engine
_APPLY: dict[type, Callable[[View, Any, datetime], None]] = {
    AttemptChanged: lambda view, change, now: view.set_attempt(change.attempt, now),
    JobRunChanged: lambda view, change, _: view.set_job_run(change.job_run),
    RunChanged: lambda view, change, now: view.set_run(change.run, now),
    Happened: _nothing,
    CommandAnswered: _nothing,
    DagChanged: lambda view, change, _: view.set_dag(change.dag),
    VersionAdded: _version,
    LoadErrorsChanged: _load_errors,
    FrameworkChanged: _framework,
    PoolChanged: lambda view, change, _: view.set_pool(change.pool),
    PoolRemoved: _pool_gone,
    ShareChanged: lambda view, change, _: view.set_share(change.share),
    ShareRemoved: lambda view, change, _: view.drop_share(change.owner),
    BackfillChanged: lambda view, change, _: view.set_backfill(change.backfill),
    OfferHeld: lambda view, change, _: view.book.hold(change.offer, change.at),
    OffersGone: lambda view, change, _: view.book.forget(change.offer_ids),
    InverseOfferHeld: lambda view, change, _: view.inverse.update({change.offer.id: change.offer}),
    InverseOffersGone: _inverse_gone,
    ConnectionChanged: _connection,
    AppetiteChanged: _appetite,
    Revived: _revived,
    TrustNoted: _trust,
    Doubted: _doubt,
    DoubtGone: _doubt_gone,
    CutOff: _cut_off,
    Elsewhere: lambda view, change, _: view.leave_agent(change.task_id, change.agent_id),
    OutputAwaited: lambda view, change, _: view.awaited.__setitem__(change.task_id, change),
    Undemanding: lambda view, change, _: view.take_any_agent(change.key),
    Forsaken: lambda view, change, _: view.forsake(change.task_id),
    StraySeen: lambda view, change, _: view.strays.__setitem__(change.task_id, change),
    StrayGone: _stray_gone,
    Swept: _swept,
    InquiryBegun: lambda view, change, _: view.inquiry.begin(change.tasks, survey=change.survey),
    Wondered: lambda view, change, _: view.inquiry.wonder(change.tasks),
    BatchAsked: lambda view, change, _: view.inquiry.sent(change.tasks, change.free_at),
    Heard: lambda view, change, _: view.inquiry.heard(change.task_id),
    RoundBegun: lambda view, change, _: view.inquiry.again(),
    SilenceAccepted: lambda view, change, _: view.inquiry.accept_silence(),
    SurveyWanted: _survey,
    AlarmSet: lambda view, change, _: view.timers.set_alarm(change.name, change.at),
    VetoNoted: _veto,
    PreviousNoted: lambda view, change, _: view.note_previous(change.previous),
    RunAdopted: _adopted,
    BackfillAdopted: _backfill_adopted,
}
