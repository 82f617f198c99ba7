"""A wheel carries all that a checkout has: pages, migrations, example DAGs."""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

pytestmark = pytest.mark.e2e

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(CHECKOUT))
    (built,) = folder.glob("*.whl")
    return built


def run(*args: str, cwd: Path = CHECKOUT, **env: str) -> str:
    command = [sys.executable, *args]
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | env, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files_below(folder: str) -> set[str]:
    """What git would keep, plus what the build made: caches aside, all that lies there."""
    paths = (CHECKOUT / folder).rglob("*")
    return {
        path.relative_to(CHECKOUT / folder).as_posix()
        for path in paths
        if path.is_file() and path.suffix != ".pyc"
    }


@pytest.mark.parametrize(
    ("folder", "inside"),
    [
        ("moroccron", "moroccron"),
        ("migrations", "moroccron/_migrations"),
        ("dags", "moroccron/_dags"),
    ],
)
def test_carries_the_folder(wheel: Path, folder: str, inside: str) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {f"{inside}/{file}" for file in files_below(folder)} <= names


def test_carries_the_pages_and_no_tests(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {f"moroccron/api/static/{name}" for name in ("app.js", "app.css", "graph.js")} <= names
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"moroccron"}


def test_finds_its_folders_where_it_is_installed(wheel: Path, tmp_path: Path) -> None:
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    found = run(
        "-c",
        "from moroccron.resources import examples_dir; print(examples_dir())",
        cwd=tmp_path,
        PYTHONPATH=str(tmp_path),
    )
    assert Path(found.strip()) == tmp_path / "moroccron" / "_dags"
