"""Retries: bounded whatever happens, by causes that do not mix; delays within their cap."""

from hypothesis import given
from hypothesis import strategies as st

from moroccron.core.retry import (
    LOSS_DELAY_CAP,
    MAX_LOSSES,
    Retry,
    after,
    chance,
    charge,
    retry_delay,
)
from moroccron.model.failure import INFRASTRUCTURE, FailureClass
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey
from moroccron.model.states import AttemptState
from moroccron.testing import EPOCH, a_job, an_attempt

_LOST = (FailureClass.AGENT, FailureClass.MASTER)
ends = st.lists(
    st.tuples(
        st.sampled_from(sorted(set(FailureClass) - {FailureClass.DRAINED})), st.integers(1, 3)
    ),
    min_size=60,
    max_size=60,
)
bounds = st.dictionaries(
    st.integers(1, 3) | st.sampled_from([c.value for c in FailureClass]), st.integers(0, 6)
)


@given(ends, st.integers(0, 5), bounds, st.integers(100, 5000) | st.none())
def test_a_job_run_ends_within_its_budgets(ends, retries, bounds, most_mem):
    spec = a_job(
        resources=Resources(cpus=1, mem=100),
        retries=retries,
        retry_on=tuple(bounds.items()),
        memory_on_oom=most_mem,
    )
    failures = losses = growths = 0
    mem = None
    for number, (failure, code) in enumerate(ends, 1):
        state = AttemptState.LOST if failure in _LOST else AttemptState.FAILED
        row = an_attempt("r", number=number, state=state, failure=failure, exit_code=code, mem=mem)
        cost = charge(row, spec)
        assert not (failure in INFRASTRUCTURE and cost.failures), "only a job uses up retries"
        failures, losses = failures + cost.failures, losses + cost.losses
        said = after(row, spec, failures=failures, losses=losses, hopeless=False, now=EPOCH)
        if not isinstance(said, Retry):
            break
        growths += said.mem != mem
        mem = said.mem
        assert (mem or 0) <= (most_mem or 0)
    else:
        raise AssertionError("it never gives up")
    assert failures <= max(retries, *bounds.values(), 0) + 1 if bounds else failures <= retries + 1
    assert (
        losses <= max(MAX_LOSSES, *bounds.values(), 0) + 1 if bounds else losses <= MAX_LOSSES + 1
    )
    assert growths <= 6, "100 MiB doubled"


@given(
    st.floats(0, 1e6),
    st.floats(1, 100),
    st.floats(0.1, 1e6),
    st.floats(0, 1),
    st.integers(1, 1000),
    st.integers(1, 10**6),
)
def test_a_delay_is_never_beyond_its_cap_nor_below_its_share(
    delay, factor, cap, jitter, failures, number
):
    spec = a_job(retry_delay=delay, retry_backoff=factor, retry_delay_max=cap, retry_jitter=jitter)
    key = AttemptKey("r", "j", number)
    found = retry_delay(spec, key, failures)
    whole = retry_delay(
        a_job(retry_delay=delay, retry_backoff=factor, retry_delay_max=cap), key, failures
    )
    assert whole * (1 - jitter) <= found <= whole <= cap
    later = retry_delay(
        a_job(retry_delay=delay, retry_backoff=factor, retry_delay_max=cap), key, failures + 1
    )
    assert whole <= later
    assert found == retry_delay(spec, key, failures)


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_two_attempts_have_two_chances(one, other):
    chances = {chance(AttemptKey("r", "j", number)) for number in (one, other)}
    assert len(chances) == len({one, other})
    assert all(0 <= found < 1 for found in chances)


def test_losses_never_wait_for_longer_than_their_cap():
    row = an_attempt("r", state=AttemptState.LOST, failure=FailureClass.AGENT)
    for losses in range(1, 1000):
        spec = a_job(retry_on=(("agent", 1000),))
        said = after(row, spec, failures=0, losses=losses, hopeless=False, now=EPOCH)
        assert isinstance(said, Retry)
        assert (said.at - EPOCH).total_seconds() <= LOSS_DELAY_CAP
