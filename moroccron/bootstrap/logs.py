"""Where what attempts wrote is read."""

from moroccron.adapters.local.identity import is_embedded
from moroccron.adapters.local.logs import SandboxLogs
from moroccron.adapters.mesos.logs import AgentLogs
from moroccron.bootstrap.secrets import authorization
from moroccron.bootstrap.tls import build_tls
from moroccron.model.run import Attempt
from moroccron.ports import LogChunk, Logs, Outputs, Stream
from moroccron.settings import Settings


def open_logs(settings: Settings) -> Logs:
    """The outputs in the sandboxes of Mesos' agents, and in those of this machine's own agent."""
    return _open(settings)


def open_outputs(settings: Settings) -> Outputs:
    """What attempts hand on, from the same places."""
    return _open(settings)


def _open(settings: Settings) -> "_Logs":
    agents = AgentLogs(authorization(settings), tls=build_tls(settings))
    return _Logs(SandboxLogs(settings.work_dir), agents)


class _Logs:
    """Each attempt's where it ran: a database may know both kinds."""

    def __init__(self, here: SandboxLogs, agents: AgentLogs) -> None:
        self._here = here
        self._agents = agents

    def read(self, attempt: Attempt, stream: Stream, offset: int, length: int) -> LogChunk:
        return self._of(attempt).read(attempt, stream, offset, length)

    def read_output(self, attempt: Attempt) -> bytes | None:
        return self._of(attempt).read_output(attempt)

    def _of(self, attempt: Attempt) -> SandboxLogs | AgentLogs:
        here = attempt.agent_id is None or is_embedded(attempt.agent_id)
        return self._here if here else self._agents
