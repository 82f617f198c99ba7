"""What the engine was set to, in one frozen value handed down from the settings. Times are in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient the engine is, and whose offers it takes. The defaults suit a cluster as well as one machine."""

    launch_grace: float = 30.0  #: a launch not heard of for this long is asked about
    settle_time: float = 0.5  #: between two askings about an attempt that nobody knows
    unreachable_patience: float = 900.0  #: a cut-off attempt is replaced after this
    sweep_interval: float = 5.0  #: between two looks at everything that lives
    timeout_slack: float = (
        15.0  #: the watchdog's margin over a job's own timeout, which the agent enforces
    )
    reconcile_interval: float = 600.0  #: between two full reconciliations
    hold_offers: float = 1.0  #: an unused offer is kept this long while runs are active
    refuse_unfit: float = 5.0  #: refusal of an offer that fits nothing queued
    refuse_idle: float = 300.0  #: refusal of an offer when there is nothing to run at all
    revive_interval: float = 1.0  #: between two REVIVEs of a role that is not suppressed
    #: those that we are subscribed with, first the one of jobs that name none; none: the cluster knows no roles
    roles: tuple[str, ...] = ()


DEFAULT_POLICY = Policy()
