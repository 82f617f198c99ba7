"""What tests import. For authors of DAGs: outcomes, and `DagRunner`, the value of the fixture `dag_runner`. For
tests of moroccron itself: a store in memory, a clock that is set by hand, and builders of values.

Shipped, so that tests outside this repository may lean on it as well. Must not know any adapter.
"""

from moroccron.testing.builders import (
    EPOCH,
    a_dag,
    a_job,
    a_job_run,
    a_run,
    a_run_of,
    a_version,
    an_attempt,
)
from moroccron.testing.dag_runner import DagRunner, DagUnderTest
from moroccron.testing.fake_clock import FakeClock
from moroccron.testing.memory_store import MemoryStore
from moroccron.testing.outcomes import Misused, Outcome, fails, hangs, lost, succeeds
from moroccron.testing.played import PlayedAttempt, PlayedJob, PlayedRun
from moroccron.testing.playing import agent
from moroccron.testing.reading import DagFileRefused

__all__ = [
    "EPOCH",
    "DagFileRefused",
    "DagRunner",
    "DagUnderTest",
    "FakeClock",
    "MemoryStore",
    "Misused",
    "Outcome",
    "PlayedAttempt",
    "PlayedJob",
    "PlayedRun",
    "a_dag",
    "a_job",
    "a_job_run",
    "a_run",
    "a_run_of",
    "a_version",
    "agent",
    "an_attempt",
    "fails",
    "hangs",
    "lost",
    "succeeds",
]
