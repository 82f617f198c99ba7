"""An agent process of its own for each test, and as many schedulers as it likes."""

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
