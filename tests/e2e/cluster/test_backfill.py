"""A backfill outlives the schedulers that work on it, and each job of each of its runs runs once."""

from collections.abc import Callable

import pytest

from moroccron.model.backfill import BackfillState
from moroccron.model.states import RunState
from tests.cluster.mesos import Agent
from tests.e2e.cluster.conftest import NewSite
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

NewAgent = Callable[..., Agent]

RUNS = 60
JOBS = 3

DAGS = """
from datetime import datetime
from moroccron import DAG, Job

# The clocks of this zone go forward within these days, on March 29th: 02:30 does not exist then.
with DAG(
    "sales", schedule="30 2 * * *", timezone="Europe/Berlin", max_active_runs=1, end=datetime(2026, 4, 20),
    defaults=dict(cpus=0.2, mem=16),
):
    extract = Job("extract", '''<BEGIN>; sleep 0.2; <END>''')
    load = Job("load", '''<BEGIN>; sleep 0.3; <END>''')
    report = Job("report", '''<BEGIN>; <END>''')
    extract >> load >> report
"""


def test_sixty_runs_and_two_kills(new_site: NewSite, mesos_agent: NewAgent) -> None:
    mesos_agent()
    site = new_site(DAGS)
    site.candidate()
    until(lambda: site.queries.dags(), "the DAG is stored")
    words = ["--from", "2026-02-01", "--to", "2026-04-02", "--max-active", "6"]
    foreseen = site.cli("backfill", "create", "sales", *words, "--dry-run")
    assert foreseen.returncode == 0, foreseen.stderr
    assert foreseen.stdout.count("sales@") == RUNS, foreseen.stdout
    created = site.cli("backfill", "create", "sales", *words)
    assert created.returncode == 0, created.stderr
    for enough in (30, 100):
        until(lambda n=enough: len(site.lines()) >= n, f"{enough} jobs have begun", 120)
        leader = site.leader()
        leader.kill()
        site.candidate()
    watched = site.cli("backfill", "watch", "1", timeout=240)
    assert watched.returncode == 0, watched.stdout + watched.stderr

    (backfill,) = site.queries.backfills()
    assert backfill.backfill.state is BackfillState.DONE
    runs = site.queries.runs(limit=2 * RUNS)
    assert len(runs) == RUNS
    assert {run.state for run in runs} == {RunState.SUCCEEDED}
    for kind in ("begin", "end"):
        told = site.tasks(kind)
        assert len(told) == len(set(told)) == RUNS * JOBS, kind
