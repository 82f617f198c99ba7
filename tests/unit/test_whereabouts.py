"""What runs on Mesos is told from what runs on the embedded agent, whatever it has been through."""

import pytest

from moroccron.bootstrap.whereabouts import SettledStore
from moroccron.model.changes import AttemptChanged
from moroccron.model.errors import FrameworkMismatch
from moroccron.model.states import AttemptState
from moroccron.testing import MemoryStore, a_run, a_run_of, a_version, an_attempt

EMBEDDED = "local-0123456789abcdef"
OF_MESOS = "2f6d9a4e-51c0-4c6b-8f3a-0d3c3c1f7a11-S4"
URL = "http://10.0.0.4:5051/slave(1)"


def store_with(state: AttemptState, agent_id: str | None, agent_url: str | None) -> MemoryStore:
    store = MemoryStore()
    version = a_version()
    run = a_run(version)
    attempt = an_attempt(run.id, state=state, agent_id=agent_id, agent_url=agent_url)
    store.commit(store.begin_term("me"), [*a_run_of(version, run), AttemptChanged(attempt)])
    return store


@pytest.mark.parametrize("agent_url", [URL, None], ids=["as_placed", "adopted"])
@pytest.mark.parametrize("state", [AttemptState.RUNNING, AttemptState.UNREACHABLE])
def test_what_runs_on_mesos_is_mesos(state: AttemptState, agent_url: str | None) -> None:
    """One found on another agent than it was sent to has no URL, and is no less on Mesos for that."""
    store = store_with(state, OF_MESOS, agent_url)
    assert len(SettledStore(store, on_mesos=True).load().attempts) == 1
    with pytest.raises(FrameworkMismatch, match="run on a Mesos cluster"):
        SettledStore(store, on_mesos=False).load()


def test_what_runs_here_is_the_embedded_agents() -> None:
    store = store_with(AttemptState.RUNNING, EMBEDDED, None)
    assert len(SettledStore(store, on_mesos=False).load().attempts) == 1
    with pytest.raises(FrameworkMismatch, match="run on the embedded agent"):
        SettledStore(store, on_mesos=True).load()


@pytest.mark.parametrize("on_mesos", [True, False])
@pytest.mark.parametrize(
    ("state", "agent_id"), [(AttemptState.QUEUED, None), (AttemptState.SUCCEEDED, OF_MESOS)]
)
def test_what_does_not_run_may_move(
    state: AttemptState, agent_id: str | None, on_mesos: bool
) -> None:
    SettledStore(store_with(state, agent_id, None), on_mesos=on_mesos).load()
