"""Failure classes: whose doing the end of an attempt was, read from Mesos' state, reason and source.

Words come in as adapters hand them on: Mesos' own, in small letters and without `REASON_`, and the embedded
agent's beside them. Must not know what follows from a class: see `core.retry`.
"""

from enum import StrEnum

from moroccron.model.states import ReportedState


class FailureClass(StrEnum):
    """Whose doing it was that an attempt failed or was lost."""

    JOB = "job"  #: the command's own: an exit code, a signal, its time limit
    OUT_OF_MEMORY = "out_of_memory"  #: ended for asking more memory than it was given
    LAUNCH = "launch"  #: its container or executor could not be started
    FETCH = "fetch"  #: its image or one of its files could not be had
    AGENT = "agent"  #: its agent died, was cut off, or lost it
    MASTER = "master"  #: the master refused or never knew it
    DRAINED = "drained"  #: an operator emptied its agent


#: infrastructure: what costs no retry
INFRASTRUCTURE = frozenset(FailureClass) - {FailureClass.JOB, FailureClass.OUT_OF_MEMORY}

_C = FailureClass

_BY_REASON = {
    "container_limitation_memory": _C.OUT_OF_MEMORY,
    "fetch_failed": _C.FETCH,  # the embedded agent's
    "container_launch_failed": _C.LAUNCH,
    "executor_registration_timeout": _C.LAUNCH,
    "task_killed_during_launch": _C.LAUNCH,
    "agent_draining": _C.DRAINED,
    "agent_stopped": _C.AGENT,  # the embedded agent's
    "invalid_offers": _C.MASTER,
    "framework_removed": _C.MASTER,
    "master_disconnected": _C.MASTER,
    "unknown_task": _C.MASTER,  # ours, of what is denied twice without a reason
}
#: Mesos has one reason for all that goes wrong before a container runs; its message tells what it was.
_FETCHING = ("fetch", "uri", "image", "manifest", "pull", "registry", "download")
_OF_AGENTS = ("agent_", "slave_", "executor_")
_AT_FAULT = (_C.JOB, _C.OUT_OF_MEMORY, _C.LAUNCH, _C.FETCH)


def class_of(
    state: ReportedState, reason: str | None, source: str | None, message: str | None
) -> FailureClass:
    """The class of an end that was not wished for.

    The reason tells most (Mesos, task-state-reasons). Of what has none that is known, a failure is the job's, and
    a loss the master's where he alone speaks of it, else the agent's.
    """
    found = _BY_REASON.get(reason or "")
    if found is _C.LAUNCH and any(word in (message or "").lower() for word in _FETCHING):
        found = _C.FETCH
    if state is ReportedState.ERROR:  # invalid or unauthorised: it never began
        return _C.LAUNCH
    if state is ReportedState.FAILED:
        return found if found in _AT_FAULT else _C.JOB
    if found is not None:
        return found
    told_by_master = source == "master" and not (reason or "").startswith(_OF_AGENTS)
    return _C.MASTER if told_by_master else _C.AGENT
