"""The real loop on a simulated cluster: turns it, and moves time to whatever comes next."""

from collections.abc import Callable
from datetime import datetime

from moroccron.loop import Loop
from moroccron.simulation.clock import VirtualClock
from moroccron.simulation.cluster import SimulatedCluster


class Standstill(Exception):
    """Nothing will ever happen again, and what was waited for has not."""


def play(
    loop: Loop,
    cluster: SimulatedCluster,
    clock: VirtualClock,
    until: Callable[[], bool],
    *,
    at_most: datetime | None = None,
) -> int:
    """Turn the loop until the condition holds; the number of turns. Time passes only when nothing is left to do."""
    turns = 0
    while not until():
        cluster.advance()
        events = loop.drain()
        wake = loop.next_wake()
        if events or (wake is not None and wake <= clock.now()):
            loop.turn(events)
            turns += 1
            continue
        moments = [moment for moment in (wake, cluster.next_due()) if moment is not None]
        if not moments or (at_most is not None and min(moments) > at_most):
            raise Standstill(f"at {clock.now()} after {turns} turns")
        clock.move_to(min(moments))
    return turns
