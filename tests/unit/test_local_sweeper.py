"""Old sandboxes go; what is young, or not over, stays."""

import os

import pytest

from moroccron.adapters.local import sweeper as sweeper_module
from moroccron.adapters.local.paths import WorkDir
from moroccron.adapters.local.sweeper import DAY, Sweeper
from tests.waiting import until

NOW = 1_000_000_000.0


@pytest.fixture
def work_dir(tmp_path):
    work_dir = WorkDir(tmp_path)
    work_dir.prepare()
    return work_dir


def sandbox(work_dir, name, age_days, live=False):
    folder = work_dir.sandboxes / name
    folder.mkdir()
    (folder / "stdout").write_text("x")
    if live:
        (work_dir.live / name).write_text("{}")
    os.utime(folder, (NOW - age_days * DAY, NOW - age_days * DAY))


def left(work_dir):
    return sorted(path.name for path in work_dir.sandboxes.iterdir())


def test_removes_the_old_and_over(work_dir):
    sandbox(work_dir, "old", 8)
    sandbox(work_dir, "young", 6)
    sandbox(work_dir, "old-but-live", 8, live=True)
    assert Sweeper(work_dir, 7 * DAY, lambda: NOW).look() == 1
    assert left(work_dir) == ["old-but-live", "young"]


def test_removes_a_bounded_number_and_hurries_back(work_dir, monkeypatch):
    monkeypatch.setattr(sweeper_module, "AT_MOST", 2)
    for number in range(5):
        sandbox(work_dir, f"old{number}", 8)
    sweeper = Sweeper(work_dir, 7 * DAY, lambda: NOW)
    assert [sweeper.look() for _ in range(4)] == [2, 2, 1, 0]


def test_follows_no_link(work_dir, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    (work_dir.sandboxes / "link").symlink_to(outside)
    os.utime(work_dir.sandboxes / "link", (0, 0), follow_symlinks=False)
    Sweeper(work_dir, 7 * DAY, lambda: NOW).look()
    assert (outside / "precious").exists()


def test_looks_in_the_background(work_dir):
    sandbox(work_dir, "old", 8)
    sweeper = Sweeper(work_dir, 7 * DAY, lambda: NOW)
    assert sweeper.sweep() == sweeper_module.PAUSE
    until(lambda: left(work_dir) == [], "it is gone")
