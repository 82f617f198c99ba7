"""The words for where things stand, the same in code, tables, API and pages."""

from enum import StrEnum


class AttemptState(StrEnum):
    """Where one try stands, as observed. What is *wanted* of it is `Attempt.kill`, a field apart."""

    QUEUED = "queued"  #: decided, not yet placed; may hold `not_before`
    #: committed with agent and task id; the launch may or may not have been sent
    LAUNCHING = "launching"
    RUNNING = "running"  #: its command was seen to run
    UNREACHABLE = "unreachable"  #: its agent is cut off; it may run on and may come back
    SUCCEEDED = "succeeded"  #: ended with exit code 0
    FAILED = "failed"  #: ended by its own fault, or could never be launched as defined
    KILLED = "killed"  #: ended because somebody or some limit of ours wanted it
    LOST = "lost"  #: ended, or never began, by the infrastructure's fault; costs no retry

    @property
    def is_terminal(self) -> bool:
        """No input moves the attempt any more."""
        return self in TERMINAL_ATTEMPTS

    @property
    def is_live(self) -> bool:
        """It may hold an agent's resources: launched and not known to have ended."""
        return self in LIVE_ATTEMPTS


TERMINAL_ATTEMPTS = frozenset(
    {AttemptState.SUCCEEDED, AttemptState.FAILED, AttemptState.KILLED, AttemptState.LOST}
)
LIVE_ATTEMPTS = frozenset({AttemptState.LAUNCHING, AttemptState.RUNNING, AttemptState.UNREACHABLE})


class JobRunState(StrEnum):
    """Where a job within a run stands: a function of its attempts, its trigger rule and people's marks."""

    WAITING = "waiting"  #: its trigger rule has not decided
    QUEUED = "queued"  #: ready, waits for an offer
    LAUNCHING = "launching"
    RUNNING = "running"
    UNREACHABLE = "unreachable"
    RETRYING = "retrying"  #: the last attempt ended, the next waits for its delay
    SUCCEEDED = "succeeded"
    FAILED = "failed"  #: no retry left
    LOST = "lost"  #: lost more often than is bearable
    KILLED = "killed"
    SKIPPED = "skipped"  #: its rule can never hold, without a failure upstream
    UPSTREAM_FAILED = "upstream_failed"  #: its rule can never hold, because of a failure upstream
    NOT_SELECTED = (
        "not_selected"  #: left out of this run; to the jobs downstream as if it were not there
    )

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL_JOB_RUNS

    @property
    def is_failure(self) -> bool:
        """Counts as a failure for the jobs downstream and for the run."""
        return self in FAILED_JOB_RUNS


FAILED_JOB_RUNS = frozenset(
    {JobRunState.FAILED, JobRunState.LOST, JobRunState.KILLED, JobRunState.UPSTREAM_FAILED}
)
#: not run, and nobody's failure
PASSED_OVER = frozenset({JobRunState.SKIPPED, JobRunState.NOT_SELECTED})
#: what a person may say that a job has come to
MARKS = frozenset({JobRunState.SUCCEEDED, JobRunState.FAILED, JobRunState.SKIPPED})
TERMINAL_JOB_RUNS = FAILED_JOB_RUNS | PASSED_OVER | {JobRunState.SUCCEEDED}


class RunState(StrEnum):
    """Where a run stands: a function of its job runs and of its DAG's limits."""

    QUEUED = "queued"  #: created, held back by max_active_runs
    RUNNING = "running"
    SUCCEEDED = "succeeded"  #: every job that decides it succeeded or was passed over
    #: at least one job that decides it ended in failure, whatever ran after it; or it took too long
    FAILED = "failed"
    KILLED = "killed"  #: a person ended it

    @property
    def is_terminal(self) -> bool:
        return self not in (RunState.QUEUED, RunState.RUNNING)


class RunKind(StrEnum):
    """What called a run into being."""

    SCHEDULED = "scheduled"
    MANUAL = "manual"
    BACKFILL = "backfill"
    TRIGGERED = "triggered"  #: the end of another run, or an event


class KillReason(StrEnum):
    """Why an attempt, or a run, is wanted dead."""

    REQUESTED = "requested"  #: a person asked
    OVERLAP = "overlap"  #: a run of its DAG that overlaps with it was preferred
    TIMEOUT = "timeout"  #: it ran longer than its job allows; counts as a failure
    QUEUE_WAIT = "queue_wait"  #: it found no place within the time that its job allows
    JOB_TIMEOUT = "job_timeout"  #: with its retries the job took longer than it may
    RUN_TIMEOUT = "run_timeout"  #: the run took longer than its DAG allows
    MARKED = "marked"  #: a person said what its job has come to


class ReportedState(StrEnum):
    """What an agent or a master says of a task, in the words of the Mesos 1.x scheduler API."""

    STAGING = "staging"
    STARTING = "starting"
    RUNNING = "running"
    KILLING = "killing"
    FINISHED = "finished"
    FAILED = "failed"
    KILLED = "killed"
    ERROR = "error"
    LOST = "lost"
    DROPPED = "dropped"
    UNREACHABLE = "unreachable"
    GONE = "gone"
    GONE_BY_OPERATOR = "gone_by_operator"
    UNKNOWN = "unknown"
