"""Where attempts' outputs are read."""

from moroccron.adapters.local.logs import SandboxLogs
from moroccron.ports import Logs
from moroccron.settings import Settings


def open_logs(settings: Settings) -> Logs:
    """The outputs in the sandboxes of this machine's agent."""
    return SandboxLogs(settings.work_dir)
