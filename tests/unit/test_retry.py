"""What follows an attempt's end."""

import pytest

from moroccron.core.retry import (
    LOSS_DELAY_CAP,
    MAX_AVOIDED,
    MAX_FALSE_STARTS,
    MAX_LOSSES,
    GiveUp,
    Retry,
    after,
    avoided,
    charge,
)
from moroccron.model.failure import FailureClass
from moroccron.model.resources import Resources
from moroccron.model.states import AttemptState, JobRunState
from moroccron.testing import EPOCH, a_job, an_attempt

FAILED, LOST = AttemptState.FAILED, AttemptState.LOST


def follow(ended, failure=None, *, counted=(0, 0), hopeless=False, attempt=None, **fields):
    spec = a_job(resources=Resources(cpus=100, mem=1000), **fields)
    row = an_attempt("r", state=ended, failure=failure, **(attempt or {}))
    failures, losses = counted
    return after(row, spec, failures=failures, losses=losses, hopeless=hopeless, now=EPOCH)


def wait(said):
    assert isinstance(said, Retry), said
    return (said.at - EPOCH).total_seconds()


def test_success_is_final():
    assert follow(AttemptState.SUCCEEDED) == GiveUp(JobRunState.SUCCEEDED)


def test_a_kill_is_final_whatever_retries_are_left():
    assert follow(AttemptState.KILLED, retries=9) == GiveUp(JobRunState.KILLED)


@pytest.mark.parametrize(
    ("retries", "failures", "retried"), [(0, 1, False), (1, 1, True), (1, 2, False), (3, 3, True)]
)
def test_failures_use_up_retries(retries, failures, retried):
    said = follow(FAILED, retries=retries, counted=(failures, 0))
    assert said == (Retry(EPOCH) if retried else GiveUp(JobRunState.FAILED))


def test_an_invalid_launch_is_not_tried_again():
    said = follow(FAILED, FailureClass.LAUNCH, retries=9, counted=(0, 1), hopeless=True)
    assert said == GiveUp(JobRunState.FAILED)


class TestDelays:
    def test_a_fixed_one(self):
        waits = [
            wait(follow(FAILED, retries=9, counted=(n, 0), retry_delay=90.0)) for n in (1, 2, 5)
        ]
        assert waits == [90, 90, 90]

    def test_an_exponential_one_has_a_cap(self):
        fields = {"retries": 9, "retry_delay": 10.0, "retry_backoff": 3.0, "retry_delay_max": 100.0}
        waits = [wait(follow(FAILED, counted=(n, 0), **fields)) for n in (1, 2, 3, 4)]
        assert waits == [10, 30, 90, 100]

    def test_the_cap_holds_for_the_first_too(self):
        assert (
            wait(follow(FAILED, retries=1, counted=(1, 0), retry_delay=9.0, retry_delay_max=4.0))
            == 4
        )

    def test_chance_takes_off_its_share_and_is_the_attempts_own(self):
        fields = {"retries": 1, "counted": (1, 0), "retry_delay": 100.0, "retry_jitter": 0.5}
        waits = [wait(follow(FAILED, attempt={"number": n}, **fields)) for n in range(1, 200)]
        again = [wait(follow(FAILED, attempt={"number": n}, **fields)) for n in range(1, 200)]
        assert waits == again
        assert 50 <= min(waits) < 52
        assert 98 < max(waits) <= 100


class TestByExitCodeAndClass:
    def test_an_exit_code_may_be_final(self):
        said = follow(
            FAILED, retries=9, retry_on=((2, 0),), counted=(1, 0), attempt={"exit_code": 2}
        )
        assert said == GiveUp(JobRunState.FAILED)

    def test_an_exit_code_may_be_worth_more_than_others(self):
        fields = {"retry_on": ((75, 3),), "attempt": {"exit_code": 75}}
        assert follow(FAILED, counted=(3, 0), **fields) == Retry(EPOCH)
        assert follow(FAILED, counted=(4, 0), **fields) == GiveUp(JobRunState.FAILED)
        assert follow(FAILED, counted=(1, 0), retry_on=((75, 3),)) == GiveUp(JobRunState.FAILED)

    def test_an_exit_code_says_nothing_of_what_the_infrastructure_did(self):
        said = follow(
            LOST, FailureClass.AGENT, retry_on=((1, 0),), counted=(0, 1), attempt={"exit_code": 1}
        )
        assert said == Retry(EPOCH)

    def test_a_class_has_its_own_bound(self):
        fields = {"retry_on": (("agent", 1), ("job", 5))}
        assert follow(LOST, FailureClass.AGENT, counted=(0, 2), **fields) == GiveUp(
            JobRunState.LOST
        )
        assert follow(FAILED, FailureClass.JOB, counted=(5, 0), **fields) == Retry(EPOCH)


class TestInfrastructure:
    def test_a_loss_costs_no_retry_and_the_first_no_time(self):
        assert follow(LOST, FailureClass.AGENT, counted=(0, 1)) == Retry(EPOCH)

    def test_losses_wait_longer_each_time_up_to_a_cap_and_a_bound(self):
        waits = [
            wait(follow(LOST, FailureClass.MASTER, counted=(0, n)))
            for n in range(1, MAX_LOSSES + 1)
        ]
        assert waits == sorted(waits)
        assert waits[-1] == LOSS_DELAY_CAP
        assert follow(LOST, FailureClass.MASTER, counted=(0, MAX_LOSSES + 1)) == GiveUp(
            JobRunState.LOST
        )

    @pytest.mark.parametrize("failure", [FailureClass.LAUNCH, FailureClass.FETCH])
    def test_what_does_not_begin_is_given_up_sooner(self, failure):
        assert isinstance(follow(FAILED, failure, counted=(0, MAX_FALSE_STARTS)), Retry)
        said = follow(FAILED, failure, retries=9, counted=(0, MAX_FALSE_STARTS + 1))
        assert said == GiveUp(JobRunState.FAILED)

    def test_a_drained_agent_costs_nothing(self):
        assert (
            charge(an_attempt("r", state=LOST, failure=FailureClass.DRAINED), a_job()).losses == 0
        )
        assert follow(LOST, FailureClass.DRAINED, counted=(0, MAX_LOSSES + 5)) == Retry(EPOCH)

    def test_an_attempt_of_before_there_were_classes_is_judged_by_its_state(self):
        assert charge(an_attempt("r", state=FAILED), a_job()).failures == 1
        assert charge(an_attempt("r", state=LOST), a_job()).losses == 1


class TestMemory:
    def test_it_is_doubled_up_to_what_the_job_allows_and_costs_no_retry(self):
        fields = {"memory_on_oom": 3000, "counted": (0, 0)}
        assert follow(FAILED, FailureClass.OUT_OF_MEMORY, **fields) == Retry(EPOCH, 2000)
        said = follow(FAILED, FailureClass.OUT_OF_MEMORY, attempt={"mem": 2000}, **fields)
        assert said == Retry(EPOCH, 3000)

    def test_who_has_all_that_is_allowed_uses_up_retries(self):
        fields = {"memory_on_oom": 3000, "attempt": {"mem": 3000}}
        said = follow(FAILED, FailureClass.OUT_OF_MEMORY, counted=(1, 0), retries=1, **fields)
        assert said == Retry(EPOCH, 3000)
        said = follow(FAILED, FailureClass.OUT_OF_MEMORY, counted=(2, 0), retries=1, **fields)
        assert said == GiveUp(JobRunState.FAILED)

    def test_what_was_granted_is_kept_for_later_attempts(self):
        said = follow(FAILED, FailureClass.JOB, retries=1, counted=(1, 0), attempt={"mem": 2000})
        assert said == Retry(EPOCH, 2000)


def test_the_last_agents_are_avoided_each_once():
    seen: tuple[str, ...] = ()
    for agent in ("a", "b", "a", "c", "d"):
        seen = avoided(an_attempt("r", agent_id=agent, avoid=seen))
    assert seen == ("a", "c", "d")
    assert len(seen) == MAX_AVOIDED
    assert avoided(an_attempt("r", avoid=seen)) == seen
