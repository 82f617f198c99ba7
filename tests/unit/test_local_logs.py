"""Logs from sandboxes: by offset, live, and never from anywhere else."""

import os
from datetime import UTC, datetime

import pytest

from moroccron.adapters.local.logs import SandboxLogs
from moroccron.model.outputs import FILE, MOST
from moroccron.model.run import Attempt
from moroccron.model.states import AttemptState
from moroccron.ports import LogChunk, Stream

GONE = LogChunk(b"", 0, 0, gone=True)


@pytest.fixture
def sandbox(tmp_path):
    folder = tmp_path / "sandboxes" / "task"
    folder.mkdir(parents=True)
    (folder / "stdout").write_bytes(b"0123456789")
    (folder / "stderr").write_bytes(b"")
    (tmp_path / "secret").write_bytes(b"secret")
    return folder


@pytest.fixture
def logs(tmp_path):
    return SandboxLogs(tmp_path)


def attempt(sandbox):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    path = None if sandbox is None else str(sandbox)
    return Attempt("r", "j", 1, AttemptState.RUNNING, now, sandbox=path)


@pytest.mark.parametrize(
    ("offset", "length", "data", "begin"),
    [
        (0, 100, b"0123456789", 0),
        (3, 4, b"3456", 3),
        (-4, 100, b"6789", 6),
        (-4, 2, b"67", 6),
        (-100, 100, b"0123456789", 0),
        (10, 100, b"", 10),
        (50, 100, b"", 50),
        (0, -1, b"", 0),
    ],
)
def test_parts(logs, sandbox, offset, length, data, begin):
    assert logs.read(attempt(sandbox), Stream.STDOUT, offset, length) == LogChunk(data, begin, 10)


def test_an_empty_one_is_not_gone(logs, sandbox):
    assert logs.read(attempt(sandbox), Stream.STDERR, 0, 100) == LogChunk(b"", 0, 0)


def test_growth_is_seen(logs, sandbox):
    with open(sandbox / "stdout", "ab") as file:
        file.write(b"more")
    assert logs.read(attempt(sandbox), Stream.STDOUT, 10, 100) == LogChunk(b"more", 10, 14)


def test_without_a_sandbox_it_is_gone(logs, sandbox):
    assert logs.read(attempt(None), Stream.STDOUT, 0, 100) == GONE
    assert logs.read(attempt(sandbox.parent / "removed"), Stream.STDOUT, 0, 100) == GONE


@pytest.mark.parametrize("place", ["", "..", ".", "task/..", "task/../..", "../sandboxes/task/.."])
def test_no_way_leads_out_by_name(logs, sandbox, tmp_path, place):
    (tmp_path / "stdout").write_bytes(b"secret")
    (tmp_path / "sandboxes" / "stdout").write_bytes(b"secret")
    path = f"{tmp_path}/sandboxes/{place}"
    assert logs.read(attempt(path), Stream.STDOUT, 0, 100) == GONE


def test_no_way_leads_out_by_links(logs, sandbox, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "stdout").write_bytes(b"secret")
    (sandbox / "stdout").unlink()
    (sandbox / "stdout").symlink_to(tmp_path / "secret")
    assert logs.read(attempt(sandbox), Stream.STDOUT, 0, 100) == GONE
    link = sandbox.parent / "link"
    link.symlink_to(tmp_path / "elsewhere")
    assert logs.read(attempt(link), Stream.STDOUT, 0, 100) == GONE


def test_what_is_no_file_is_not_waited_for(logs, sandbox):
    (sandbox / "stdout").unlink()
    os.mkfifo(sandbox / "stdout")
    assert logs.read(attempt(sandbox), Stream.STDOUT, 0, 100) == GONE


# ------------------------------------------------------------------ outputs


def test_an_output_is_the_file_of_that_name(logs, sandbox):
    assert logs.read_output(attempt(sandbox)) is None
    (sandbox / FILE).write_bytes(b'{"a": 1}')
    assert logs.read_output(attempt(sandbox)) == b'{"a": 1}'


def test_of_one_that_is_too_large_so_much_is_read_that_it_shows(logs, sandbox):
    (sandbox / FILE).write_bytes(b"x" * (3 * MOST))
    assert logs.read_output(attempt(sandbox)) == b"x" * (MOST + 1)


def test_an_output_leads_nowhere_else(logs, sandbox, tmp_path):
    (sandbox / FILE).symlink_to(tmp_path / "secret")
    assert logs.read_output(attempt(sandbox)) is None
    (sandbox / FILE).unlink()
    os.mkfifo(sandbox / FILE)
    assert logs.read_output(attempt(sandbox)) is None
    assert logs.read_output(attempt(tmp_path)) is None
    assert logs.read_output(attempt(None)) is None
