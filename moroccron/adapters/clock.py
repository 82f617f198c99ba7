"""The real clock behind the Clock port. Must not know who asks, or why."""

import time
from datetime import UTC, datetime


class SystemClock:
    """This machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()
