"""Whose doing an end was, as Mesos and the embedded agent word it."""

import pytest

from moroccron.adapters.mesos.updates import status_of
from moroccron.model.failure import FailureClass, class_of
from moroccron.model.states import ReportedState

R, C = ReportedState, FailureClass


@pytest.mark.parametrize(
    ("state", "reason", "source", "message", "found"),
    [
        (R.FAILED, "command_executor_failed", "executor", "Command exited with status 7", C.JOB),
        (R.FAILED, "max_completion_time_reached", "executor", None, C.JOB),
        (R.FAILED, "command_failed", None, None, C.JOB),
        (R.FAILED, "reconciliation", "master", None, C.JOB),
        (R.FAILED, None, None, None, C.JOB),
        (R.FAILED, "container_limitation_memory", "agent", None, C.OUT_OF_MEMORY),
        (R.FAILED, "container_limitation_disk", "agent", None, C.JOB),
        (R.FAILED, "container_launch_failed", "agent", "Failed to mount", C.LAUNCH),
        (R.FAILED, "container_launch_failed", "agent", "Failed to fetch all URIs", C.FETCH),
        (R.FAILED, "container_launch_failed", "agent", "Failed to pull image 'x'", C.FETCH),
        (R.FAILED, "fetch_failed", None, None, C.FETCH),
        (R.ERROR, "task_invalid", "master", "uses more cpus", C.LAUNCH),
        (R.LOST, "executor_terminated", "agent", None, C.AGENT),
        (R.LOST, "executor_registration_timeout", "agent", None, C.LAUNCH),
        (R.GONE_BY_OPERATOR, "agent_removed_by_operator", "master", None, C.AGENT),
        (R.LOST, "slave_removed", "master", None, C.AGENT),
        (R.DROPPED, "invalid_offers", "master", None, C.MASTER),
        (R.DROPPED, None, "master", None, C.MASTER),
        (R.DROPPED, None, "agent", None, C.AGENT),
        (R.KILLED, "agent_draining", "agent", None, C.DRAINED),
        (R.GONE_BY_OPERATOR, "agent_draining", "master", None, C.DRAINED),
        (R.KILLED, "agent_stopped", None, None, C.AGENT),
        (R.KILLED, None, "executor", None, C.AGENT),
    ],
)
def test_the_class_of_an_end(state, reason, source, message, found):
    assert class_of(state, reason, source, message) is found


@pytest.mark.parametrize(
    ("state", "reason", "found"),
    [
        ("TASK_FAILED", "REASON_EXECUTOR_TERMINATED", C.AGENT),
        ("TASK_FAILED", "REASON_CONTAINER_LIMITATION_MEMORY", C.OUT_OF_MEMORY),
        ("TASK_KILLED", "REASON_AGENT_DRAINING", C.DRAINED),
        ("TASK_DROPPED", "REASON_INVALID_OFFERS", C.MASTER),
    ],
)
def test_in_the_words_of_a_master(state, reason, found):
    status = {"task_id": {"value": "t"}, "state": state, "reason": reason}
    update = status_of({**status, "source": "SOURCE_MASTER"}, "f")
    assert update.source == "master"
    assert class_of(update.state, update.reason, update.source, update.message) is found
