"""What follows from a task's record, read once, twice, or in pieces."""

import errno
import json
import os

import pytest

from moroccron.adapters.local import executor
from moroccron.adapters.local.paths import WorkDir
from moroccron.adapters.local.records import Records
from moroccron.adapters.local.task import Process, from_record

LAUNCH = {
    "what": "launch",
    "at": 1.0,
    "agent_id": "a",
    "launch": {"task_id": "t", "resources": {"cpus": 500}, "ports": [9, 8], "timeout": 60.0},
}
SPAWNED = {
    "what": "spawned",
    "at": 2.0,
    "stage": "run",
    "pid": 7,
    "start": 70,
    "start_by": 71,
    "boot": "b",
}
FETCHING = {**SPAWNED, "stage": "fetch", "pid": 6}
KILL = {"what": "kill", "at": 3.0, "reason": "requested", "grace": 4.0}
ENDED = {"what": "ended", "at": 5.0, "stage": "run", "exit_code": 0}
LOST = {"what": "verdict", "at": 5.0, "state": "lost", "reason": "gone", "message": "m"}


def task(*lines):
    made = from_record("t", [LAUNCH, *lines])
    assert made is not None
    return made


def states(made):
    return [update.state for update in made.pending]


@pytest.mark.parametrize(
    ("lines", "expected", "reason"),
    [
        ([ENDED], "finished", None),
        ([{**ENDED, "exit_code": 1}], "failed", "command_failed"),
        ([{**ENDED, "exit_code": 137, "signal": 9}], "failed", "command_failed"),
        ([{**ENDED, "stage": "fetch", "exit_code": 1}], "failed", "fetch_failed"),
        ([{**ENDED, "exit_code": 127, "error": "e"}], "failed", "command_not_started"),
        ([KILL, ENDED], "killed", "kill_requested"),
        ([{**KILL, "reason": "timeout"}, ENDED], "failed", "max_completion_time_reached"),
        ([{**KILL, "reason": "stopped"}, ENDED], "killed", "agent_stopped"),
        ([KILL, LOST], "killed", "kill_requested"),
        ([LOST], "lost", "gone"),
    ],
)
def test_the_end(lines, expected, reason):
    made = task(SPAWNED, *lines)
    assert states(made) == ["running", expected]
    assert made.pending[-1].reason == reason
    assert made.ended


def test_a_kill_after_the_end_changes_nothing():
    """The executor's line may come to the file before the agent's, or the other way round."""
    late = {**KILL, "at": 6.0}
    assert states(task(SPAWNED, ENDED, late)) == states(task(SPAWNED, late, ENDED))
    assert states(task(SPAWNED, late, ENDED))[-1] == "finished"


def test_lines_taken_in_twice_do_nothing():
    once, twice = task(SPAWNED, KILL), task(SPAWNED, KILL, SPAWNED, KILL)
    assert once == twice
    assert task(SPAWNED, ENDED) == task(SPAWNED, ENDED, SPAWNED, ENDED)


def test_a_fetch_is_no_run():
    made = task(FETCHING)
    assert states(made) == []
    assert (made.last, made.started, made.process) == (None, None, Process(6, 70, 71, "b"))
    made.apply(SPAWNED)
    made.apply(FETCHING)
    assert made.last is not None
    assert (made.last.state, made.started) == ("running", 2.0)
    assert made.process == Process(7, 70, 71, "b")


def test_uuids_are_the_same_after_a_restart_and_differ_from_each_other():
    one, other = task(SPAWNED, ENDED), task(SPAWNED, ENDED)
    uuids = [update.uuid for update in one.pending]
    assert uuids == [update.uuid for update in other.pending]
    assert len(set(uuids)) == 2


def test_it_is_over_when_its_end_was_heard_and_all_before():
    made = task(SPAWNED)
    running = made.pending[0].uuid
    assert not made.acknowledge(running)
    made.apply(ENDED)
    assert not made.acknowledge("another")
    assert made.acknowledge(made.pending[0].uuid)


def test_ports_are_held_one_by_one():
    assert [(part.first, part.last) for part in task().ports] == [(8, 8), (9, 9)]
    assert task().resources.ports == 2


@pytest.mark.parametrize("lines", [[], [SPAWNED]])
def test_a_record_without_its_launch_is_none(lines):
    assert from_record("t", lines) is None


def throw(error):
    raise error


class TestRecords:
    @pytest.fixture
    def records(self, tmp_path):
        work_dir = WorkDir(tmp_path)
        work_dir.prepare()
        return Records(work_dir)

    def test_move_to_the_sandbox_when_closed(self, records):
        records.create("t", LAUNCH)
        records.append("t", KILL)
        assert dict(records.live()) == {"t": [LAUNCH, KILL]}
        records.close("t")
        records.close("t")
        assert dict(records.live()) == {}
        assert records.find("t") == [LAUNCH, KILL]

    def test_an_id_is_used_once(self, records):
        records.create("t", LAUNCH)
        records.close("t")
        with pytest.raises(FileExistsError):
            records.create("t", LAUNCH)

    def test_a_torn_line_counts_for_nothing(self, records):
        records.create("t", LAUNCH)
        with open(records.path("t"), "a") as file:
            file.write('{"what": "ki')
        assert records.find("t") == [LAUNCH]

    def test_a_torn_line_does_not_spoil_the_next(self, records):
        records.create("t", LAUNCH)
        with open(records.path("t"), "a") as file:
            file.write('{"what": "ki')
        records.append("t", KILL)
        executor._append(records.path("t"), b'{"what": "spa')
        os.truncate(records.path("t"), os.path.getsize(records.path("t")) - 1)
        executor._append(records.path("t"), json.dumps(SPAWNED).encode())
        assert records.find("t") == [LAUNCH, KILL, SPAWNED]

    def test_what_the_disk_takes_in_parts_is_written_whole(self, records, monkeypatch):
        write = os.write
        monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:7]))
        records.create("t", LAUNCH)
        records.append("t", KILL)
        executor._append(records.path("t"), json.dumps(SPAWNED).encode())
        assert records.find("t") == [LAUNCH, KILL, SPAWNED]

    def test_a_launch_that_a_full_disk_tears_is_none(self, records, monkeypatch):
        write, full = os.write, OSError(errno.ENOSPC, "no space left")
        answers = [lambda fd, data: write(fd, data[:7]), lambda fd, data: throw(full)]
        monkeypatch.setattr(os, "write", lambda fd, data: answers.pop(0)(fd, data))
        with pytest.raises(OSError, match="no space left"):
            records.create("t", LAUNCH)
        assert dict(records.live()) == {}

    @pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../t", "nobody", "x" * 300, "a\0b"])
    def test_nothing_is_found_where_nothing_is(self, records, name):
        assert records.find(name) == []
