"""The loop dies at every moment between deciding and doing, on a real agent and a real database.

The witness is one file to which each job appends a line when it starts: whatever died when, each job once.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from moroccron.adapters.clock import SystemClock
from moroccron.adapters.local.driver import LocalDriver
from moroccron.adapters.sql.commands import SqlCommands
from moroccron.adapters.sql.engine import open_engine
from moroccron.adapters.sql.queries import SqlQueries
from moroccron.adapters.sql.schema import upgrade
from moroccron.adapters.sql.store import SqlStore
from moroccron.core.policy import Policy
from moroccron.core.view import View
from moroccron.feed import CommandFeed
from moroccron.loop import Loop
from moroccron.model.command import TriggerRun
from moroccron.model.events import FilesLoaded
from moroccron.model.load import LoadedFile
from moroccron.model.run import Run
from moroccron.model.states import RunState
from moroccron.testing import a_job, a_version
from tests.local_agent import AgentProcess
from tests.waiting import PATIENCE

MOMENTS = ("before commit", "after commit", "after effects")
POLICY = Policy(launch_grace=1.0, settle_time=0.1, sweep_interval=0.5)


class Crash(Exception):
    """The process dies here."""


class Site:
    """A database, an agent, and one scheduler after the other."""

    def __init__(self, folder: Path, agent: AgentProcess) -> None:
        self.url = f"sqlite:///{folder}/moroccron.db"
        upgrade(self.url)
        self.engine = open_engine(self.url)
        self.agent = agent
        self.witness = folder / "witness"

    def lead(self, pause: Callable[[str], None]) -> Run:
        """One term, until the only run is over or `pause` raises Crash."""
        store = SqlStore(self.engine)
        queries = SqlQueries(self.engine)
        driver = LocalDriver(self.agent.work_dir.agent_socket)
        clock = SystemClock()
        try:
            term = store.begin_term("test")
            snapshot = store.load()
            view = View(snapshot, term=term, now=clock.now(), policy=POLICY)
            loop = Loop(view=view, store=store, driver=driver, clock=clock, pause=pause)
            loop.emit(FilesLoaded((LoadedFile("d.py", (self.version(),)),)))
            CommandFeed(store, loop.emit).poll()
            driver.start(snapshot.framework_id, loop.emit)
            deadline = clock.monotonic() + PATIENCE
            while clock.monotonic() < deadline:
                for run in queries.runs():
                    if run.state.is_terminal:
                        return run
                loop.turn(loop.await_events())
            raise AssertionError(f"not over in time: {queries.runs()}")
        finally:
            driver.stop()
            store.close()

    def version(self):
        """Seven jobs with some width and depth; each tells the witness."""
        say = f'echo "$MOROCCRON_JOB" >> {self.witness}'
        shape = {"a": [], "b": ["a"], "c": ["a"], "d": ["a"], "e": ["b", "c"], "f": ["d"]}
        jobs = [a_job(name, up, command=say) for name, up in shape.items()]
        return a_version(jobs=[*jobs, a_job("g", ["e", "f"], command=f"{say}; sleep 0.05")])

    def told(self) -> Counter[str]:
        return Counter(self.witness.read_text().split())


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    agent = AgentProcess(tmp_path / "work")
    agent.start()
    site = Site(tmp_path, agent)
    SqlCommands(site.engine).submit(TriggerRun("d"), "test")
    yield site
    site.engine.dispose()
    agent.clean_up()


def lead_with_crashes(site: Site, dies: Callable[[str], bool]) -> Run:
    def pause(moment: str) -> None:
        if dies(moment):
            raise Crash(moment)

    for _ in range(200):
        try:
            return site.lead(pause)
        except Crash:
            continue
    raise AssertionError("it never got through")


@pytest.mark.parametrize("moment", MOMENTS)
def test_dying_once_at_each_moment_of_a_run(site: Site, moment: str) -> None:
    """Every batch is tried once and dies there, and then goes on: the n-th term dies at its n-th such moment."""
    reached, allowed = 0, 0

    def dies(name: str) -> bool:
        nonlocal reached, allowed
        if name != moment:
            return False
        reached += 1
        if reached > allowed:
            allowed, reached = allowed + 1, 0
            return True
        return False

    run = lead_with_crashes(site, dies)
    assert run.state is RunState.SUCCEEDED
    assert site.told() == Counter("abcdefg")
    assert allowed >= 3, "it hardly died"


@pytest.mark.parametrize("seed", range(4))
def test_dying_at_random(site: Site, seed: int) -> None:
    chance = random.Random(seed)
    run = lead_with_crashes(site, lambda _: chance.random() < 0.15)
    assert run.state is RunState.SUCCEEDED
    assert site.told() == Counter("abcdefg")


def test_an_older_leader_writes_and_launches_nothing_more(site: Site) -> None:
    """A second leader takes the term while the first is about to commit: the first ends without a trace."""

    def overtaken(moment: str) -> None:
        if moment == "before commit":
            SqlStore(site.engine).begin_term("rival")

    with pytest.raises(Exception, match="may not write"):
        site.lead(overtaken)
    assert not site.witness.exists()
    assert site.lead(lambda _: None).state is RunState.SUCCEEDED
    assert site.told() == Counter("abcdefg")
