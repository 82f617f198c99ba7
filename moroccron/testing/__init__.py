"""What tests import: a store in memory, a clock that is set by hand, and builders of values.

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
from moroccron.testing.fake_clock import FakeClock
from moroccron.testing.memory_store import MemoryStore

__all__ = [
    "EPOCH",
    "FakeClock",
    "MemoryStore",
    "a_dag",
    "a_job",
    "a_job_run",
    "a_run",
    "a_run_of",
    "a_version",
    "an_attempt",
]
