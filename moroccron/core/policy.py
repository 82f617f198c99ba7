"""The engine's waiting times, in one frozen value handed down from the settings. All in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient the engine is. The defaults suit a real cluster as well as one machine."""

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
    revive_interval: float = 1.0  #: between two REVIVEs of a framework that is not suppressed


DEFAULT_POLICY = Policy()
