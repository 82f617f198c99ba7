"""Leadership by a file's lock, where it differs from other elections: the contract says the rest."""

import subprocess
import sys

from moroccron.adapters.local.election import FileElection
from tests.waiting import PATIENCE

_CANDIDATE = """
import signal, sys
from pathlib import Path
from moroccron.adapters.local.election import FileElection
signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))
print("waiting", flush=True)
FileElection(Path(sys.argv[1])).wait(print)
"""


def test_one_that_waits_heeds_signals(tmp_path):
    leader = FileElection(tmp_path / "lock")
    leader.wait(lambda _: None)
    words = [sys.executable, "-c", _CANDIDATE, str(tmp_path / "lock")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stdout.readline().strip() == "waiting"
        waiting.terminate()
        assert waiting.wait(PATIENCE) == 9
    leader.resign()


def test_one_that_has_resigned_does_not_wait(tmp_path):
    election = FileElection(tmp_path / "lock")
    election.resign()
    election.wait(lambda _: None)
    assert not election.trusted()
