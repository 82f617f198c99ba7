"""The embedded agent process: its settings, its lock, its command line.

It offers this machine's resources and runs what a scheduler sends, in sandboxes. It DOES NOT ISOLATE: tasks run
as ordinary processes of this user; resources are counted, not enforced; there are no images.
"""

import argparse
import fcntl
import logging
import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from moroccron.adapters.local.identity import Identity
from moroccron.adapters.local.notation import of_this_machine, parse_attributes, parse_resources
from moroccron.adapters.local.paths import WorkDir
from moroccron.adapters.local.server import Server
from moroccron.adapters.local.sweeper import DAY, Sweeper
from moroccron.model.errors import MoroccronError

log = logging.getLogger("moroccron.agent")

NO_ISOLATION = (
    "this agent does not isolate: jobs run as ordinary processes of this machine, their resources are "
    "counted but not enforced, and a job with an image is refused"
)


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """What an agent can be told. Resources and attributes are in Mesos' notation; empty: this machine's."""

    work_dir: Path
    resources: str = ""
    attributes: str = ""
    hostname: str = ""
    retention_days: float = 7.0


class AgentRuns(MoroccronError):
    """Another agent has this work directory."""


def run_agent(config: AgentConfig) -> int:
    """Be the agent of a work directory until told to stop; the exit code."""
    work_dir = WorkDir(config.work_dir.absolute())
    work_dir.prepare()
    lock = _lock(work_dir)
    if lock is None:
        raise AgentRuns(f"an agent already runs in {work_dir.root}; use another work directory")
    try:
        total = parse_resources(config.resources, of_this_machine(work_dir.root))
        attributes = parse_attributes(config.attributes)
        identity = Identity(work_dir.identity, config.hostname or socket.gethostname(), attributes)
        log.warning("%s", NO_ISOLATION)
        log.info("agent %s in %s offers %s", identity.agent_id, work_dir.root, total.resources)
        Server(work_dir, identity, total, Sweeper(work_dir, config.retention_days * DAY)).run()
    finally:
        os.close(lock)
    return 0


def agent_is_running(work_dir: Path) -> bool:
    """Whether an agent holds this work directory."""
    layout = WorkDir(work_dir.absolute())
    if not layout.agent_lock.exists():
        return False
    lock = _lock(layout)
    if lock is None:
        return True
    os.close(lock)
    return False


def _lock(work_dir: WorkDir) -> int | None:
    """The work directory's lock, held until the descriptor is closed or the process dies; None: taken."""
    lock = os.open(work_dir.agent_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m moroccron.adapters.local.agent`: the agent with nothing else of the product loaded."""
    parser = argparse.ArgumentParser(prog="moroccron agent", description=NO_ISOLATION)
    parser.add_argument("--work-dir", type=Path, required=True)
    parser.add_argument("--resources", default="", help="e.g. cpus:8;mem:4096;ports:[31000-31100]")
    parser.add_argument("--attributes", default="", help="e.g. rack:a;zone:z1")
    parser.add_argument("--hostname", default="", help="the name to offer under")
    parser.add_argument("--retention-days", type=float, default=7.0, help="how long sandboxes stay")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    try:
        return run_agent(AgentConfig(**vars(given)))
    except MoroccronError as error:
        print(f"moroccron agent: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
