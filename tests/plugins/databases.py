"""Databases for tests: SQLite files, and a PostgreSQL server of our own that ends with the session.

`empty_database` and `database` are URLs, once for each kind; the latter's tables are there already.
"""

import glob
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from moroccron.adapters.sql.schema import upgrade

KINDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
SERVER_SETTINGS = (
    "-c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    " -c shared_buffers=32MB -c max_connections=50"
)

Program = Callable[[str], str]


class PostgresServer:
    """A server in a folder of its own, reached by a Unix socket there. Does not run as root."""

    def __init__(self, program: Program) -> None:
        self._program = program
        # Not pytest's own folder: another user must reach it, and a socket's path is short.
        self._folder = Path(tempfile.mkdtemp(prefix="moroccron-pg-"))
        self._data = str(self._folder / "data")
        self._user = _unprivileged_user()
        self._numbers = count(1)
        if self._user:
            shutil.chown(self._folder, self._user)

    def start(self) -> None:
        self.initialise()
        self.begin()

    def initialise(self) -> None:
        options = ["--auth=trust", "--username=moroccron", "--encoding=UTF8", "--no-sync"]
        self._run("initdb", "-D", self._data, *options)

    def begin(self) -> None:
        """Serve what the folder holds, also after a death."""
        settings = f"-k {self._folder} {SERVER_SETTINGS}"
        log = str(self._folder / "log")
        self._run("pg_ctl", "start", "-w", "-t", "50", "-D", self._data, "-l", log, "-o", settings)

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", self._data)

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def create(self, template: str = "template1") -> str:
        """The URL of a new database."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql://moroccron@/{name}?host={self._folder}"

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [self._program(program), *words],
            user=self._user,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            timeout=55,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stdout or self._log()}")

    def _log(self) -> str:
        file = self._folder / "log"
        return file.read_text() if file.exists() else "no log"


def _unprivileged_user() -> str | None:
    """Whom to run as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    return "postgres" if _has_user("postgres") else "nobody"


def _has_user(name: str) -> bool:
    return any(line.startswith(f"{name}:") for line in Path("/etc/passwd").read_text().splitlines())


def find_program(name: str) -> str | None:
    """A server program. Debian keeps them off the PATH, in a folder for each version."""
    versions = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: float(p.split("/")[4]))
    return shutil.which(name, path=os.pathsep.join([*reversed(versions), os.environ["PATH"]]))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The session's server. Without PostgreSQL's programs the test is skipped, which CI refuses."""
    if find_program("initdb") is None or find_program("pg_ctl") is None:
        pytest.skip("initdb and pg_ctl are not here: install the package `postgresql`")
    server = PostgresServer(lambda name: find_program(name) or name)
    try:
        server.start()
        yield server
        server.stop()
    finally:
        server.remove()


@pytest.fixture(params=KINDS)
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database in which there is nothing."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/moroccron.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "moroccron.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> str:
    url = postgres.create()
    upgrade(url)
    return url.split("/")[3].split("?")[0]


@pytest.fixture
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Makes a database of a kind whose tables are there and empty; the answer is its URL."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "moroccron.db")
            return f"sqlite:///{tmp_path}/moroccron.db"
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.create(template=request.getfixturevalue("postgres_template"))

    return make


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, new_database: Callable[[str], str]) -> str:
    """The URL of a database whose tables are there and empty."""
    return new_database(request.param)
