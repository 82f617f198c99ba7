"""Exceptions, for bugs and for a broken outside. Expected outcomes are values, not exceptions.

Every exception of moroccron has one root, so that a caller may catch the product without catching the world.
"""


class MoroccronError(Exception):
    """The root of all our exceptions."""


class DagInvalid(MoroccronError):
    """A definition that cannot be accepted. Names what is wrong, where, and the remedy.

    `field` is the argument's name as the author wrote it; `job_id` is None when the DAG itself is wrong.
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str,
        field: str | None = None,
        dag_id: str | None = None,
        job_id: str | None = None,
        line: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.field = field
        self.dag_id = dag_id
        self.job_id = job_id
        self.line = line


class Fenced(MoroccronError):
    """A commit carried a term that is no longer the newest: another leader writes now. Final."""


class StoreUnavailable(MoroccronError):
    """The database could not take a commit, after the adapter's own retries. Final for this process."""


class TablesUnfit(StoreUnavailable):
    """The database answers, but its tables are absent or of another moroccron. Says what would help."""


class ElectionRefused(MoroccronError):
    """Whoever holds the election will not have us, and asking again is of no use. Says what would help."""


class FrameworkMismatch(MoroccronError):
    """Two places remember different framework ids: one of them is not ours. Says what to look at."""


class IllegalMove(MoroccronError):
    """One of our own inputs does not fit the state of an attempt: a bug. Carries the attempt's story."""


class LogUnavailable(MoroccronError):
    """Whoever keeps a log does not answer, or says nothing of it: it may be there later. Says who and why."""


class NotFound(MoroccronError):
    """A reader asked for something that is not there. The message names it and how to list what is."""
