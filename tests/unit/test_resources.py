"""The folders that a wheel carries are found in both layouts."""

from pathlib import Path

import pytest

from moroccron.resources import ResourceMissing, examples_dir, locate


def folder(path: Path, *files: str) -> Path:
    path.mkdir(parents=True)
    for file in files:
        (path / file).touch()
    return path


def test_checkout_keeps_them_at_its_top_level(tmp_path: Path) -> None:
    expected = folder(tmp_path / "migrations", "env.py")
    found = locate("migrations", marker="env.py", package=tmp_path / "moroccron", checkout=tmp_path)
    assert found == expected


def test_wheel_has_its_own_copy_which_comes_first(tmp_path: Path) -> None:
    package = tmp_path / "moroccron"
    expected = folder(package / "_migrations", "env.py")
    folder(tmp_path / "migrations", "env.py")
    assert locate("migrations", marker="env.py", package=package, checkout=tmp_path) == expected


def test_folder_of_a_stranger_is_not_taken_for_ours(tmp_path: Path) -> None:
    folder(tmp_path / "dags", "theirs.py")
    with pytest.raises(ResourceMissing, match="install moroccron again"):
        locate("dags", marker="README.md", package=tmp_path / "moroccron", checkout=tmp_path)


def test_examples_are_here() -> None:
    assert (examples_dir() / "README.md").is_file()
