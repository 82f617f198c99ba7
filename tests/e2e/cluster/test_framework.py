"""The framework's own life: refused, removed, found elsewhere; each end with its exit code."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from moroccron.lifecycle import ExitCode
from tests.cluster.mesos import Agent, Master
from tests.cluster.zookeeper import ZooKeeper
from tests.e2e.cluster.conftest import NewSite
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(120)]

NewAgent = Callable[..., Agent]

DAGS = """
from moroccron import DAG, Job

with DAG("quick"):
    Job("one", '''<BEGIN>; <END>''', cpus=0.1, mem=16)

with DAG("slow"):
    Job("long", '''<BEGIN>; sleep 300; <END>''', cpus=0.1, mem=16)
"""


def test_what_the_master_is_told(new_site: NewSite, mesos_master: Master) -> None:
    site = new_site(DAGS)
    site.candidate("--role", "batch,night", "--framework-name", "ours", "--webui-url", "http://x/")
    until(mesos_master.records.frameworks, "a framework")
    (found,) = mesos_master.records.frameworks()
    assert (found["name"], found["webui_url"]) == ("ours", "http://x/")
    assert sorted(found["roles"]) == ["batch", "night"]
    assert found["failover_timeout"] == 1814400.0
    assert found["checkpoint"]


def test_a_framework_that_an_operator_tore_down(new_site: NewSite) -> None:
    site = new_site(DAGS)
    scheduler = site.candidate()
    until(site.master.records.frameworks, "a framework")
    scheduler.says("subscribed to")
    site.master.records.teardown(site.framework_id())
    assert scheduler.code() == ExitCode.FRAMEWORK_REMOVED
    again = site.candidate()
    assert again.code() == ExitCode.FRAMEWORK_REMOVED, "no loop, and the same clear word"
    again.says("framework teardown NAME")


def test_away_for_longer_than_the_failover_timeout(new_site: NewSite, mesos_master: Master) -> None:
    site = new_site(DAGS)
    first = site.candidate(failover_timeout="1")
    first.says("subscribed to")
    first.kill()
    until(lambda: not mesos_master.records.frameworks(), "the master removes the framework")
    assert site.candidate().code() == ExitCode.FRAMEWORK_REMOVED


def test_wrong_credentials(
    new_site: NewSite, new_mesos_master: Callable[..., Master], tmp_path: Path
) -> None:
    known = tmp_path / "credentials"
    known.write_text(json.dumps({"credentials": [{"principal": "me", "secret": "right"}]}))
    flags = {
        "authenticate_http_frameworks": "true",
        "http_framework_authenticators": "basic",
        "credentials": f"file://{known}",
    }
    master = new_mesos_master(credential="me:right", flags=flags)
    site = new_site(DAGS)
    secret = site.folder / "secret"
    secret.write_text("wrong\n")
    own = {"master": master.address, "principal": "me", "secret": f"file:{secret}"}
    assert site.candidate(**own).code() == ExitCode.CREDENTIALS_REFUSED
    secret.write_text("right\n")
    site.candidate(**own).says("subscribed to")


def test_a_database_that_is_not_the_frameworks(
    new_site: NewSite, mesos_agent: NewAgent, zookeeper: ZooKeeper
) -> None:
    mesos_agent()
    election = zookeeper.url("/moroccron")
    site = new_site(DAGS, election=election)
    first = site.candidate()
    site.await_success(site.trigger("quick"))
    first.end()
    other = new_site(DAGS, election=election)
    stranger = other.candidate()
    assert stranger.code() == ExitCode.FRAMEWORK_MISMATCH
    stranger.says(site.framework_id())
    site.candidate()
    site.await_success(site.trigger("quick"))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--election", "etcd://x"], "holds no elections"),
        (["--election", "zk://"], "the path in ZooKeeper is missing"),
        (["--master", "::1"], "write host:port"),
        (["--secret", "file:/no/such"], "cannot be read"),
        (["--principal", "me", "--secret", "env:NO_SUCH"], "no variable NO_SUCH"),
        (["--role", "a b"], "must be a role"),
    ],
)
def test_a_wrong_setting_ends_it_at_once(
    new_site: NewSite, words: list[str], complaint: str
) -> None:
    done = new_site(DAGS).cli("scheduler", *words)
    assert done.returncode == 2
    assert complaint in done.stderr
