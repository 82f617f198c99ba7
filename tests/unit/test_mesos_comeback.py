"""When a lost connection is made anew, and to whom."""

import logging

import pytest

from moroccron.adapters.mesos.comeback import Comebacks, Visit
from moroccron.adapters.mesos.patience import Patience

PATIENCE = Patience(first_pause=1.0, longest_pause=8.0, steady=10.0, redirects=2)


@pytest.fixture
def comebacks() -> Comebacks:
    return Comebacks(PATIENCE)


def test_pauses_grow_with_each_failure_and_begin_anew_after_a_steady_subscription(comebacks):
    pauses = [comebacks.after(Visit("m")).pause for _ in range(5)]
    for pause, longest in zip(pauses, (1, 2, 4, 8, 8), strict=True):
        assert longest / 2 <= pause <= longest
    assert comebacks.after(Visit("m", subscribed_for=9.0)).pause >= 4
    assert comebacks.after(Visit("m", subscribed_for=11.0)).pause <= 1


def test_redirects_are_followed_at_once_and_not_for_ever(comebacks):
    sent_on = Visit("m", redirect="n")
    assert [comebacks.after(sent_on).follow for _ in range(4)] == [True, True, False, True]


def test_a_subscription_forgives_the_redirects_before_it(comebacks):
    sent_on = Visit("m", redirect="n")
    assert comebacks.after(sent_on).follow
    assert comebacks.after(sent_on).follow
    assert not comebacks.after(Visit("n", subscribed_for=1.0)).failed
    assert comebacks.after(sent_on).follow


@pytest.mark.parametrize("status", [401, 403])
def test_who_refuses_us_is_told_of_and_asked_again_late(comebacks, status):
    found = comebacks.after(Visit("m", "no", status))
    assert (found.pause, found.refused, found.failed) == (8.0, "m refuses us: no", False)
    assert "secret" in found.text


def test_who_is_not_trusted_is_asked_again_late_and_others_first(comebacks):
    found = comebacks.after(Visit("m", distrusted=True))
    assert (found.pause, found.failed, found.level) == (8.0, True, logging.ERROR)
    assert "again in 8.0 s" in found.text
