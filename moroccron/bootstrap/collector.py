"""Python's cycle collector, told that a scheduler's many rows are no garbage."""

import gc

#: allocations between two looks at the youngest objects, and how many of those between the older ones
THRESHOLDS = (50_000, 20, 50)


def collect_rarely() -> None:
    """Look for cycles less often.

    Rows live long, are many and form no cycles, and every full collection walks them all: with the defaults that
    took a tenth to a fifth of the engine's time at 30,000 jobs.
    """
    gc.set_threshold(*THRESHOLDS)
