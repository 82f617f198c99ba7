"""What a retry or a mark would change, of a job or of a run, before it is asked for."""

from dataclasses import dataclass

from moroccron.model.states import JobRunState


@dataclass(frozen=True, slots=True)
class JobMove:
    """A job of the run that would stand otherwise."""

    job_id: str
    before: JobRunState
    after: JobRunState  #: `queued`: it would run, `waiting`: it would wait for jobs upstream again
    cause: str | None = None  #: the upstream job that would close it, if one would


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of a job and of those downstream of it, were it retried or marked now."""

    run_id: str
    job: JobMove
    #: the jobs downstream that would stand otherwise, in topological order
    follows: tuple[JobMove, ...] = ()
    ends_attempt: bool = False  #: an attempt lives, and would be ended before the mark counts
    reopens_run: bool = False  #: the run is over, and would run again
    refused: str | None = None  #: why it would not be done at all


@dataclass(frozen=True, slots=True)
class RunPreview:
    """What would become of a run, were it run again now."""

    run_id: str
    own_version_id: str
    newest_version_id: str
    version_id: str  #: on which it would go on
    moves: tuple[JobMove, ...] = ()  #: jobs that would stand otherwise, in topological order
    new: tuple[str, ...] = ()  #: jobs that it would have anew from that version
    gone: tuple[str, ...] = ()  #: jobs that the version has no more: kept, and of no account
    at_work: tuple[
        str, ...
    ] = ()  #: jobs that were asked for, and are let be since they are not over
    reopens_run: bool = False  #: the run is over, and would run again
    refused: str | None = None  #: why it would not be done at all
