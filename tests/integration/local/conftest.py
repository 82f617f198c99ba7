"""An agent process of its own for each test, and as many schedulers as it likes."""

import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.local_agent import AgentProcess, Scheduler, scheduler_of


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentProcess]:
    agent = AgentProcess(tmp_path / "work")
    agent.start()
    yield agent
    agent.clean_up()


@pytest.fixture
def connect(agent: AgentProcess) -> Iterator[Callable[[], Scheduler]]:
    """Makes schedulers that are subscribed."""
    made: list[Scheduler] = []

    def connect() -> Scheduler:
        made.append(scheduler_of(agent).start())
        made[-1].subscribed()
        return made[-1]

    yield connect
    for scheduler in made:
        scheduler.driver.stop()


@pytest.fixture
def scheduler(connect: Callable[[], Scheduler]) -> Scheduler:
    return connect()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Tests speak for themselves."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address of a web server with one page."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "page.txt").write_text("from afar\n")
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
