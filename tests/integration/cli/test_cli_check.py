"""`moroccron dags check`: authors' files, good and broken, without a database."""

import json
from pathlib import Path

import pytest

from tests.integration.cli.conftest import World

GOOD = """
from moroccron import DAG, Job
with DAG("good", schedule="@daily") as dag:
    Job("a", "true") >> Job("b", "true")
"""
BAD_CRON = """
from moroccron import DAG, Job
with DAG("bad", schedule="61 * * * *") as dag:
    Job("a", "true")
"""
CYCLE = """
from moroccron import DAG, Job
with DAG("ring") as dag:
    a, b = Job("a", "true"), Job("b", "true")
    a >> b >> a
"""
RAISES = """
from moroccron import DAG
raise RuntimeError("no luck today")
"""


@pytest.fixture
def dags(bare: World) -> Path:
    folder = bare.folder / "dags"
    folder.mkdir()
    return folder


def test_good_files(bare: World, dags: Path) -> None:
    (dags / "good.py").write_text(GOOD)
    result = bare.run("dags", "check")
    assert result.exit_code == 0, result.output
    assert "1 file, 1 DAG, 2 jobs" in result.stdout
    assert result.stderr == ""
    assert not (bare.folder / ".moroccron").exists()


def test_json_of_good_files(bare: World, dags: Path) -> None:
    (dags / "good.py").write_text(GOOD)
    found = bare.json("dags", "check", "dags/good.py")
    [file] = found["files"]
    [dag] = file["dags"]
    assert (file["file"], dag["id"], dag["jobs"]) == ("good.py", "good", 2)
    assert found["load_errors"] == []


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (BAD_CRON, "wrong.py:3", "schedule"),
        (CYCLE, "wrong.py", "a >> b >> a"),
        (RAISES, "wrong.py:3", "no luck today"),
        ("with DAG(", "wrong.py:1", ""),
    ],
)
def test_broken_files_name_place_and_remedy(
    bare: World, dags: Path, text: str, place: str, words: str
) -> None:
    (dags / "wrong.py").write_text(text)
    (dags / "good.py").write_text(GOOD)
    result = bare.run("dags", "check")
    assert result.exit_code == 1
    first, remedy = result.stderr.splitlines()[:2]
    assert first.startswith(f"{place}")
    assert words in first
    assert remedy.startswith("    ")
    assert remedy.strip()
    assert "1 error in 1 of 2 files, 1 DAG, 2 jobs" in result.stdout


def test_json_of_broken_files(bare: World, dags: Path) -> None:
    (dags / "wrong.py").write_text(BAD_CRON)
    result = bare.run("dags", "check", "--json")
    assert result.exit_code == 1
    [error] = json.loads(result.stdout)["load_errors"]
    assert (error["file"], error["line"], error["field"]) == ("wrong.py", 3, "schedule")
    assert error["message"]
    assert error["remedy"]


def test_a_path_that_is_not_there(bare: World) -> None:
    result = bare.run("dags", "check", "nowhere.py")
    assert result.exit_code == 3
    assert "there is no file or folder nowhere.py" in result.stderr


def test_an_empty_folder(bare: World, dags: Path) -> None:
    result = bare.run("dags", "check", str(dags))
    assert result.exit_code == 3
    assert "no DAG files in" in result.stderr
