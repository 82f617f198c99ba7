"""How a command ends: one number per reason, promised to scripts. Must not know any command."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The number with which a process of ours ends."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    NO_LEADER = 5
    DATABASE = 6
    ALREADY_RUNNING = 7
    PORT_IN_USE = 8
    INTERRUPTED = 130


MEANINGS: dict[ExitCode, str] = {
    ExitCode.OK: "done; with --wait, the run succeeded",
    ExitCode.FAILED: "the run did not succeed, a DAG file is wrong, or something unexpected",
    ExitCode.USAGE: "wrong arguments or settings",
    ExitCode.NOT_FOUND: "no such DAG, run, job, attempt, backfill or DAG file",
    ExitCode.REFUSED: "the leader refused; the message says why",
    ExitCode.NO_LEADER: "the time to wait is over: no leader answered, or with --wait, the run goes on; "
    "what was asked stays stored",
    ExitCode.DATABASE: "the database cannot be used: absent, unreachable or to be upgraded",
    ExitCode.ALREADY_RUNNING: "another process already does this for this work_dir",
    ExitCode.PORT_IN_USE: "the port is taken",
    ExitCode.INTERRUPTED: "ended by Ctrl-C",
}

#: how `moroccron scheduler` may end beside these, in the numbers of `moroccron.lifecycle`
SCHEDULER_MEANINGS: dict[int, str] = {
    70: "an unforeseen error; the next scheduler begins with what was committed",
    75: "the database took no commit",
    80: "another scheduler leads with a newer term",
    81: "the lead was lost",
    82: "the election refuses this candidate: credentials, or a wrong address",
    83: "the database and ZooKeeper hold different framework ids, or jobs run on another cluster",
    84: "the framework was removed from Mesos",
    85: "another scheduler has subscribed under this framework's id",
    86: "the Mesos master refuses the principal or its secret",
}


def epilog() -> str:
    """The table, for the end of --help. The mark keeps click from refilling the lines."""
    lines = [f"  {code.value:>3}  {meaning}" for code, meaning in MEANINGS.items()]
    return "\b\nExit codes:\n" + "\n".join(lines)
