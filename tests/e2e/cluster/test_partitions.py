"""Agents cut off for longer than their jobs wait, or for good; and task ids that are met again."""

import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from moroccron.lifecycle import ExitCode
from moroccron.model.command import KillRun, Outcome
from moroccron.model.states import AttemptState, RunState
from tests.cluster.mesos import Agent, Master
from tests.cluster.site import Candidate, Site
from tests.e2e.cluster.conftest import NewSite
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

NewAgent = Callable[..., Agent]

#: jobs that last until the test lets them go, however long the machine takes for it
HELD = """
from moroccron import DAG, Job

WAIT = '''<BEGIN>; while [ ! -e "{gate}" ]; do sleep 0.1; done; <END>'''

with DAG("waits"):
    Job("long", WAIT, cpus=0.1, mem=16)

with DAG("replaces"):
    Job("long", WAIT, cpus=0.1, mem=16, replace_after=3)
"""


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """What the jobs wait for."""
    return tmp_path / "gate"


@pytest.fixture
def held(new_site: NewSite, gate: Path) -> Site:
    return new_site(HELD.replace("{gate}", str(gate)))


def begun(site: Site, dag_id: str, times: int = 1) -> str:
    run_id = site.trigger(dag_id)
    until(lambda: site.lines() == ["long"] * times, "it runs", 60)
    return run_id


def leads(site: Site, scheduler: Candidate) -> bool:
    row = site.queries.leader()
    return row is not None and row.holder.endswith(f":{scheduler.pid}")


def copy(database: Path, to: Path) -> None:
    """With all that is still in its log."""
    with closing(sqlite3.connect(database)) as old, closing(sqlite3.connect(to)) as new:
        old.backup(new)


def attempt_states(site: Site, run_id: str) -> list[str]:
    return [str(attempt.state) for attempt in site.attempts(run_id)]


def test_replaced_elsewhere_and_killed_on_return(
    held: Site, gate: Path, mesos_agent: NewAgent
) -> None:
    first_agent = mesos_agent()
    held.candidate()
    run_id = begun(held, "replaces")
    second_agent = mesos_agent()
    first_agent.pause()
    until(lambda: len(held.lines()) == 2, "the second attempt runs", 60)
    assert attempt_states(held, run_id)[0] == "lost"
    assert first_agent.tasks(), "the first runs on, as far as anybody can know"
    first_agent.resume()
    until(lambda: not first_agent.tasks(), "the first is killed on its return", 60)
    gate.touch()
    held.await_success(run_id)
    first, second = held.attempts(run_id)
    assert (first.state, second.state) == (AttemptState.LOST, AttemptState.SUCCEEDED)
    assert (first.agent_id, second.agent_id) == (first_agent.id, second_agent.id)
    assert held.lines("end") == ["long"], "by the witness only the second came to its end"
    (job_run,) = held.queries.job_runs(run_id)
    assert (job_run.failures, job_run.losses) == (0, 1)
    history = [(h.line.number, h.line.cause) for h in held.queries.history(run_id=run_id)]
    flags = [(n, cause) for n, cause in history if "came back" in cause or "beside" in cause]
    assert flags == [
        (1, "came back after it was given up: killed"),
        (2, "attempt 1 may have run beside it"),
    ]


def test_waits_until_an_operator_says_that_the_agent_is_gone(
    held: Site, gate: Path, mesos_agent: NewAgent, mesos_master: Master
) -> None:
    lost = mesos_agent()
    held.candidate()
    run_id = begun(held, "waits")
    agent_id = lost.id
    lost.end()
    until(lambda: attempt_states(held, run_id) == ["unreachable"], "cut off", 60)
    other = mesos_agent()
    threading.Event().wait(5)  # longer than any other agent would be offered and used
    assert attempt_states(held, run_id) == ["unreachable"]
    gate.touch()
    mesos_master.records.call("MARK_AGENT_GONE", mark_agent_gone={"agent_id": {"value": agent_id}})
    held.await_success(run_id)
    first, second = held.attempts(run_id)
    assert (first.state, first.reason is not None) == (AttemptState.LOST, True)
    assert second.agent_id == other.id
    (job_run,) = held.queries.job_runs(run_id)
    assert (job_run.failures, job_run.losses) == (0, 1), "without charge"


def test_a_persons_kill_ends_the_waiting_and_reaches_the_task_later(
    held: Site, mesos_agent: NewAgent
) -> None:
    agent = mesos_agent()
    held.candidate()
    run_id = begun(held, "waits")
    agent.pause()
    until(lambda: attempt_states(held, run_id) == ["unreachable"], "cut off", 60)
    assert held.ask(KillRun(run_id)).outcome is Outcome.DONE
    assert held.await_end(run_id).state is RunState.KILLED
    assert agent.tasks()
    agent.resume()
    until(lambda: not agent.tasks(), "it is killed when its agent is back", 60)
    assert held.lines("end") == []


def test_a_backup_is_restored_while_a_job_runs(
    held: Site, gate: Path, mesos_agent: NewAgent
) -> None:
    """What ran at the time of the backup goes on; what was launched since is an orphan, told and killed."""
    agent = mesos_agent()
    scheduler = held.candidate()
    known = begun(held, "waits")
    until(lambda: attempt_states(held, known) == ["running"], "its row says so")
    assert scheduler.kill(signal.SIGTERM) == ExitCode.STOPPED
    database, backup = held.folder / "moroccron.db", held.folder / "backup.db"
    copy(database, backup)

    scheduler = held.candidate()
    until(lambda: leads(held, scheduler), "it leads")
    since = begun(held, "waits", times=2)
    orphan = held.attempts(since)[0].task_id
    assert scheduler.kill(signal.SIGTERM) == ExitCode.STOPPED

    held.engine.dispose()
    for leftover in held.folder.glob(f"{database.name}*"):
        leftover.unlink()
    copy(backup, database)
    scheduler = held.candidate()
    until(lambda: leads(held, scheduler), "it leads from the backup")
    again = begun(held, "waits", times=3)
    until(lambda: len(agent.sandboxes()) == 3, "no id twice: each has its sandbox")
    orphans = until(
        lambda: [h.line for h in held.queries.history(limit=5000) if "orphan" in h.line.cause],
        "the orphan is told",
        60,
    )
    assert [orphan in line.message for line in orphans] == [True]
    gate.touch()
    for run_id in (known, again):
        held.await_success(run_id)
    written = [line.split() for line in held.witness.read_text().splitlines()]
    assert max(Counter(map(tuple, written)).values()) == 1, "no attempt began or ended twice"
    assert {words[2] for words in written if words[0] == "begin"} == {
        held.attempts(known)[0].task_id,
        held.attempts(again)[0].task_id,
        orphan,
    }
    assert scheduler.running
