"""A process that wants to lead, and writes down when it believes to: python -m tests.candidate SPEC.

Its journal is a file shared by all candidates, one line of JSON for each fact, with the machine's monotonic
time taken before the fact was asked for. Told through its standard input to resign; ends with it. It goes on
asking itself whether it leads after it has lost: the answer must stay no.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from moroccron.adapters.local.election import FileElection
from moroccron.adapters.sql.election import SqlElection
from moroccron.adapters.sql.engine import open_engine
from moroccron.adapters.zookeeper.address import zk_address
from moroccron.adapters.zookeeper.election import ZooKeeperElection
from moroccron.ports import Election

_BETWEEN_LOOKS = 0.004  #: seconds


def election_of(spec: dict[str, Any]) -> Election:
    """The adapter under test."""
    where, name, length = spec["where"], spec["name"], spec["length"]
    match spec["kind"]:
        case "file":
            return FileElection(Path(where))
        case "sql":
            return SqlElection(open_engine(where, answer_within=length), name, length=length)
        case "zookeeper":
            return ZooKeeperElection(zk_address(where), name, session=length)
    raise AssertionError(spec)


class Journal:
    def __init__(self, file: str, name: str) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._name = name

    def tell(self, what: str, at: float | None = None) -> None:
        """One write, so that lines of several processes do not mix."""
        line = {"at": time.monotonic() if at is None else at, "who": self._name, "what": what}
        os.write(self._file, (json.dumps(line) + "\n").encode())


def main() -> None:
    spec = json.loads(sys.argv[1])
    journal = Journal(spec["journal"], spec["name"])
    election = election_of(spec)
    ended = threading.Event()

    def obey() -> None:
        for word in sys.stdin:
            if word.strip() == "resign":
                journal.tell("resigning")
                election.resign()
                journal.tell("resigned")
        ended.set()

    threading.Thread(target=obey, daemon=True).start()
    journal.tell("standing")
    election.wait(lambda why: journal.tell("lost"))
    journal.tell("returned")
    while not ended.wait(_BETWEEN_LOOKS):
        at = time.monotonic()
        if election.trusted():
            journal.tell("trusted", at)
    election.resign()


main()
