"""A web process as people start it, over a SQLite file that the test writes to, and Debian's Chromium."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from moroccron.adapters.local.paths import WorkDir
from moroccron.adapters.sql.engine import open_engine
from moroccron.adapters.sql.queries import SqlQueries
from moroccron.adapters.sql.schema import upgrade
from moroccron.adapters.sql.store import SqlStore
from moroccron.model.changes import Change, CommandAnswered
from moroccron.model.command import Answer, Command, Outcome
from moroccron.testing.world import a_world
from tests.waiting import until

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--no-sandbox", "--disable-background-networking"]


class Site:
    """The served pages, and the leader's side of the database behind them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = datetime.now(UTC)
        self.url = ""
        self._database = f"sqlite:///{folder / 'site.db'}"
        upgrade(self._database)
        self._engine = open_engine(self._database)
        self._store = SqlStore(self._engine)
        self.queries = SqlQueries(self._engine)
        self._term = self._store.begin_term("host-a:1")
        self.commit(*a_world(self.now))

    def start(self) -> subprocess.Popen[str]:
        settings = {"database": self._database, "port": "0", "work-dir": str(self.folder)}
        flags = [word for name, value in settings.items() for word in (f"--{name}", value)]
        process = subprocess.Popen(
            [sys.executable, "-m", "moroccron.cli.main", "web", *flags],
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.folder,
        )
        assert process.stdout is not None
        self.url = process.stdout.readline().split()[-1].rstrip("/")
        return process

    def commit(self, *changes: Change) -> None:
        self._store.commit(self._term, changes)

    def run(self, dag_id: str = "nightly-report", place: int = 0) -> str:
        """The id of a run, newest first. Of the nightly report: 0 runs, 1 failed."""
        return self.queries.runs(dag_id=dag_id, limit=place + 1)[place].id

    def command(self) -> Command:
        """The oldest command that has no answer."""
        return until(lambda: self._store.unanswered_commands(0, 1), "a command")[0]

    def answer(self, command: Command, outcome: Outcome, detail: str) -> None:
        self.commit(CommandAnswered(Answer(command.id, outcome, detail, self.now)))

    def sandbox(self, name: str) -> Path:
        """A sandbox that the web process reads logs from."""
        path = WorkDir(self.folder.absolute()).sandboxes / name
        path.mkdir(parents=True)
        return path

    def close(self) -> None:
        self._store.close()
        self._engine.dispose()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site of the test's own, to write to."""
    with served(tmp_path) as site:
        yield site


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that is only read, shared by the tests that do no more."""
    with served(tmp_path_factory.mktemp("still")) as site:
        yield site


@contextmanager
def served(folder: Path) -> Iterator[Site]:
    site = Site(folder)
    process = site.start()
    try:
        yield site
    finally:
        process.terminate()
        process.communicate(timeout=20)
        site.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """A page of the test's own site."""
    with opened(browser, site) as page:
        yield page


@pytest.fixture
def reader(browser: Browser, still: Site) -> Iterator[Page]:
    """A page of the site that is only read."""
    with opened(browser, still) as page:
        yield page


@contextmanager
def opened(browser: Browser, site: Site) -> Iterator[Page]:
    """A page of the site; what it complains of on its console fails the test."""
    context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield page
    # Left, not closed: contexts end with their browser, and closing one has been seen to hang in Chromium.
    page.goto("about:blank")
    assert complaints == []
