"""What follows the end of an attempt: the job run is over, or there is another try.

Only what is the job's own doing uses up its retries. Infrastructure has a budget of its own, which `JobRun.losses`
counts; memory that ran out is asked for anew, doubled, where the job allows it. No randomness: an attempt's chance
is a hash of its key.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from moroccron.model.dag_version import JobSpec
from moroccron.model.failure import INFRASTRUCTURE, FailureClass
from moroccron.model.run import SKIP_EXIT_CODE, Attempt, AttemptKey
from moroccron.model.states import AttemptState, JobRunState

#: a job run that the infrastructure loses more often than this is given up as LOST
MAX_LOSSES = 10
#: what never began because of its container, image or files will hardly begin another time
MAX_FALSE_STARTS = 3

#: seconds before the second and each later try of a job that keeps getting lost, doubling up to the cap
LOSS_DELAY = 1.0
LOSS_DELAY_CAP = 60.0

#: the agents that a job run remembers to avoid
MAX_AVOIDED = 3

_BOUNDS = {FailureClass.LAUNCH: MAX_FALSE_STARTS, FailureClass.FETCH: MAX_FALSE_STARTS}


@dataclass(frozen=True, slots=True)
class Retry:
    """Another attempt, placeable from this moment on, with this much memory (None: as the job says)."""

    at: datetime
    mem: int | None = None


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The job run is over, in this state."""

    state: JobRunState


@dataclass(frozen=True, slots=True)
class Charge:
    """What an end adds to its job run's two counts."""

    failures: int = 0
    losses: int = 0


_ENDED = {
    AttemptState.SUCCEEDED: GiveUp(JobRunState.SUCCEEDED),
    AttemptState.KILLED: GiveUp(JobRunState.KILLED),
}
_GIVEN_UP = {
    AttemptState.FAILED: GiveUp(JobRunState.FAILED),
    AttemptState.LOST: GiveUp(JobRunState.LOST),
}
_FREE, _FAILURE, _LOSS = Charge(), Charge(failures=1), Charge(losses=1)


def charge(ended: Attempt, spec: JobSpec) -> Charge:
    """Which count an end adds to. A drained agent is an operator's wish and costs nothing at all."""
    if ended.state not in _GIVEN_UP:
        return _FREE
    found = failure_of(ended)
    if found is FailureClass.DRAINED or (
        found is FailureClass.OUT_OF_MEMORY and grown(ended, spec) is not None
    ):
        return _FREE
    return _LOSS if found in INFRASTRUCTURE else _FAILURE


def after(
    ended: Attempt, spec: JobSpec, *, failures: int, losses: int, hopeless: bool, now: datetime
) -> Retry | GiveUp:
    """What to do when an attempt ended so, `failures` and `losses` including this one.

    `hopeless`: the launch itself was refused as invalid, so that trying again cannot help.
    """
    if ended.state is AttemptState.SUCCEEDED and ended.reason == SKIP_EXIT_CODE:
        return GiveUp(JobRunState.SKIPPED)
    if ended.state not in _GIVEN_UP:
        return _ENDED[ended.state]
    if hopeless:
        return _GIVEN_UP[ended.state]
    found = failure_of(ended)
    if found is FailureClass.OUT_OF_MEMORY and (more := grown(ended, spec)) is not None:
        return Retry(now, more)
    counted, cost = (losses, True) if found in INFRASTRUCTURE else (failures, False)
    if found is not FailureClass.DRAINED and counted > _bound(ended, found, spec):
        return _GIVEN_UP[ended.state]
    if cost:
        delay = _loss_delay(losses if found is not FailureClass.DRAINED else 1)
    else:
        delay = retry_delay(spec, ended.key, failures)
    return Retry(now + timedelta(seconds=delay), ended.mem)


def failure_of(ended: Attempt) -> FailureClass:
    """The class of an attempt that failed or was lost, also of one from before there were classes."""
    if ended.failure is not None:
        return ended.failure
    return FailureClass.JOB if ended.state is AttemptState.FAILED else FailureClass.AGENT


def grown(ended: Attempt, spec: JobSpec) -> int | None:
    """MiB for the next attempt of one that ran out of memory; None: it had all that its job allows."""
    had = ended.mem or spec.resources.mem
    if spec.memory_on_oom is None or had >= spec.memory_on_oom:
        return None
    return min(2 * had, spec.memory_on_oom)


def retry_delay(spec: JobSpec, key: AttemptKey, failures: int) -> float:
    """Seconds before the attempt that follows the n-th failure.

    Longer by the factor each time, up to the cap; of that a share by the attempt's chance is taken off, so that
    what failed together does not come back together.
    """
    longest = spec.retry_delay_max
    delay = min(spec.retry_delay, longest)
    for _ in range(failures - 1):
        if delay >= longest or spec.retry_backoff == 1.0:
            break
        delay = min(delay * spec.retry_backoff, longest)
    return delay * (1.0 - spec.retry_jitter * chance(key)) if spec.retry_jitter else delay


def chance(key: AttemptKey) -> float:
    """A number from 0 to 1, always the same for one attempt, and evenly spread over many."""
    digest = blake2b("@".join(map(str, key)).encode(), digest_size=7).digest()
    return int.from_bytes(digest) / 2**56


def avoided(ended: Attempt) -> tuple[str, ...]:
    """The agents that the next attempt would rather not have, the last one last."""
    if ended.agent_id is None:
        return ended.avoid
    others = [agent for agent in ended.avoid if agent != ended.agent_id]
    return (*others, ended.agent_id)[-MAX_AVOIDED:]


def _bound(ended: Attempt, found: FailureClass, spec: JobSpec) -> int:
    """How many attempts may follow such ends: what its job says of exit code or class, else our own bound."""
    own = dict(spec.retry_on)
    if found is FailureClass.JOB and ended.exit_code in own:
        return own[ended.exit_code]
    if found in INFRASTRUCTURE:
        return own.get(found.value, _BOUNDS.get(found, MAX_LOSSES))
    return own.get(found.value, spec.retries)


def _loss_delay(losses: int) -> float:
    return 0.0 if losses <= 1 else min(LOSS_DELAY * 2.0 ** min(losses - 2, 30), LOSS_DELAY_CAP)
