"""Makes a Mesos 1.11 that runs on any Linux x86_64: `python -m tests.mesos.build [FOLDER]`.

The Mesos project published its scheduler binding on PyPI, as a packed installation that pip itself
does not take. It is fetched by its package's name, its shared object gets the libraries that it
looks for (standins.py), and host.cpp starts the master or an agent in it. Once, about 30 s.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.mesos import standins

PACKAGE = "mesos.scheduler"
FILE = "mesos.scheduler-1.11.0.linux-x86_64.tar.gz"
SHA256 = "1d376f20bca6d05ee8b90c1c123a452b28753497ccc2f1c80ea3ac94c12e8f6e"
HERE = Path(__file__).parent
#: An rpath of the old kind holds for the libraries' own libraries too. Not LD_LIBRARY_PATH: tasks
#: would inherit it, and load a stand-in.
LINKED = ("-Wl,--no-as-needed,--allow-shlib-undefined,--disable-new-dtags,-rpath,$ORIGIN/../lib",)
LIBRARIES = ("-l:libmesos-scheduler.so", "-l:libpython-absent.so", "-ldl")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")

#: Run by a Python that has pypi-simple, in a folder that goes again: pip refuses this kind of file.
FETCH = """
import os, sys
from pypi_simple import PYPI_SIMPLE_ENDPOINT, PyPISimple
package, file, folder = sys.argv[1:]
with PyPISimple(os.environ.get("PIP_INDEX_URL") or PYPI_SIMPLE_ENDPOINT) as index:
    found = [p for p in index.get_project_page(package).packages if p.filename == file]
    if not found:
        sys.exit(f"{file} is not in the index")
    index.download_package(found[0], os.path.join(folder, file))
"""


def home() -> Path:
    """Where it is, or will be."""
    named = os.environ.get("MOROCCRON_TEST_MESOS")
    return Path(named) if named else CACHE / "moroccron" / "mesos-1.11.0"


def unfit() -> str | None:
    """Why there can be no Mesos on this machine."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return "Mesos was published for Linux x86_64 alone"
    return None


def why_not(folder: Path) -> str | None:
    """Why the Mesos in this folder cannot be used; None when it can."""
    if reason := unfit():
        return reason
    if not (folder / "bin" / "mesos-host").exists():
        return f"no Mesos in {folder}: make mesos"
    if _made_of(folder) != fingerprint():
        return f"the Mesos in {folder} was made by other sources than these: make mesos"
    return None


def fingerprint() -> str:
    """Of all that decides what is built."""
    sources = [(HERE / name).read_bytes() for name in ("host.cpp", "standins.py")]
    words = " ".join([SHA256, *LINKED, *LIBRARIES]).encode()
    return hashlib.sha256(b"".join([*sources, words])).hexdigest()


def build(folder: Path) -> None:
    """Make it there, unless it is there already. Others who try at the same time wait."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.with_name(f"{folder.name}.lock")):
        if why_not(folder) is None:
            return
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="making-") as name:
            _make(Path(name))
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(Path(name) / "mesos", folder)


def _make(work: Path) -> None:
    made = work / "mesos"
    for part in ("bin", "lib"):
        (made / part).mkdir(parents=True)
    library = made / "lib" / "libmesos-scheduler.so"
    _unpack(_download(work), library)
    standins.build(library, library.parent)
    host = [
        "g++",
        "-std=c++17",
        "-O1",
        "-o",
        str(made / "bin" / "mesos-host"),
        str(HERE / "host.cpp"),
    ]
    subprocess.run([*host, f"-L{library.parent}", *LINKED, *LIBRARIES], check=True)
    (made / "made-of").write_text(fingerprint())


def _download(work: Path) -> Path:
    tool = work / "pypi-simple"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--target", str(tool), "pypi-simple"], check=True)
    environ = os.environ | {"PYTHONPATH": str(tool)}
    subprocess.run([sys.executable, "-c", FETCH, PACKAGE, FILE, str(work)], env=environ, check=True)
    file = work / FILE
    if (found := hashlib.sha256(file.read_bytes()).hexdigest()) != SHA256:
        raise SystemExit(f"{FILE} is not the one known here: its SHA-256 is {found}")
    return file


def _unpack(archive: Path, library: Path) -> None:
    with tarfile.open(archive) as files:
        member = next(m for m in files if m.isfile() and m.name.endswith("/_scheduler.so"))
        content = files.extractfile(member)
        assert content is not None, "it is a file"
        with library.open("wb") as output:
            shutil.copyfileobj(content, output)
    library.chmod(0o755)


def _made_of(folder: Path) -> str | None:
    file = folder / "made-of"
    return file.read_text() if file.exists() else None


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main(folder: Path) -> None:
    if unfit():
        sys.exit(f"No Mesos: {unfit()}")
    build(folder)
    print(f"Mesos is in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else home())
