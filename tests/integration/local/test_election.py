"""Leadership by a file's lock: one at a time, free at once when its holder dies or resigns."""

import subprocess
import sys
import threading

import pytest

from moroccron.adapters.local.election import FileElection, Resigned
from tests.waiting import PATIENCE

_CANDIDATE = """
import signal, sys
from pathlib import Path
from moroccron.adapters.local.election import FileElection
signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))
print("waiting", flush=True)
FileElection(Path(sys.argv[1])).wait(print)
print("elected", flush=True)
signal.pause()
"""


@pytest.fixture
def candidate(tmp_path):
    """Starts processes that want to lead; gives each's pipe of words."""
    started = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "-c", _CANDIDATE, str(tmp_path / "lock")],
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert says(process) == "waiting"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def says(process):
    return process.stdout.readline().strip()


def in_background(election):
    won = threading.Event()

    def wait():
        try:
            election.wait(lambda _: None)
        except Resigned:
            return
        won.set()

    thread = threading.Thread(target=wait)
    thread.start()
    return won, thread


def test_the_next_wins_when_the_leader_is_killed(candidate, tmp_path):
    leader = candidate()
    assert says(leader) == "elected"
    election = FileElection(tmp_path / "lock")
    won, thread = in_background(election)
    assert not won.is_set()
    leader.kill()
    assert won.wait(PATIENCE)
    thread.join()
    election.resign()


def test_the_next_wins_when_the_leader_resigns(candidate, tmp_path):
    election = FileElection(tmp_path / "lock")
    election.wait(lambda _: None)
    other = candidate()
    election.resign()
    assert says(other) == "elected"


def test_one_that_waits_can_resign(candidate, tmp_path):
    assert says(candidate()) == "elected"
    election = FileElection(tmp_path / "lock")
    won, thread = in_background(election)
    election.resign()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert not won.is_set()


def test_one_that_waits_heeds_signals(candidate):
    assert says(candidate()) == "elected"
    waiting = candidate()
    waiting.terminate()
    assert waiting.wait(PATIENCE) == 9


def test_one_that_resigned_does_not_win_later(candidate, tmp_path):
    leader = candidate()
    assert says(leader) == "elected"
    election = FileElection(tmp_path / "lock")
    _, thread = in_background(election)
    election.resign()
    thread.join(PATIENCE)
    other = candidate()
    leader.kill()
    assert says(other) == "elected"
