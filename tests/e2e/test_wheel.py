"""A wheel carries all that a checkout has: pages, migrations, example DAGs. Installed, it runs without one."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.waiting import until

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


def test_brings_pytest_a_fixture(wheel: Path, tmp_path: Path) -> None:
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "hello.py").write_text(
        'from moroccron import DAG, Job\nwith DAG("hello"):\n    Job("greet", "echo hello")\n'
    )
    (tmp_path / "test_hello.py").write_text(
        "from moroccron.testing import fails\n"
        "def test_hello(dag_runner):\n"
        '    run = dag_runner("hello").run(outcomes={"greet": fails()})\n'
        '    assert run.state == "failed"\n'
        '    assert run["greet"].command == "echo hello"\n'
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    said = run("-m", "pytest", "-q", cwd=tmp_path, PYTHONPATH=str(tmp_path / "site"))
    assert "1 passed" in said


@pytest.mark.timeout(300)
def test_runs_standalone_from_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    """The examples appear, one of them runs, and its page is drawn with the scripts that the wheel carries."""
    venv.create(tmp_path / "venv", with_pip=True, symlinks=True)
    python, home = tmp_path / "venv" / "bin" / "python", tmp_path / "home"
    home.mkdir()
    install = [str(python), "-m", "pip", "install", "--quiet", "-c", "constraints.txt", str(wheel)]
    subprocess.run(install, cwd=CHECKOUT, check=True, capture_output=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    moroccron = [str(tmp_path / "venv" / "bin" / "moroccron")]
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("MOROCCRON_", "PYTHON"))}
    with (home / "console").open("wb") as console:
        standalone = subprocess.Popen(
            [*moroccron, "standalone", "--port", str(port)],
            cwd=home,
            env=environ,
            stdout=console,
            stderr=console,
            start_new_session=True,
        )
    try:
        said = ""

        def ask(*words: str) -> bool:
            nonlocal said
            done = subprocess.run(
                [*moroccron, *words],
                cwd=home,
                env=environ,
                capture_output=True,
                text=True,
                check=False,
            )
            said = done.stdout + done.stderr
            return done.returncode == 0

        until(lambda: ask("dags", "show", "failure_and_cleanup", "--json"), "the examples", 60)
        trigger = ("runs", "trigger", "failure_and_cleanup", "--param", "exit_code=0")
        assert ask(*trigger, "--wait", "--json"), said
        assert json.loads(said)["state"] == "succeeded"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/static/graph.js", timeout=10) as page:
            assert page.status == 200
    finally:
        standalone.send_signal(signal.SIGTERM)
        assert standalone.wait(30) == 0, (home / "console").read_text()
