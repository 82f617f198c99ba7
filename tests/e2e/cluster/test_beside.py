"""What lives beside a leader: web processes that need none, and an embedded agent to which a database may move."""

import json
import signal
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from moroccron.lifecycle import ExitCode
from moroccron.model.command import KillRun
from tests.cluster.engine import Moroccron
from tests.cluster.mesos import Agent
from tests.cluster.ports import claim_port
from tests.cluster.site import Candidate, Site
from tests.e2e.cluster.conftest import NewSite
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

NewAgent = Callable[..., Agent]

DAGS = """
from moroccron import DAG, Job

with DAG("quick"):
    Job("one", '''<BEGIN>; <END>''', cpus=0.1, mem=16)

with DAG("slow"):
    Job("long", '''<BEGIN>; sleep 300; <END>''', cpus=0.1, mem=16)
"""


class Web(Moroccron):
    """`moroccron web` of a site."""

    def __init__(self, site: Site) -> None:
        port = str(claim_port())
        self.url = f"http://127.0.0.1:{port}"
        super().__init__(
            "web", site.folder / "web", ["web", "--port", port], page=f"{self.url}/healthz"
        )
        self._settings = site.settings | {"MOROCCRON_WORK_DIR": str(site.folder / "web")}

    def environ(self) -> dict[str, str]:
        return self._settings

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=20) as answer:
            return str(answer.read().decode())

    def post(self, path: str) -> dict[str, object]:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, b"{}", headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return dict(json.loads(answer.read()))


@pytest.fixture
def new_web() -> Iterator[Callable[[Site], Web]]:
    begun: list[Web] = []

    def begin(site: Site) -> Web:
        begun.append(Web(site))
        begun[-1].start()
        return begun[-1]

    yield begin
    for web in begun:
        web.end()


def test_the_web_needs_no_leader(
    new_site: NewSite, mesos_agent: NewAgent, new_web: Callable[[Site], Web]
) -> None:
    mesos_agent()
    site = new_site(DAGS)
    web = new_web(site)
    assert json.loads(web.get("/api/v1/health"))["leader"] is None, "nobody ever led"
    first = site.candidate()
    site.await_success(site.trigger("quick"))
    first.kill()
    holder = str(json.loads(web.get("/api/v1/health"))["leader"]["holder"])
    assert holder.endswith(f":{first.pid}"), "who wrote last"
    for page in ("/", "/dags/quick"):
        assert "quick" in web.get(page)
    command = web.post("/api/v1/dags/quick/runs")["id"]
    told = f"/api/v1/commands/{command}"
    assert json.loads(web.get(told))["status"] == "pending"
    site.candidate()
    until(lambda: len(site.lines("end")) == 2, "what was asked of nobody is done", 60)
    assert json.loads(web.get(told))["status"] == "done"


class Embedded:
    """An embedded agent, and schedulers for it, over a site's database."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._folder = site.folder / "embedded"
        environ = site.settings | {"MOROCCRON_WORK_DIR": str(self._folder), "MOROCCRON_MASTER": ""}
        self.agent = Candidate("agent", self._folder, ["agent"], environ)
        self.agent.start(wait=False)

    def scheduler(self) -> Candidate:
        return self._site.candidate(master="", work_dir=str(self._folder))

    def end(self) -> None:
        if self.agent.running:
            self.agent.kill(signal.SIGTERM)


@pytest.fixture
def embedded(new_site: NewSite) -> Iterator[tuple[Site, Embedded]]:
    site = new_site(DAGS)
    embedded = Embedded(site)
    yield site, embedded
    embedded.end()


def test_a_database_moves_to_mesos_and_back(
    embedded: tuple[Site, Embedded], mesos_agent: NewAgent
) -> None:
    site, here = embedded
    mesos_agent()
    for begin in (here.scheduler, site.candidate, here.scheduler, site.candidate):
        scheduler = begin()
        run_id = site.trigger("quick")
        site.await_success(run_id)
        (attempt,) = site.attempts(run_id)
        on_mesos = attempt.agent_url is not None
        assert on_mesos == (begin == site.candidate)
        assert scheduler.kill(signal.SIGTERM) == ExitCode.STOPPED
    assert len(site.master.records.frameworks()) == 1, "the same one again"


@pytest.mark.parametrize("first", ["embedded", "mesos"])
def test_it_does_not_move_while_something_runs(
    embedded: tuple[Site, Embedded], mesos_agent: NewAgent, first: str
) -> None:
    site, here = embedded
    mesos_agent()
    before, after = site.candidate, here.scheduler
    if first == "embedded":
        before, after = after, before
    scheduler = before()
    run_id = site.trigger("slow")
    until(lambda: site.lines() == ["long"], "it runs")
    assert scheduler.kill(signal.SIGTERM) == ExitCode.STOPPED
    refused = after()
    assert refused.code() == ExitCode.FRAMEWORK_MISMATCH
    refused.says("Start the scheduler as it was before")
    before()
    site.ask(KillRun(run_id))
    site.await_end(run_id)
    assert site.lines() == ["long"]
