"""Answers to operators who want to maintain an agent: will anything of ours be left there when they begin?

An answer binds nobody and moves nothing; that no job is launched which would last too long is the packer's matter.
Questions are answered at the end of a batch, so that what it launched and what it ended is counted.
"""

from datetime import datetime, timedelta

from moroccron.core.draft import Draft
from moroccron.core.ephemera import InverseOffersGone
from moroccron.core.graph import lasts
from moroccron.model.effects import AcceptInverse, DeclineInverse
from moroccron.model.offer import InverseOffer
from moroccron.model.run import Attempt


def answer_inverse_offers(draft: Draft) -> None:
    """Accept where all of ours will be over; decline elsewhere, to be asked again later."""
    questions = draft.view.inverse
    if not questions:
        return
    ends = _ends(draft)
    leaving = tuple(q.id for q in questions.values() if _will_have_left(q, ends))
    staying = tuple(q.id for q in questions.values() if q.id not in leaving)
    seconds = draft.view.policy.inverse_interval
    draft.note(InverseOffersGone(leaving + staying))
    if leaving:
        draft.do(AcceptInverse(leaving, seconds))
    if staying:
        draft.do(DeclineInverse(staying, seconds))


def _will_have_left(question: InverseOffer, ends: dict[str | None, datetime | None]) -> bool:
    asked = ends if question.agent_id is None else {question.agent_id}
    for agent_id in asked:
        if agent_id in ends:
            end = ends[agent_id]
            if end is None or end > question.unavailable_from:
                return False
    return True


def _ends(draft: Draft) -> dict[str | None, datetime | None]:
    """By agent with anything live: when the last of it will be over; None: nobody can tell."""
    found: dict[str | None, datetime | None] = {}
    for attempt in draft.view.live_attempts():
        end = _end(draft, attempt)
        before = found.get(attempt.agent_id, end)
        found[attempt.agent_id] = None if end is None or before is None else max(end, before)
    return found


def _end(draft: Draft, attempt: Attempt) -> datetime | None:
    """By its timeout, or as assumed. What should be over and is not may last for ever."""
    run = draft.view.runs[attempt.run_id]
    spec = run.graph.specs[run.graph.position[attempt.job_id]]
    begun = attempt.started or draft.now
    end = begun + timedelta(seconds=lasts(spec, draft.view.policy))
    return end if end > draft.now else None
