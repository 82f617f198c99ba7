"""What of the test cluster can be told without a cluster."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.ledger import Ledger
from tests.cluster.ports import claim_port
from tests.cluster.process import ClusterProcess, started_at, state_of, with_variable
from tests.mesos import build
from tests.mesos.kit import HELPERS, lay_out
from tests.waiting import until


class Sleeper(ClusterProcess):
    """`sleep`, with a mark in its environment."""

    script = "exec sleep 1000"

    def command(self) -> list[str]:
        return ["sh", "-c", self.script]

    def environ(self) -> dict[str, str]:
        return {"SLEEPS_FOR": str(self.folder)}

    def healthy(self) -> bool:
        return state_of(self.pid) == "S"


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Sleeper]:
    process = Sleeper("sleeper", tmp_path / "sleeper")
    yield process
    process.end()


def test_a_process_is_begun_killed_and_begun_again(sleeper: Sleeper) -> None:
    sleeper.start()
    first, began = sleeper.pid, started_at(sleeper.pid)
    assert with_variable(f"SLEEPS_FOR={sleeper.folder}") == [first]
    assert sleeper.kill() == -9
    assert not sleeper.running
    assert started_at(first) is None
    sleeper.start()
    assert (sleeper.pid, started_at(sleeper.pid)) != (first, began)


def test_a_frozen_process_goes_on(sleeper: Sleeper) -> None:
    sleeper.start()
    sleeper.pause()
    assert state_of(sleeper.pid) == "T"
    sleeper.resume()
    sleeper.wait_healthy()


def test_a_process_that_ends_by_itself_shows_its_log(sleeper: Sleeper) -> None:
    sleeper.script = "echo I cannot go on; exit 3"
    with pytest.raises(AssertionError, match=r"sleeper ended by itself\nI cannot go on"):
        sleeper.start()


def test_what_a_killed_test_run_began_ends_with_it(tmp_path: Path) -> None:
    mark = tmp_path / "sleeper"
    script = (
        "import os, pathlib\n"
        "from tests.unit.test_cluster_parts import Sleeper\n"
        f"Sleeper('sleeper', pathlib.Path({str(mark)!r})).start()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=False, timeout=30)
    assert with_variable(f"SLEEPS_FOR={mark}") == []


def test_the_ledger_ends_what_it_started_and_nothing_else(sleeper: Sleeper, tmp_path: Path) -> None:
    bystander = Sleeper("bystander", tmp_path / "bystander")
    try:
        bystander.start()
        sleeper.start()
        ledger = Ledger(tmp_path / "processes.json")
        ledger.add("sleeper", sleeper.pid)
        ledger.add("bystander", bystander.pid)
        entries = json.loads((tmp_path / "processes.json").read_text())
        entries[1]["began"] -= 1  # its pid was another's, which has ended
        (tmp_path / "processes.json").write_text(json.dumps(entries))
        sleeper.pause()  # a frozen process ends, too
        assert [entry.name for entry in ledger.end_all()] == ["sleeper"]
        assert not sleeper.running
        assert bystander.running
        assert list(ledger.end_all()) == [], "a second time there is nothing to end"
    finally:
        bystander.end()


def test_the_ledger_forgets_what_ran_before_the_machine_began(
    sleeper: Sleeper, tmp_path: Path
) -> None:
    sleeper.start()
    ledger = Ledger(tmp_path / "processes.json")
    ledger.add("sleeper", sleeper.pid)
    (entry,) = ledger.entries()
    assert entry.running
    assert not replace(entry, boot="another").running


def test_the_ledger_ends_what_outlives_a_process(sleeper: Sleeper, tmp_path: Path) -> None:
    sleeper.script = "setsid sh -c 'OUTLIVES=yes exec sleep 1000' & exec sleep 1000"
    sleeper.start()
    mark = f"SLEEPS_FOR={sleeper.folder}"
    until(lambda: len(with_variable(mark)) == 2, "both run")
    ledger = Ledger(tmp_path / "processes.json")
    ledger.add("sleeper", sleeper.pid, offspring=mark)
    assert [entry.name for entry in ledger.end_all()] == ["sleeper"]
    until(lambda: not with_variable(mark), "neither runs")


def test_a_port_is_given_once() -> None:
    ports = [claim_port() for _ in range(20)]
    assert len(set(ports)) == 20


def test_helpers_name_the_interpreter_and_keep_their_text(tmp_path: Path) -> None:
    kit = lay_out(tmp_path / "home", tmp_path / "helpers")
    for original in HELPERS.iterdir():
        first, _, rest = (kit.helpers / original.name).read_text().partition("\n")
        assert first == f"#!{os.path.realpath(sys.executable)} -IS"
        assert rest == original.read_text().partition("\n")[2]
        assert os.access(kit.helpers / original.name, os.X_OK)


def test_a_missing_mesos_says_how_to_get_it(tmp_path: Path) -> None:
    assert "make mesos" in (build.why_not(tmp_path) or "")


def test_a_mesos_of_other_sources_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "mesos-host").touch()
    (tmp_path / "made-of").write_text("something else")
    assert "other sources" in (build.why_not(tmp_path) or "")
    (tmp_path / "made-of").write_text(build.fingerprint())
    assert build.why_not(tmp_path) is None
