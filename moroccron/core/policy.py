"""What the engine was set to, in one frozen value handed down from the settings. Times are in seconds."""

from dataclasses import dataclass

from moroccron.model.dag_version import JobSpec


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient the engine is, and whose offers it takes. The defaults suit a cluster as well as one machine."""

    launch_grace: float = 30.0  #: a launch not heard of for this long is asked about
    settle_time: float = 0.5  #: between two askings about an attempt that nobody knows
    orphan_settle: float = 5.0  #: a task that nobody knows is left alone for this long
    #: an attempt that is cut off is replaced after this, unless its job says otherwise; None: never
    replace_after: float | None = None
    sweep_interval: float = 5.0  #: between two looks at everything that lives
    timeout_slack: float = (
        15.0  #: the watchdog's margin over a job's own timeout, which the agent enforces
    )
    reconcile_interval: float = 600.0  #: between two full reconciliations
    aging: float = (
        60.0  #: this long of waiting counts as one more of priority; 0: waiting adds nothing
    )
    #: a retry takes none of the agents that it would rather avoid before it has waited this long for another
    retry_elsewhere: float = 0.0
    hold_offers: float = 1.0  #: an unused offer is kept this long while runs are active
    refuse_unfit: float = 5.0  #: refusal of an offer that fits nothing queued
    refuse_idle: float = 300.0  #: refusal of an offer when there is nothing to run at all
    revive_interval: float = 1.0  #: between two REVIVEs of a role that is not suppressed
    #: a job without a timeout is taken to run for so long, where an agent's maintenance is ahead
    assumed_runtime: float = 3600.0
    inverse_interval: float = (
        60.0  #: between two questions whether we leave an agent by its maintenance
    )
    #: those that we are subscribed with, first the one of jobs that name none; none: the cluster knows no roles
    roles: tuple[str, ...] = ()

    #: whether agents with GPUs are offered to us; without it a job that wants one says so instead of waiting
    gpus: bool = True

    def patience(self, spec: JobSpec) -> float | None:
        """Seconds for which a job's attempt is waited for when its agent is cut off; None: for ever."""
        wished = self.replace_after if spec.replace_after is None else spec.replace_after
        return None if wished == "never" else wished


DEFAULT_POLICY = Policy()
