"""What a retry or a mark would change, before it is asked for."""

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
