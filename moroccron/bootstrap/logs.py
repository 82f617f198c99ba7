"""Where attempts' outputs are read."""

from moroccron.adapters.local.identity import is_embedded
from moroccron.adapters.local.logs import SandboxLogs
from moroccron.adapters.mesos.logs import AgentLogs
from moroccron.bootstrap.secrets import authorization
from moroccron.bootstrap.tls import build_tls
from moroccron.model.run import Attempt
from moroccron.ports import LogChunk, Logs, Stream
from moroccron.settings import Settings


def open_logs(settings: Settings) -> Logs:
    """The outputs in the sandboxes of Mesos' agents, and in those of this machine's own agent."""
    agents = AgentLogs(authorization(settings), tls=build_tls(settings))
    return _Logs(SandboxLogs(settings.work_dir), agents)


class _Logs:
    """Each attempt's where it ran: a database may know both kinds."""

    def __init__(self, here: Logs, agents: Logs) -> None:
        self._here = here
        self._agents = agents

    def read(self, attempt: Attempt, stream: Stream, offset: int, length: int) -> LogChunk:
        here = attempt.agent_id is None or is_embedded(attempt.agent_id)
        logs = self._here if here else self._agents
        return logs.read(attempt, stream, offset, length)
