"""What follows the end of an attempt: the job run is over, or there is another try."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from moroccron.model.dag_version import JobSpec
from moroccron.model.states import AttemptState, JobRunState

#: a job run that the infrastructure loses more often than this is given up as LOST
MAX_LOSSES = 10

#: seconds before the second and each later try of a job that keeps getting lost, doubling up to the cap
LOSS_DELAY = 1.0
LOSS_DELAY_CAP = 60.0


@dataclass(frozen=True, slots=True)
class Retry:
    """Another attempt, placeable from this moment on."""

    at: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The job run is over, in this state."""

    state: JobRunState


_ENDED = {
    AttemptState.SUCCEEDED: GiveUp(JobRunState.SUCCEEDED),
    AttemptState.KILLED: GiveUp(JobRunState.KILLED),
}


def after(
    ended: AttemptState, spec: JobSpec, *, failures: int, losses: int, hopeless: bool, now: datetime
) -> Retry | GiveUp:
    """What to do when an attempt ended so, `failures` and `losses` including this one.

    A loss is the infrastructure's fault and uses up no retry. `hopeless`: the launch itself was refused as
    invalid, so that trying again cannot help.
    """
    if ended is AttemptState.FAILED:
        if hopeless or failures > spec.retries:
            return GiveUp(JobRunState.FAILED)
        return Retry(now + timedelta(seconds=spec.retry_delay))
    if ended is AttemptState.LOST:
        if losses > MAX_LOSSES:
            return GiveUp(JobRunState.LOST)
        delay = 0.0 if losses == 1 else min(LOSS_DELAY * 2.0 ** (losses - 2), LOSS_DELAY_CAP)
        return Retry(now + timedelta(seconds=delay))
    return _ENDED[ended]
