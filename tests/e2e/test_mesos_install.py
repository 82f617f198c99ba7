"""moroccron for Mesos installs as the documentation says, without a compiler, on each Python that is here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CHECKOUT = Path(__file__).parents[2]
VERSIONS = ("3.11", "3.12", "3.13")
OURS = f"{sys.version_info.major}.{sys.version_info.minor}"
SCRIPT = "import pymesos; from http_parser.http import HttpParser; print(pymesos.__VERSION__)"


def python_of(version: str) -> str | None:
    """An interpreter of this version, if one answers."""
    if version == OURS:
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [shutil.which(f"python{version}")]
    candidates += [str(path) for path in pyenv.glob(f"versions/{version}.*/bin/python3")]
    return next((found for found in candidates if found and _answers(found)), None)


def _answers(python: str) -> bool:
    return subprocess.run([python, "-V"], capture_output=True, check=False).returncode == 0


@pytest.mark.may_skip("CI need not have every Python")
@pytest.mark.parametrize("version", VERSIONS)
def test_without_a_compiler(version: str, tmp_path: Path) -> None:
    python = python_of(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    environ = os.environ | {"CC": "/bin/false", "CXX": "/bin/false"}

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=CHECKOUT, env=environ, text=True, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(python, "-m", "venv", str(tmp_path / "venv"))
    bin = tmp_path / "venv" / "bin"
    pip = [str(bin / "pip"), "install", "--disable-pip-version-check", "-c", "constraints.txt"]
    run(*pip, "./packages/http-parser")
    run(*pip, ".[mesos]")
    assert run(str(bin / "python"), "-W", "error", "-c", SCRIPT) == "0.3.15\n"
    assert "--master" in run(str(bin / "moroccron"), "scheduler", "--help")
