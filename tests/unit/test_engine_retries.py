"""The engine: what becomes of attempts that failed, by whose doing it was."""

import pytest

from moroccron.core.policy import Policy
from moroccron.model.command import TriggerRun
from moroccron.model.constraint import Constraint, Operator
from moroccron.model.effects import Revive
from moroccron.model.failure import FailureClass
from moroccron.model.resources import Resources
from moroccron.model.states import ReportedState
from moroccron.testing import a_job, a_version
from moroccron.testing.engine import Engine

R, C = ReportedState, FailureClass
OOM = {"reason": "container_limitation_memory", "exit_code": 137}


def started(*jobs, **fields):
    engine = Engine(a_version(jobs=jobs, **fields))
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    return engine


def end(engine, state, **fields):
    engine.report(engine.task("a"), R.RUNNING)
    engine.report(engine.task("a"), state, **fields)


@pytest.mark.parametrize(
    ("state", "fields", "found"),
    [
        (R.FAILED, {"exit_code": 1, "reason": "command_executor_failed"}, C.JOB),
        (R.FAILED, OOM, C.OUT_OF_MEMORY),
        (R.FAILED, {"reason": "container_launch_failed", "message": "no such image"}, C.FETCH),
        (R.LOST, {"reason": "agent_removed"}, C.AGENT),
        (R.DROPPED, {"reason": "invalid_offers", "source": "master"}, C.MASTER),
        (R.KILLED, {"reason": "agent_draining"}, C.DRAINED),
        (R.FINISHED, {}, None),
    ],
)
def test_the_class_is_kept_with_the_attempt(state, fields, found):
    engine = started(a_job("a"))
    engine.offer()
    end(engine, state, **fields)
    assert engine.attempts("a")[0].failure is found


def test_a_launch_that_was_refused_is_not_tried_again():
    engine = started(a_job("a"))
    engine.offer()
    engine.report(engine.task("a"), R.ERROR, message="it asks for too much")
    assert engine.attempts("a")[0].failure is C.LAUNCH
    assert engine.jobs() == {"a": "failed"}


def test_only_the_jobs_own_failures_use_up_its_retries():
    engine = started(a_job("a", retries=1))
    for state, fields in (
        (R.LOST, {"reason": "agent_removed"}),
        (R.KILLED, {"reason": "agent_draining"}),
        (R.FAILED, {"exit_code": 1}),
        (R.FAILED, {"exit_code": 1}),
    ):
        assert engine.jobs() == {"a": "queued"}
        engine.offer()
        end(engine, state, **fields)
    (job_run,) = engine.job_runs()
    assert (str(job_run.state), job_run.failures, job_run.losses) == ("failed", 2, 1)


def test_memory_that_ran_out_is_doubled_up_to_the_cap_also_across_a_failover():
    engine = started(
        a_job("a", resources=Resources(cpus=100, mem=1000), memory_on_oom=3000, retries=0)
    )
    asked = []
    for _ in range(3):
        engine.crash()
        engine.subscribe()
        engine.offer()
        asked.append(engine.launches[engine.task("a")].resources.mem)
        end(engine, R.FAILED, **OOM)
    assert asked == [1000, 2000, 3000]
    assert engine.jobs() == {"a": "failed"}
    causes = [row.line.cause for row in engine.store.history() if row.line.job_id == "a"]
    assert "retry after failed (out_of_memory) with 2000 MiB" in causes


def test_what_needs_more_memory_waits_for_an_agent_that_has_it():
    engine = started(
        a_job("a", resources=Resources(cpus=100, mem=1000), memory_on_oom=2000, retries=0)
    )
    engine.offer(mem=1500)
    end(engine, R.FAILED, **OOM)
    engine.offer(mem=1500)
    assert engine.jobs() == {"a": "queued"}
    engine.offer(mem=2000, agent="a2")
    assert engine.jobs() == {"a": "launching"}


def test_a_retry_goes_to_another_agent_if_there_is_one():
    engine = started(a_job("a", retries=2, retry_delay=5.0))
    engine.offer(agent="a1")
    end(engine, R.FAILED, exit_code=1)
    engine.crash()
    engine.subscribe()
    engine.pass_time(4.5)
    engine.offer(agent="a1")
    engine.offer(agent="a2", cpus=1000)
    engine.pass_time(0.5)
    assert [a.agent_id for a in engine.attempts("a")] == ["a1", "a2"]


def test_a_retry_goes_back_rather_than_waiting():
    engine = started(a_job("a", retries=1))
    engine.offer(agent="a1")
    end(engine, R.FAILED, exit_code=1)
    engine.offer(agent="a1")
    assert [a.agent_id for a in engine.attempts("a")] == ["a1", "a1"]


def retried(policy, **offer):
    """A job that failed on a1, when a1 alone is offered again."""
    engine = Engine(a_version(jobs=(a_job("a", retries=3),)), policy=policy)
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    engine.offer(**offer)
    end(engine, R.FAILED, exit_code=1)
    engine.offer(**offer)
    return engine


CHOOSY = Policy(retry_elsewhere=5.0)


def test_a_retry_waits_a_while_for_another_agent():
    engine = retried(CHOOSY)
    assert engine.jobs() == {"a": "queued"}
    engine.pass_time(2)
    engine.offer()
    said = engine.attempts("a")[-1].message
    assert said == "retry: it ended badly on the only agent before, and waits a moment for another"
    engine.offer(agent="a2")
    assert engine.attempts("a")[-1].agent_id == "a2"


def test_a_retry_takes_the_agent_it_would_avoid_before_it_waits_for_ever():
    engine = retried(CHOOSY)
    engine.pass_time(4.9)
    engine.offer()
    assert engine.jobs() == {"a": "queued"}
    engine.pass_time(0.1)
    assert engine.sent(Revive), "its refusals are taken back"
    engine.offer()
    attempt = engine.attempts("a")[-1]
    assert (attempt.agent_id, attempt.number) == ("a1", 2)
    assert attempt.launched == engine.at(5)


def test_the_wait_for_another_agent_counts_from_the_retry_also_across_a_failover():
    engine = retried(CHOOSY)
    engine.pass_time(3)
    engine.crash()
    engine.subscribe()
    engine.offer()
    assert engine.jobs() == {"a": "queued"}
    engine.pass_time(2)
    engine.offer()
    assert engine.jobs() == {"a": "launching"}


def test_where_retries_do_not_wait_the_same_agent_will_do():
    engine = retried(Policy(retry_elsewhere=0.0))
    assert engine.attempts("a")[-1].agent_id == "a1"


def test_what_jobs_require_of_agents_holds_for_the_wait_too():
    engine = Engine(
        a_version(
            jobs=(a_job("a", retries=1, constraints=(Constraint("rack", Operator.IS, "r1"),)),)
        ),
        policy=CHOOSY,
    )
    engine.subscribe()
    engine.ask(TriggerRun("d"))
    engine.offer(attributes={"rack": "r1"})
    end(engine, R.FAILED, exit_code=1)
    engine.offer(agent="a2", attributes={"rack": "r2"})
    assert engine.jobs() == {"a": "queued"}
    engine.offer(agent="a3", attributes={"rack": "r1"})
    assert engine.attempts("a")[-1].agent_id == "a3"
