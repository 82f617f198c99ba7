"""A scheduler that ends by kill -9 at a crash point: python -m tests.cluster.crashing POINT TIMES.

Its settings are those of its environment. POINT is one that the loop names; it dies when it comes there for the
TIMESth time.
"""

import os
import signal
import sys
from itertools import count
from pathlib import Path

from moroccron.bootstrap.scheduler import build_scheduler
from moroccron.settings import read


def main(point: str, times: int) -> int:
    reading = read(flags={}, environ=os.environ, folder=Path.cwd())
    lifecycle = build_scheduler(reading.settings)
    numbers = count(1)

    def pause(name: str) -> None:
        if name == point and next(numbers) == times:
            os.kill(os.getpid(), signal.SIGKILL)

    lifecycle._pause = pause
    return lifecycle.run()


sys.exit(main(sys.argv[1], int(sys.argv[2])))
