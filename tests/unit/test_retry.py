"""What follows an attempt's end."""

from datetime import timedelta

import pytest

from moroccron.core.retry import LOSS_DELAY_CAP, MAX_LOSSES, GiveUp, Retry, after
from moroccron.model.states import AttemptState, JobRunState
from moroccron.testing import EPOCH, a_job


def follow(ended, *, retries=0, delay=0.0, failures=0, losses=0, hopeless=False):
    spec = a_job(retries=retries, retry_delay=delay)
    return after(ended, spec, failures=failures, losses=losses, hopeless=hopeless, now=EPOCH)


def test_success_is_final():
    assert follow(AttemptState.SUCCEEDED) == GiveUp(JobRunState.SUCCEEDED)


def test_a_kill_is_final_whatever_retries_are_left():
    assert follow(AttemptState.KILLED, retries=9) == GiveUp(JobRunState.KILLED)


@pytest.mark.parametrize(
    ("retries", "failures", "retried"), [(0, 1, False), (1, 1, True), (1, 2, False), (3, 3, True)]
)
def test_failures_use_up_retries(retries, failures, retried):
    said = follow(AttemptState.FAILED, retries=retries, failures=failures)
    assert said == (Retry(EPOCH) if retried else GiveUp(JobRunState.FAILED))


def test_a_retry_waits_for_its_delay():
    said = follow(AttemptState.FAILED, retries=1, failures=1, delay=90.0)
    assert said == Retry(EPOCH + timedelta(seconds=90))


def test_an_invalid_launch_is_not_tried_again():
    said = follow(AttemptState.FAILED, retries=9, failures=1, hopeless=True)
    assert said == GiveUp(JobRunState.FAILED)


def test_a_loss_costs_no_retry_and_the_first_no_time():
    assert follow(AttemptState.LOST, retries=0, losses=1) == Retry(EPOCH)


def test_losses_wait_longer_each_time_up_to_a_cap_and_a_bound():
    waits = [
        (follow(AttemptState.LOST, losses=n).at - EPOCH).total_seconds()
        for n in range(1, MAX_LOSSES + 1)
    ]
    assert waits == sorted(waits)
    assert waits[-1] == LOSS_DELAY_CAP
    assert follow(AttemptState.LOST, losses=MAX_LOSSES + 1) == GiveUp(JobRunState.LOST)
